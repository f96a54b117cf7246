package app

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/leatstream/leat/statestore"
)

// shared makes a backend one that a single goroutine writes while any number read: the state of a global store.
// Engines are made for one reader each (views); what they return is a copy.
//
// A reader sees each batch as a whole or not at all, but two reads may see two states. The version changes after
// the batch is in, so a reader that has seen the version before may already have read what the batch wrote; it
// will ask again.
type shared struct {
	version atomic.Uint64
	// next are the positions that the next batch takes along, by name. They belong to the writer.
	next map[string]statestore.Position

	mu      sync.Mutex // held while the backend is used: even its reads move what is inside
	backend statestore.Backend
}

func newShared(b statestore.Backend) *shared {
	return &shared{backend: b, next: make(map[string]statestore.Position)}
}

// Open implements statestore.Backend. Each call returns an engine for another reader.
func (s *shared) Open(store string) (statestore.Engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.backend.Open(store)
	return &sharedEngine{of: s, engine: e}, err
}

// Position implements statestore.Backend.
func (s *shared) Position(store string) (statestore.Position, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backend.Position(store)
}

// Drop implements statestore.Backend.
func (s *shared) Drop(store string) error {
	defer s.version.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backend.Drop(store)
}

// Close implements statestore.Backend.
func (s *shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backend.Close()
}

// NewBatch implements statestore.Backend.
func (s *shared) NewBatch() statestore.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &sharedBatch{Batch: s.backend.NewBatch(), of: s}
}

// sharedBatch is filled without the lock: it is the writer's until it is committed.
type sharedBatch struct {
	statestore.Batch
	of *shared
}

func (b *sharedBatch) Set(e statestore.Engine, key, value []byte) { b.Batch.Set(inside(e), key, value) }

func (b *sharedBatch) Delete(e statestore.Engine, key []byte) { b.Batch.Delete(inside(e), key) }

func (b *sharedBatch) DeleteRange(e statestore.Engine, from, to []byte) {
	b.Batch.DeleteRange(inside(e), from, to)
}

// Commit implements statestore.Batch.
func (b *sharedBatch) Commit() error {
	for name, p := range b.of.next {
		b.SetPosition(name, p)
	}
	b.of.mu.Lock()
	err := b.Batch.Commit()
	b.of.mu.Unlock()
	b.of.version.Add(1)
	return err
}

// inside returns the backend's own engine, which its batches ask for.
func inside(e statestore.Engine) statestore.Engine {
	if s, ok := e.(*sharedEngine); ok {
		return s.engine
	}
	return e
}

// sharedEngine is one reader's.
type sharedEngine struct {
	of     *shared
	engine statestore.Engine
	value  []byte
}

// Get implements statestore.Engine.
func (e *sharedEngine) Get(key []byte) ([]byte, bool, error) {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	v, ok, err := e.engine.Get(key)
	if !ok || err != nil {
		return nil, false, err
	}
	e.value = append(e.value[:0], v...)
	return e.value, true, nil
}

// Stats implements statestore.Engine.
func (e *sharedEngine) Stats() statestore.Stats {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	return e.engine.Stats()
}

// Iterate implements statestore.Engine. It holds nothing between its steps, so it may stay open while batches
// are committed; then it goes on in the new state.
func (e *sharedEngine) Iterate(from, to []byte, reverse bool) statestore.Iterator {
	return &sharedIterator{e: e, from: bytes.Clone(from), to: bytes.Clone(to), reverse: reverse}
}

// sharedChunk is the number of entries that an iterator copies at a time.
const sharedChunk = 64

type sharedIterator struct {
	e        *sharedEngine
	from, to []byte
	reverse  bool
	// data holds the keys and values of the chunk, ends where each ends.
	data []byte
	ends []int
	at   int
	last bool
	err  error
}

// Next implements statestore.Iterator.
func (i *sharedIterator) Next() bool {
	i.at++
	if i.at*2 > len(i.ends) && !i.last && i.err == nil {
		i.fill()
		i.at = 1
	}
	return i.err == nil && i.at*2 <= len(i.ends)
}

// fill copies the next entries.
func (i *sharedIterator) fill() {
	if n := len(i.ends); n > 0 { // go on behind the last key
		i.at = n / 2
		if i.reverse {
			i.to = append(i.to[:0:0], i.Key()...)
		} else {
			i.from = append(append(i.from[:0:0], i.Key()...), 0)
		}
	}
	i.data, i.ends = i.data[:0], i.ends[:0]
	i.e.of.mu.Lock()
	defer i.e.of.mu.Unlock()
	it := i.e.engine.Iterate(i.from, i.to, i.reverse)
	for len(i.ends) < 2*sharedChunk && it.Next() {
		i.data = append(i.data, it.Key()...)
		i.ends = append(i.ends, len(i.data))
		i.data = append(i.data, it.Value()...)
		i.ends = append(i.ends, len(i.data))
	}
	i.last = len(i.ends) < 2*sharedChunk
	i.err = it.Err()
	if err := it.Close(); i.err == nil {
		i.err = err
	}
}

func (i *sharedIterator) part(n int) []byte {
	begin := 0
	if n > 0 {
		begin = i.ends[n-1]
	}
	return i.data[begin:i.ends[n]:i.ends[n]]
}

// Key implements statestore.Iterator.
func (i *sharedIterator) Key() []byte { return i.part(2*i.at - 2) }

// Value implements statestore.Iterator.
func (i *sharedIterator) Value() []byte { return i.part(2*i.at - 1) }

// Err implements statestore.Iterator.
func (i *sharedIterator) Err() error { return i.err }

// Close implements statestore.Iterator.
func (i *sharedIterator) Close() error { return nil }
