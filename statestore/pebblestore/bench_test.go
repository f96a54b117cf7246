package pebblestore

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/leatstream/leat/statestore"
)

const benchKeys = 1_000_000

func benchKey(dst []byte, i uint64) []byte {
	dst = binary.BigEndian.AppendUint64(dst[:0], i*0x9e3779b97f4a7c15)
	return binary.BigEndian.AppendUint64(dst, i)
}

// benchStore is a store with a million keys of 16 bytes in random order, values of 100, flushed.
func benchStore(b *testing.B, fill bool) (statestore.Backend, statestore.Engine) {
	db := mustOpen(b, b.TempDir(), Options{Memory: 512 << 20})
	b.Cleanup(func() { mustClose(b, db) })
	backend := db.Task("0_0")
	e, err := backend.Open("counts")
	if err != nil {
		b.Fatal(err)
	}
	if !fill {
		return backend, e
	}
	w := backend.NewBatch()
	r := rand.New(rand.NewPCG(1, 1))
	var key []byte
	value := make([]byte, 100)
	for i := range uint64(benchKeys) {
		for j := range 50 {
			value[j] = byte(r.Uint32())
		}
		key = benchKey(key, i)
		w.Set(e, key, value)
		if i%10_000 == 9999 {
			if err := w.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	return backend, e
}

func BenchmarkCommit(b *testing.B) {
	backend, e := benchStore(b, false)
	w := backend.NewBatch()
	r := rand.New(rand.NewPCG(1, 1))
	var key []byte
	value := make([]byte, 100)
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for range 1000 {
			key = benchKey(key, r.Uint64N(benchKeys))
			w.Set(e, key, value)
		}
		w.SetPosition("counts", statestore.Position{Next: int64(records)})
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		records += 1000
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

func benchmarkGet(b *testing.B, from uint64, present bool, absent int) {
	_, e := benchStore(b, true)
	r := rand.New(rand.NewPCG(2, 2))
	var key []byte
	get := func() {
		if absent != 0 {
			e.(*engine).absent = absent
		}
		key = benchKey(key, from+r.Uint64N(benchKeys))
		if _, ok, err := e.Get(key); ok != present || err != nil {
			b.Fatal(ok, err)
		}
	}
	for range 200_000 {
		get()
	}
	b.ReportAllocs()
	for b.Loop() {
		get()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// The ways to look a key up, and what the engine makes of them by itself.
func BenchmarkGet(b *testing.B) {
	b.Run("present", func(b *testing.B) { benchmarkGet(b, 0, true, 0) })
	b.Run("present/get", func(b *testing.B) { benchmarkGet(b, 0, true, -1) })
	b.Run("present/seek", func(b *testing.B) { benchmarkGet(b, 0, true, 1) })
	b.Run("absent", func(b *testing.B) { benchmarkGet(b, benchKeys, false, 0) })
	b.Run("absent/get", func(b *testing.B) { benchmarkGet(b, benchKeys, false, -1) })
	b.Run("absent/seek", func(b *testing.B) { benchmarkGet(b, benchKeys, false, 1) })
}

func BenchmarkIterate(b *testing.B) {
	_, e := benchStore(b, true)
	r := rand.New(rand.NewPCG(2, 2))
	var key []byte
	b.ReportAllocs()
	for b.Loop() {
		key = benchKey(key, r.Uint64N(benchKeys))
		it := e.Iterate(key, nil, false)
		for range 10 {
			it.Next()
		}
		if err := it.Err(); err != nil {
			b.Fatal(err)
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seeks/s")
}
