package statestore

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"reflect"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// NewVersioned returns a store of the history of each key's value on env's engine. history is how long it is
// kept, in milliseconds.
//
// Every version is a change record of its own, with the version's timestamp: the changelog is the history, too.
func NewVersioned[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], history int64) (Versioned[K, V], error) {
	if env.Engine == nil || env.Context == nil || env.Fail == nil {
		return nil, fmt.Errorf("make store %q: its environment lacks an engine, a context or a failure handler", env.Name)
	}
	if ks == nil || vs == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	if err := ComparableByContent(reflect.TypeFor[K]()); err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	rows, err := newVersions(env.Engine, history)
	if err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	return &versioned[K, V]{env: env, keys: ks, values: vs, null: record.NullnessOf[V](), rows: rows}, nil
}

type versioned[K comparable, V any] struct {
	env            Env
	keys           serde.Serde[K]
	values         serde.Serde[V]
	null           record.Nullness[V]
	rows           *versions
	keyBuf, valBuf []byte
	failed         bool
}

func (s *versioned[K, V]) Name() string { return s.env.Name }

func (s *versioned[K, V]) fail(operation string, err error) {
	if !s.failed {
		s.failed = true
		s.env.Fail(fmt.Errorf("store %q: %s: %w", s.env.Name, operation, err))
	}
}

// key serializes a key to keyBuf.
func (s *versioned[K, V]) key(key K) bool {
	if s.failed {
		return false
	}
	var err error
	if s.keyBuf, err = s.keys.Append(s.keyBuf[:0], key); err != nil {
		s.fail("serialize a key", err)
		return false
	}
	return true
}

func (s *versioned[K, V]) decode(b []byte) (v V, ok bool) {
	v, err := s.values.Decode(b)
	if err != nil {
		s.fail("read the value of a key", err)
	}
	return v, err == nil
}

func (s *versioned[K, V]) Get(key K) (v TimestampedValue[V], ok bool) {
	if !s.key(key) {
		return v, false
	}
	row, timestamp, ok, err := s.rows.latest(s.keyBuf)
	if err != nil {
		s.fail("read", err)
	}
	if !ok {
		return v, false
	}
	value, ok := s.decode(row)
	return TimestampedValue[V]{value, timestamp}, ok
}

func (s *versioned[K, V]) GetAsOf(key K, at int64) (v Version[V], ok bool) {
	if !s.key(key) {
		return v, false
	}
	f, ok, err := s.rows.asOf(s.keyBuf, at)
	if err != nil {
		s.fail("read", err)
	}
	if !ok || err != nil {
		return v, false
	}
	value, ok := s.decode(f.value)
	return Version[V]{value, f.from, f.to}, ok
}

func (s *versioned[K, V]) Put(key K, value V, timestamp int64) { s.PutVersion(key, value, timestamp) }

func (s *versioned[K, V]) Delete(key K, timestamp int64) { s.DeleteVersion(key, timestamp) }

func (s *versioned[K, V]) DeleteVersion(key K, timestamp int64) Placement {
	if !s.key(key) {
		return Placement{}
	}
	return s.put(nil, timestamp)
}

func (s *versioned[K, V]) PutVersion(key K, value V, timestamp int64) Placement {
	if s.null.IsNull(&value) {
		return s.DeleteVersion(key, timestamp)
	}
	if !s.key(key) {
		return Placement{}
	}
	var err error
	if s.valBuf, err = s.values.Append(s.valBuf[:0], value); err != nil {
		s.fail("serialize a value", err)
		return Placement{}
	}
	return s.put(notNil(s.valBuf), timestamp)
}

// put places what keyBuf and value hold. A version that comes too late is logged only where every update is.
func (s *versioned[K, V]) put(value []byte, timestamp int64) Placement {
	p, err := s.rows.put(s.keyBuf, value, timestamp)
	if err != nil {
		s.fail("write", err)
		return Placement{}
	}
	if s.env.Log != nil && (p.Kept || s.env.EveryUpdate) {
		s.env.Log(s.keyBuf, value, timestamp, nil)
	}
	return p
}

func (s *versioned[K, V]) Flush() {
	if s.failed {
		return
	}
	if err := s.rows.freeze(); err != nil {
		s.fail("flush", err)
	}
}

func (s *versioned[K, V]) Write(b Batch) { s.rows.write(b) }

func (s *versioned[K, V]) Written() { s.rows.written() }

func (s *versioned[K, V]) Pending() int { return s.rows.bytes() }

func (s *versioned[K, V]) Stats() Stats { return s.env.Engine.Stats() }

func (s *versioned[K, V]) All() iter.Seq2[K, TimestampedValue[V]] {
	return s.seq(nil, nil, false)
}

func (s *versioned[K, V]) Backward() iter.Seq2[K, TimestampedValue[V]] {
	return s.seq(nil, nil, true)
}

func (s *versioned[K, V]) Range(from, to K) iter.Seq2[K, TimestampedValue[V]] {
	return s.between(from, to, false)
}

func (s *versioned[K, V]) RangeBackward(from, to K) iter.Seq2[K, TimestampedValue[V]] {
	return s.between(from, to, true)
}

func (s *versioned[K, V]) Prefix(prefix []byte) iter.Seq2[K, TimestampedValue[V]] {
	return s.seq(prefix, prefixEnd(prefix), false)
}

func (s *versioned[K, V]) between(from, to K, reverse bool) iter.Seq2[K, TimestampedValue[V]] {
	lo, err := s.keys.Append([]byte{}, from)
	var hi []byte
	if err == nil {
		hi, err = s.keys.Append([]byte{}, to)
	}
	if err != nil {
		s.fail("serialize a key", err)
	}
	return when(err == nil && bytes.Compare(lo, hi) <= 0, s.seq(lo, append(hi, 0), reverse))
}

// seq iterates over the latest versions of the keys in [lo, hi); nil means no bound.
func (s *versioned[K, V]) seq(lo, hi []byte, reverse bool) iter.Seq2[K, TimestampedValue[V]] {
	return func(yield func(K, TimestampedValue[V]) bool) {
		from := append([]byte{latestRow}, lo...)
		to := []byte{latestRow + 1}
		if hi != nil {
			to = append([]byte{latestRow}, hi...)
		}
		s.chunks(from, to, reverse, func(m *merged) (func() bool, bool) {
			k, err := s.keys.Decode(m.key[1:])
			if err != nil {
				s.fail("read a key", err)
				return nil, false
			}
			v, ok := s.decode(m.value)
			timestamp := m.timestamp
			return func() bool { return yield(k, TimestampedValue[V]{v, timestamp}) }, ok
		})
	}
}

// chunks reads the rows in [from, to) some at a time and calls what read made of them with nothing open, so that
// users may read and write the store meanwhile.
func (s *versioned[K, V]) chunks(from, to []byte, reverse bool, read func(*merged) (func() bool, bool)) {
	var chunk []func() bool
	var last []byte
	for size := 16; !s.failed; size = min(size*4, 1024) {
		chunk = chunk[:0]
		m := s.rows.merge(from, to, reverse)
		for ok := true; ok && len(chunk) < size && m.next(); {
			var f func() bool
			if f, ok = read(m); ok {
				chunk = append(chunk, f)
			}
			last = append(last[:0], m.key...)
		}
		if err := m.close(); err != nil {
			s.fail("iterate", err)
		}
		if s.failed {
			return
		}
		for _, f := range chunk {
			if !f() {
				return
			}
		}
		if len(chunk) < size {
			return
		}
		if reverse {
			to = bytes.Clone(last)
		} else {
			from = append(bytes.Clone(last), 0)
		}
	}
}

func (s *versioned[K, V]) History(key K, from, to int64) iter.Seq[Version[V]] {
	return s.historySeq(key, from, to, false)
}

func (s *versioned[K, V]) HistoryBackward(key K, from, to int64) iter.Seq[Version[V]] {
	return s.historySeq(key, from, to, true)
}

func (s *versioned[K, V]) historySeq(key K, from, to int64, reverse bool) iter.Seq[Version[V]] {
	return func(yield func(Version[V]) bool) {
		all := s.historyOf(key, from, to)
		for i := range all {
			if reverse {
				i = len(all) - 1 - i
			}
			if !yield(all[i]) {
				return
			}
		}
	}
}

// historyOf returns the versions of one key, the oldest first. There are as many as fit into the history.
func (s *versioned[K, V]) historyOf(key K, from, to int64) []Version[V] {
	if !s.key(key) {
		return nil
	}
	var all []Version[V]
	add := func(f found) bool {
		v, ok := s.decode(f.value)
		all = append(all, Version[V]{v, f.from, f.to})
		return ok
	}
	for at := max(from, s.rows.oldest(), 0); at < math.MaxInt64; {
		f, ok, err := s.rows.after(s.keyBuf, at)
		if err != nil {
			s.fail("read", err)
			return nil
		}
		if !ok || f.from > to {
			break
		}
		if f.value != nil && !add(f) {
			return nil
		}
		at = f.to
	}
	value, timestamp, ok, err := s.rows.latest(s.keyBuf)
	if err != nil {
		s.fail("read", err)
		return nil
	}
	if ok && timestamp <= to && !add(found{value, timestamp, Forever}) {
		return nil
	}
	return all
}
