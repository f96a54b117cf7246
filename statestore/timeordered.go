package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/leatstream/leat/serde"
)

// TimeOrdered holds records of a stream back until time has passed them, any number a key: what a stream-table
// join with a grace period keeps. Change records are made as for other stores; their timestamps are the wall
// clock's.
//
// Source: KIP-923.
type TimeOrdered[K comparable, V any] interface {
	Store
	// Observed is the highest timestamp that was put, as far as that can be known after a restart; -1 before
	// the first.
	Observed() int64
	// Put holds a record back. Its time is that of its origin, which must not be negative; now is the wall
	// clock's.
	Put(r Held[K, V], now int64)
	// Evict takes out the records up to a time, those with the lowest times first, in the order of their
	// serialized keys where times are equal, and in that in which they were put where keys are equal.
	Evict(upTo, now int64) iter.Seq[Held[K, V]]
}

// Held is a record that is held back.
type Held[K, V any] struct {
	Key    K
	Value  V
	Origin Origin
}

// NewTimeOrdered returns a time-ordered store on env's engine. The keys of rows and change records are
//
//	0x00 | int64 time | key | int32 sequence number
//
// and the values those of a suppression's buffer ([Buffer]), with the value as the new one and 0 as the time.
func NewTimeOrdered[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V]) (TimeOrdered[K, V], error) {
	if ks == nil || vs == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	c, err := newCached[heldKey[K], held[V]](env, heldKeys[K]{ks}, heldValues[V]{vs}, false)
	if err != nil {
		return nil, err
	}
	s := &timeOrdered[K, V]{cached: c, observed: -1, first: 1<<63 - 1}
	it := env.Engine.Iterate(nil, nil, false)
	defer func() { _ = it.Close() }() // what went wrong is in Err
	for it.Next() {
		time, seq, err := heldTimes(it.Key())
		if err != nil {
			return nil, fmt.Errorf("make store %q: %w", env.Name, err)
		}
		s.observed, s.first, s.seq = max(s.observed, time), min(s.first, time), max(s.seq, seq)
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	return s, nil
}

type timeOrdered[K comparable, V any] struct {
	*cached[heldKey[K], held[V]]
	observed int64
	// first is not above the time of any record that is held; it spares looking for what is not there.
	first int64
	seq   uint32
}

// heldKey is the key of a record that is held back.
type heldKey[K comparable] struct {
	time int64
	key  K
	seq  uint32
}

type held[V any] struct {
	value  V
	origin Origin
}

func (s *timeOrdered[K, V]) Observed() int64 { return s.observed }

func (s *timeOrdered[K, V]) Put(r Held[K, V], now int64) {
	time := r.Origin.Timestamp
	if time < 0 {
		s.fail("put", fmt.Errorf("the time %d is negative", time))
		return
	}
	s.observed, s.first = max(s.observed, time), min(s.first, time)
	s.seq = (s.seq + 1) & 0x7fffffff
	s.set(s.blind(heldKey[K]{time, r.Key, s.seq}), held[V]{r.Value, r.Origin}, now, true)
}

func (s *timeOrdered[K, V]) Evict(upTo, now int64) iter.Seq[Held[K, V]] {
	return func(yield func(Held[K, V]) bool) {
		if upTo < s.first || s.failed {
			return
		}
		end := heldStart(upTo + 1)
		more := true
		s.iterate(heldStart(s.first), end, false, func(k heldKey[K], h held[V], _ int64) bool {
			s.first = k.time
			more = yield(Held[K, V]{k.key, h.value, h.origin})
			if s.failed {
				return false
			}
			s.set(s.blind(k), held[V]{}, now, false)
			return more
		})
		if more {
			s.first = upTo + 1
		}
	}
}

// heldStart is where the keys of a time begin.
func heldStart(time int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{0}, uint64(time))
}

var errHeldKey = errors.New("the key of a record that was held back is too short for its time and number; the local state is damaged or of another kind of store; delete it to restore it from the changelog")

func heldTimes(row []byte) (time int64, seq uint32, err error) {
	if len(row) < 13 {
		return 0, 0, errHeldKey
	}
	return int64(binary.BigEndian.Uint64(row[1:])), binary.BigEndian.Uint32(row[len(row)-4:]), nil
}

type heldKeys[K comparable] struct{ of serde.Serde[K] }

// Append implements serde.Serde.
func (s heldKeys[K]) Append(dst []byte, k heldKey[K]) ([]byte, error) {
	out := binary.BigEndian.AppendUint64(append(dst, 0), uint64(k.time))
	out, err := s.of.Append(out, k.key)
	if err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint32(out, k.seq), nil
}

// Decode implements serde.Serde.
func (s heldKeys[K]) Decode(row []byte) (k heldKey[K], err error) {
	if k.time, k.seq, err = heldTimes(row); err == nil {
		k.key, err = s.of.Decode(row[9 : len(row)-4])
	}
	return k, err
}

type heldValues[V any] struct{ of serde.Serde[V] }

// Append implements serde.Serde.
func (s heldValues[V]) Append(dst []byte, h held[V]) ([]byte, error) {
	value, err := s.of.Append([]byte{}, h.value)
	if err != nil {
		return dst, err
	}
	row := bufferRow{origin: h.origin, new: value}
	return binary.BigEndian.AppendUint64(row.append(dst), 0), nil
}

// Decode implements serde.Serde.
func (s heldValues[V]) Decode(b []byte) (h held[V], err error) {
	row, err := parseBufferRow(b)
	if err != nil {
		return h, err
	}
	if row.new == nil {
		return h, errors.New("a record that was held back has no value")
	}
	h.origin = row.origin
	h.value, err = s.of.Decode(row.new)
	return h, err
}
