package main

import (
	"fmt"
	"sort"
	"sync"
)

// input is one input topic of a workload.
type input struct {
	topic   string
	records int64
}

const tableKeys = 100_000

// inputs returns the input topics of a workload for N records.
func inputs(workload, prefix string, n int64) ([]input, error) {
	named := func(set string, records int64) input {
		return input{fmt.Sprintf("%s-%s-%d", prefix, set, records), records}
	}
	switch workload {
	case "W1", "W2", "W3", "W6", "W7":
		return []input{named("zipf", n)}, nil
	case "W4":
		return []input{named("zipf", n), named("table", tableKeys)}, nil
	case "W5":
		return []input{named("left", n/2), named("right", n/2)}, nil
	default:
		return nil, usagef("no workload %q; there are W1 to W7", workload)
	}
}

func total(in []input) (n int64) {
	for _, i := range in {
		n += i.records
	}
	return n
}

// zipf is the generator of the data set of the same name: keys, times and values by the rules of WORKLOADS.md.
type zipf struct {
	state uint64
	index int64
	key   int
	ts    int64
	value [100]byte
}

func newZipf() *zipf { return &zipf{state: 0x9E3779B97F4A7C15} }

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

var cumulative = sync.OnceValue(func() []uint64 {
	c := make([]uint64, 100_000)
	var sum uint64
	for i := range c {
		sum += (1 << 32) / uint64(i+1)
		c[i] = sum
	}
	return c
})

// next moves to the next record.
func (z *zipf) next() {
	c := cumulative()
	u := z.draw() % c[len(c)-1]
	z.key = sort.Search(len(c), func(r int) bool { return c[r] > u })
	j := z.draw()
	z.ts = 1_700_000_000_000 + z.index + int64(j%1001) - 500
	for at := 0; at < len(z.value); {
		for bits, n := z.random(), 0; n < 10; bits, n = bits>>6, n+1 {
			z.value[at] = alphabet[bits&63]
			at++
		}
	}
	z.value[1] = '0' + byte(j/1001%10)
	z.index++
}

func (z *zipf) draw() uint64 { return z.random() >> 11 }

// random is xorshift64*.
func (z *zipf) random() uint64 {
	z.state ^= z.state >> 12
	z.state ^= z.state << 25
	z.state ^= z.state >> 27
	return z.state * 0x2545F4914F6CDD1D
}

// keyName is k%07d.
func keyName(n uint64) string {
	b := [8]byte{'k', '0', '0', '0', '0', '0', '0', '0'}
	for at := 7; n > 0; at, n = at-1, n/10 {
		b[at] = '0' + byte(n%10)
	}
	return string(b[:])
}

// setKey writes keyName's digits over a key.
func setKey(key []byte, n uint64) {
	for at := 7; at > 0; at, n = at-1, n/10 {
		key[at] = '0' + byte(n%10)
	}
}

// hashKey is the key that W6 gives to a value.
func hashKey(value string) string { return keyName(hashNumber(value)) }

// hashNumber is the number in that key.
func hashNumber[T string | []byte](value T) uint64 {
	h := uint64(0xCBF29CE484222325)
	for i := range len(value) {
		h = (h ^ uint64(value[i])) * 0x100000001B3
	}
	return (h >> 11) % 100_000
}
