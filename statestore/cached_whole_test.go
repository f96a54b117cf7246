package statestore_test

import (
	"math"
	"testing"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

// counted counts the lookups in an engine.
type counted struct {
	statestore.Engine
	gets int
}

func (c *counted) Get(key []byte) ([]byte, bool, error) {
	c.gets++
	return c.Engine.Get(key)
}

// sum adds one to a key's value and returns what it was.
func sum[K comparable](s statestore.KeyValue[K, int64], key K) int64 {
	v, _ := s.Get(key)
	s.Put(key, v+1)
	return v
}

// TestNewKeysCostNoLookup: a store that began empty asks the engine for nothing until its cache gives a key up.
func TestNewKeysCostNoLookup(t *testing.T) {
	b := newBench(t)
	env := b.env(false, 4)
	e := &counted{Engine: b.engine}
	env.Engine = e
	s, err := statestore.NewKeyValue(env, serde.String, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "a", "c"} {
		sum(s, key)
		b.confirmEngine(s, e)
	}
	s.Delete("b")
	b.confirmEngine(s, e)
	sum(s, "d")
	if e.gets > 0 {
		t.Fatalf("%d lookups while everything was in the cache", e.gets)
	}
	sum(s, "e") // takes the place of one
	for key, want := range map[string]int64{"a": 2, "b": 0, "c": 1, "d": 1, "e": 1} {
		if got := sum(s, key); got != want {
			t.Errorf("%s is %d, want %d", key, got, want)
		}
		b.confirmEngine(s, e)
	}
	if e.gets == 0 {
		t.Error("no lookup although keys were given up")
	}

	// Of a store that is not empty nothing is known.
	again, err := statestore.NewKeyValue(env, serde.String, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.Get("a"); !ok || got != 3 {
		t.Errorf("a is %d, %v, want 3", got, ok)
	}
}

// TestNaNIsLookedUp: a key that does not equal itself is never found in the cache.
func TestNaNIsLookedUp(t *testing.T) {
	b := newBench(t)
	s, err := statestore.NewKeyValue(b.env(false, 8), serde.Float64, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	for want := range int64(3) {
		if got := sum(s, math.NaN()); got != want {
			t.Errorf("%d, want %d", got, want)
		}
		b.commit(s)
	}
}

// confirmEngine is commit for a store whose engine is counted.
func (b *bench) confirmEngine(s statestore.Store, e *counted) {
	b.t.Helper()
	s.Flush()
	batch := countedBatch{b.backend.NewBatch(), e}
	s.Write(batch)
	if err := batch.Commit(); err != nil {
		b.t.Fatal(err)
	}
	s.Written()
}

// countedBatch writes to the engine that is counted.
type countedBatch struct {
	statestore.Batch
	e *counted
}

func (c countedBatch) Set(_ statestore.Engine, key, value []byte) {
	c.Batch.Set(c.e.Engine, key, value)
}

func (c countedBatch) Delete(_ statestore.Engine, key []byte) { c.Batch.Delete(c.e.Engine, key) }
