package statestore_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Backend(t, func(*testing.T) storetest.Instance {
		return storetest.Instance{Task: func(string) statestore.Backend { return statestore.NewMemory() }}
	})
}

func memoryStore(t testing.TB) (statestore.Backend, statestore.Engine) {
	b := statestore.NewMemory()
	e, err := b.Open("counts")
	if err != nil {
		t.Fatal(err)
	}
	return b, e
}

func TestMemoryBatchDoesNotAllocateInSteadyState(t *testing.T) {
	b, e := memoryStore(t)
	w := b.NewBatch()
	commit := func() {
		var key [8]byte
		for i := range uint64(1000) {
			binary.BigEndian.PutUint64(key[:], i)
			w.Set(e, key[:], key[:])
		}
		w.SetPosition("counts", statestore.Position{Next: 1})
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	// Taking a slice of an array that reaches an interface's method makes the array escape: one allocation.
	if n := testing.AllocsPerRun(10, commit); n > 1 {
		t.Fatalf("%v allocations a batch of 1000", n)
	}
}

func BenchmarkMemoryCommit(b *testing.B) {
	backend, e := memoryStore(b)
	w := backend.NewBatch()
	r := rand.New(rand.NewPCG(1, 1))
	key, value := make([]byte, 16), make([]byte, 100)
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for range 1000 {
			binary.BigEndian.PutUint64(key, r.Uint64N(1_000_000)*0x9e3779b97f4a7c15)
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

func BenchmarkMemoryGet(b *testing.B) {
	backend, e := memoryStore(b)
	w := backend.NewBatch()
	key, value := make([]byte, 16), make([]byte, 100)
	for i := range uint64(1_000_000) {
		binary.BigEndian.PutUint64(key, i*0x9e3779b97f4a7c15)
		w.Set(e, key, value)
		if i%10_000 == 9999 {
			if err := w.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint64(key, r.Uint64N(1_000_000)*0x9e3779b97f4a7c15)
		if _, ok, err := e.Get(key); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
