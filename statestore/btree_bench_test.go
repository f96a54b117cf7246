package statestore

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

const benchKeys = 1_000_000

// benchKey is 16 bytes, in random order.
func benchKey(dst []byte, i uint64) []byte {
	dst = binary.BigEndian.AppendUint64(dst[:0], i*0x9e3779b97f4a7c15)
	return binary.BigEndian.AppendUint64(dst, i)
}

func reportRate(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func filledTree() *Tree {
	t := NewTree()
	var k []byte
	value := make([]byte, 100)
	for i := range uint64(benchKeys) {
		k = benchKey(k, i)
		t.Set(k, value)
	}
	return t
}

func BenchmarkTreeGet(b *testing.B) {
	t := filledTree()
	b.ReportMetric(float64(t.Bytes())/benchKeys, "B/key")
	r := rand.New(rand.NewPCG(1, 1))
	var k []byte
	b.ReportAllocs()
	for b.Loop() {
		k = benchKey(k, r.Uint64N(benchKeys))
		if _, ok := t.Get(k); !ok {
			b.Fatal("missing")
		}
	}
	reportRate(b)
}

func BenchmarkTreeSet(b *testing.B) {
	t := filledTree()
	r := rand.New(rand.NewPCG(1, 1))
	var k []byte
	value := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		k = benchKey(k, r.Uint64N(benchKeys))
		t.Set(k, value)
	}
	reportRate(b)
}

// BenchmarkTreeOverlay fills and empties a tree as the writes of one commit after another do.
func BenchmarkTreeOverlay(b *testing.B) {
	t := NewTree()
	r := rand.New(rand.NewPCG(1, 1))
	var k []byte
	value := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		k = benchKey(k, r.Uint64N(benchKeys))
		t.Set(k, value)
		if t.Len() == 20_000 {
			t.Reset()
		}
	}
	reportRate(b)
}

func BenchmarkTreeIterate(b *testing.B) {
	t := filledTree()
	c := t.Iterate(nil, nil, false)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Next() {
			c.Close()
			c = t.Iterate(nil, nil, false)
		}
	}
	c.Close()
	reportRate(b)
}
