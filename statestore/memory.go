package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
)

var errClosed = errors.New("the backend is closed")

// NewMemory returns a backend that keeps its stores in memory, each in a [Tree], outside the reach of the
// garbage collector. Nothing outlives Close. It is used by one goroutine at a time.
func NewMemory() Backend {
	return &memory{engines: make(map[string]*memoryEngine), positions: make(map[string]Position)}
}

type memory struct {
	engines   map[string]*memoryEngine
	positions map[string]Position
	closed    bool
}

type memoryEngine struct {
	owner *memory
	tree  Tree
}

func (m *memory) Open(store string) (Engine, error) {
	if m.closed {
		return nil, fmt.Errorf("open store %q: %w", store, errClosed)
	}
	e, ok := m.engines[store]
	if !ok {
		e = &memoryEngine{owner: m}
		m.engines[store] = e
	}
	return e, nil
}

func (m *memory) Position(store string) (Position, bool, error) {
	if m.closed {
		return Position{}, false, fmt.Errorf("read position of store %q: %w", store, errClosed)
	}
	p, ok := m.positions[store]
	return p, ok, nil
}

func (m *memory) Drop(store string) error {
	if m.closed {
		return fmt.Errorf("drop store %q: %w", store, errClosed)
	}
	if e, ok := m.engines[store]; ok {
		e.tree = Tree{}
	}
	delete(m.positions, store)
	return nil
}

func (m *memory) Close() error {
	for _, e := range m.engines {
		e.tree = Tree{}
	}
	clear(m.positions)
	m.closed = true
	return nil
}

func (e *memoryEngine) Get(key []byte) ([]byte, bool, error) {
	if e.owner.closed {
		return nil, false, errClosed
	}
	v, ok := e.tree.Get(key)
	return v, ok, nil
}

func (e *memoryEngine) Iterate(from, to []byte, reverse bool) Iterator {
	if e.owner.closed {
		return failedIterator{errClosed}
	}
	return e.tree.Iterate(from, to, reverse)
}

func (e *memoryEngine) Stats() Stats {
	return Stats{Keys: int64(e.tree.Len()), Bytes: e.tree.Bytes()}
}

// failedIterator has no entries and says why.
type failedIterator struct{ err error }

func (failedIterator) Next() bool    { return false }
func (failedIterator) Key() []byte   { return nil }
func (failedIterator) Value() []byte { return nil }
func (i failedIterator) Err() error  { return i.err }
func (failedIterator) Close() error  { return nil }

// A memoryBatch is the list of its writes, one after another:
//
//	kind | engine's place in engines | length of key | length of value | key | value
//
// where a range has its bounds in place of key and value.
type memoryBatch struct {
	owner   *memory
	log     []byte
	engines []*memoryEngine
	// last is the place of the engine written last, which mostly is the next one's, too.
	last      int
	positions map[string]Position
	err       error
}

const (
	writeSet = iota
	writeDelete
	writeRange

	writeOpenFrom = 0x10
	writeOpenTo   = 0x20
)

// maxKeptBatch is the largest list that a batch keeps for its next use.
const maxKeptBatch = 8 << 20

func (m *memory) NewBatch() Batch {
	return &memoryBatch{owner: m, positions: make(map[string]Position)}
}

func (b *memoryBatch) Set(e Engine, key, value []byte)      { b.add(writeSet, e, key, value) }
func (b *memoryBatch) Delete(e Engine, key []byte)          { b.add(writeDelete, e, key, nil) }
func (b *memoryBatch) SetPosition(store string, p Position) { b.positions[store] = p }
func (b *memoryBatch) Size() int                            { return len(b.log) + 40*len(b.positions) }

func (b *memoryBatch) DeleteRange(e Engine, from, to []byte) {
	kind := byte(writeRange)
	if from == nil {
		kind |= writeOpenFrom
	}
	if to == nil {
		kind |= writeOpenTo
	}
	b.add(kind, e, from, to)
}

func (b *memoryBatch) add(kind byte, e Engine, key, value []byte) {
	own, ok := e.(*memoryEngine)
	if !ok || own.owner != b.owner {
		b.err = errors.New("a write to an engine of another backend")
		return
	}
	b.log = append(b.log, kind)
	b.log = binary.AppendUvarint(b.log, uint64(b.place(own)))
	b.log = binary.AppendUvarint(b.log, uint64(len(key)))
	b.log = binary.AppendUvarint(b.log, uint64(len(value)))
	b.log = append(b.log, key...)
	b.log = append(b.log, value...)
}

func (b *memoryBatch) place(e *memoryEngine) int {
	if b.last < len(b.engines) && b.engines[b.last] == e {
		return b.last
	}
	for i, known := range b.engines {
		if known == e {
			b.last = i
			return i
		}
	}
	b.engines = append(b.engines, e)
	b.last = len(b.engines) - 1
	return b.last
}

func (b *memoryBatch) Commit() error {
	defer b.empty()
	if b.err == nil && b.owner.closed {
		b.err = errClosed
	}
	if b.err != nil {
		return fmt.Errorf("commit a batch of %d bytes: %w", b.Size(), b.err)
	}
	for rest := b.log; len(rest) > 0; {
		kind := rest[0]
		rest = rest[1:]
		var head [3]int
		for i := range head {
			v, n := binary.Uvarint(rest)
			head[i], rest = int(v), rest[n:]
		}
		key, value := rest[:head[1]:head[1]], rest[head[1]:head[1]+head[2]:head[1]+head[2]]
		rest = rest[head[1]+head[2]:]
		tree := &b.engines[head[0]].tree
		switch kind {
		case writeSet:
			tree.Set(key, value)
		case writeDelete:
			tree.Delete(key)
		default:
			if kind&writeOpenFrom != 0 {
				key = nil
			}
			if kind&writeOpenTo != 0 {
				value = nil
			}
			tree.DeleteRange(key, value)
		}
	}
	maps.Copy(b.owner.positions, b.positions)
	return nil
}

func (b *memoryBatch) empty() {
	if cap(b.log) > maxKeptBatch {
		b.log = nil
	}
	b.log = b.log[:0]
	clear(b.engines)
	b.engines, b.last, b.err = b.engines[:0], 0, nil
	clear(b.positions)
}
