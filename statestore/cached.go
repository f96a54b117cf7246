package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// cached is the write-back cache that the typed key-value stores are made of. A value passes through up to
// four layers, and a read takes the first that knows the key:
//
//	slots   typed, by key: recent reads, the writes since the last Flush, and flushed ones that stayed; a hit
//	        serializes nothing
//	staged  bytes: writes since the last Flush that had to leave the slots (eviction, iteration)
//	frozen  bytes: flushed writes that have not reached the engine
//	engine  bytes: the state as of the last commit that was written to it
//
// Flush logs one change record a key in key order and freezes staged. Dirty slots are moved to staged first, or, where
// commits may be deferred, stay where they are, marked as behind: they are serialized for the engine only when a commit
// is written to it. Written empties frozen once the engine has it.
type cached[K comparable, V any] struct {
	env         Env
	keys        serde.Serde[K]
	values      serde.Serde[V]
	null        record.Nullness[V]
	timestamped bool
	allowance
	// logKey makes the key of a change record of that of a row, where the two differ.
	logKey func(dst, key []byte) []byte
	// gone reports whether a key has expired, where keys do: it is logged, but not kept.
	gone func(key *K) bool

	slots slots[K, V]
	hand  uint32
	dirty []uint32
	// behind are the slots whose flushed values the engine lacks, defers tells that there may be some.
	behind []uint32
	defers bool
	// whole tells that the slots have every key: there is no need to look for others below.
	whole bool
	// flushed tells that a commit is being confirmed.
	flushed bool

	staged, frozen *Tree
	left           sortedSlots[K, V] // see leave
	keyBuf, valBuf []byte
	logBuf         []byte
	sizeBuf        []byte
	version        uint64
	failed         bool
}

// Rows in staged and frozen begin with a mark and the timestamp of the change record; what follows is the
// serialized value.
const (
	rowSet    byte = 0
	rowDelete byte = 1
	rowLogged byte = 2
	rowHead        = 9
)

func newCached[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], timestamped bool) (*cached[K, V], error) {
	if env.Engine == nil || env.Context == nil || env.Fail == nil {
		return nil, fmt.Errorf("make store %q: its environment lacks an engine, a context or a failure handler", env.Name)
	}
	if ks == nil || vs == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	if err := ComparableByContent(reflect.TypeFor[K]()); err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	c := &cached[K, V]{
		env: env, keys: ks, values: vs, null: record.NullnessOf[V](), timestamped: timestamped,
		slots: newSlots[K, V](), staged: NewTree(), frozen: NewTree(),
	}
	// A slot, and its cell in the index, of which 3/8 to 3/4 are in use.
	c.allowance = newAllowance(&env, reflect.TypeFor[K](), reflect.TypeFor[V](), int64(reflect.TypeFor[slot[K, V]]().Size()+14))
	return c, nil
}

// noticing makes the cache of a store that is empty know that it has all of it, until it gives a key up. Every write
// must go through a slot.
func (c *cached[K, V]) noticing() *cached[K, V] {
	it := c.env.Engine.Iterate(nil, nil, false)
	c.whole = c.env.Version == nil && !it.Next() && it.Err() == nil
	if it.Close() != nil {
		c.whole = false
	}
	return c
}

// ComparableByContent returns an error if == on values of a key type compares addresses rather than what is
// written to Kafka: such keys would each be a key of its own in the cache.
func ComparableByContent(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return fmt.Errorf("key type %v compares by address; use a value type (record.Optional for keys that may be null)", t)
	case reflect.Array:
		return ComparableByContent(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if err := ComparableByContent(field.Type); err != nil {
				return fmt.Errorf("field %s of key type %v: %w", field.Name, t, err)
			}
		}
	}
	return nil
}

func (c *cached[K, V]) Name() string { return c.env.Name }

func (c *cached[K, V]) fail(operation string, err error) {
	if !c.failed {
		c.failed = true
		c.env.Fail(fmt.Errorf("store %q: %s: %w", c.env.Name, operation, err))
	}
}

// lookup returns the number of key's slot, filling it from the layers below if need be. It is valid until
// the next lookup.
func (c *cached[K, V]) lookup(key K) uint32 {
	if c.env.Version != nil {
		c.renew()
	}
	hash := c.slots.hash(key)
	i, ok := c.slots.find(key, hash)
	if ok {
		c.slots.at(i).state |= slotRecent
		return i
	}
	i = c.take(key, hash)
	if _, found := c.slots.same(key); found && c.whole { // a NaN is never found
		return i
	}
	row, timestamp, ok := c.read(key)
	if !ok {
		return i
	}
	v, err := c.values.Decode(row)
	if err != nil {
		c.fail("read the value of a key", err)
		return i
	}
	s := c.slots.at(i)
	s.value, s.timestamp = v, timestamp
	s.state |= slotPresent
	return i
}

// renew empties the cache of a view if others have written the store. The version is read before the store
// is: what is read after that may be newer than the version says, and is read again later, but never older.
func (c *cached[K, V]) renew() {
	v := c.env.Version()
	if v == c.version {
		return
	}
	c.version = v
	c.share(0, 0)
	c.slots.clear()
	c.hand = 0
}

// blind returns the number of key's slot without reading the layers below, for writes.
func (c *cached[K, V]) blind(key K) uint32 {
	if i, ok := c.slots.same(key); ok {
		return i
	}
	hash := c.slots.hash(key)
	if i, ok := c.slots.find(key, hash); ok {
		return i
	}
	return c.take(key, hash)
}

// held returns what a slot holds.
func (c *cached[K, V]) held(i uint32) (value V, timestamp int64, present bool) {
	s := c.slots.at(i)
	return s.value, s.timestamp, s.state&slotPresent != 0
}

// read looks a key up below the slots.
func (c *cached[K, V]) read(key K) (row []byte, timestamp int64, ok bool) {
	if c.failed {
		return nil, 0, false
	}
	var err error
	if c.keyBuf, err = c.keys.Append(c.keyBuf[:0], key); err != nil {
		c.fail("serialize a key", err)
		return nil, 0, false
	}
	for _, t := range [...]*Tree{c.staged, c.frozen} {
		if row, ok := t.Get(c.keyBuf); ok {
			return row[rowHead:], int64(binary.BigEndian.Uint64(row[1:])), row[0]&rowDelete == 0
		}
	}
	row, ok, err = c.env.Engine.Get(c.keyBuf)
	if err != nil {
		c.fail("read", err)
		return nil, 0, false
	}
	if ok {
		c.measureKey(len(c.keyBuf))
		c.measureRow(len(row))
	}
	if !ok || !c.timestamped {
		return row, 0, ok
	}
	if len(row) < 8 {
		c.fail("read", errShortRow)
		return nil, 0, false
	}
	return row[8:], int64(binary.BigEndian.Uint64(row)), true
}

var errShortRow = errors.New("the row is shorter than its timestamp; the local state is damaged or of another kind of store; delete it to restore it from the changelog")

// take makes room for key and returns the number of its empty slot.
func (c *cached[K, V]) take(key K, hash uint32) uint32 {
	if c.slots.len() >= c.limit {
		if c.full(c.slots.len()); c.slots.len() >= c.limit {
			c.evict()
		}
	}
	return c.slots.add(key, hash)
}

// evict frees the first slot that was not used since the clock hand last passed it. A dirty one is staged
// first.
func (c *cached[K, V]) evict() {
	for {
		if c.hand >= c.slots.end {
			c.hand = 0
		}
		i := c.hand
		c.hand++
		s := c.slots.at(i)
		switch {
		case s.state&slotUsed == 0:
		case s.state&slotRecent != 0:
			s.state &^= slotRecent
		default:
			switch {
			case s.state&slotDirty != 0:
				c.stage(s)
			case s.state&slotBehind != 0:
				c.freeze(s)
			}
			c.whole = c.whole && s.state&slotPresent == 0
			c.slots.remove(i)
			return
		}
	}
}

// set writes a key; present false deletes it.
func (c *cached[K, V]) set(i uint32, value V, timestamp int64, present bool) {
	if c.failed {
		return
	}
	if c.env.Version != nil {
		c.fail("write", errors.New("it is a global store, which only the records of its topic change; write to the topic"))
		return
	}
	if present && c.null.IsNull(&value) {
		present = false
	}
	s := c.slots.at(i)
	if s.state&slotDirty == 0 {
		c.dirty = append(c.dirty, i)
	}
	c.assign(s, value, timestamp, present)
}

// assign changes what a slot holds, and logs it if every update is.
func (c *cached[K, V]) assign(s *slot[K, V], value V, timestamp int64, present bool) {
	if !present {
		var zero V
		value = zero
	}
	if c.flushed && s.state&slotBehind != 0 {
		c.freeze(s)
	}
	s.value, s.timestamp = value, timestamp
	s.state = s.state&slotBehind | slotUsed | slotRecent | slotDirty
	if present {
		s.state |= slotPresent
	}
	if c.env.EveryUpdate && c.env.Log != nil && c.serialize(s) {
		s.state |= slotLogged
		c.log(c.keyBuf, c.valBuf)
	}
}

func (c *cached[K, V]) Stats() Stats { return c.env.Engine.Stats() }
