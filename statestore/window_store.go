package statestore

import (
	"iter"
	"math"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/window"
)

// NewTimestampedWindow returns a store of timestamped values by key and window on env's engine.
func NewTimestampedWindow[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], spec WindowSpec) (TimestampedWindow[K, V], error) {
	s, err := newSegmented(env, ks, vs, spec, windowSub, true)
	if err != nil {
		return nil, err
	}
	return &timestampedWindow[K, V]{s}, nil
}

// NewWindow returns a store of values by key and window on env's engine.
func NewWindow[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], spec WindowSpec) (Window[K, V], error) {
	s, err := newSegmented(env, ks, vs, spec, windowSub, false)
	if err != nil {
		return nil, err
	}
	return &plainWindow[K, V]{s}, nil
}

// NewJoinWindow returns a store of any number of values by key and time on env's engine.
func NewJoinWindow[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], spec WindowSpec) (JoinWindow[K, V], error) {
	s, err := newSegmented(env, ks, vs, spec, windowSub, false)
	if err != nil {
		return nil, err
	}
	return &joinWindow[K, V]{s}, nil
}

// end is the end of the window that begins at start.
func (s *segmented[K, V]) windowed(k *windowKey[K]) window.Key[K] {
	end := k.time + s.spec.Size
	if end < k.time {
		end = math.MaxInt64
	}
	return window.Key[K]{Key: k.key, Start: k.time, End: end}
}

type timestampedWindow[K comparable, V any] struct{ *segmented[K, V] }

func (s *timestampedWindow[K, V]) Get(key K, start int64) (TimestampedValue[V], bool) {
	v, ts, ok := s.get(key, start, 0)
	return TimestampedValue[V]{v, ts}, ok
}

func (s *timestampedWindow[K, V]) Put(key K, start int64, value V, timestamp int64) {
	s.put(windowKey[K]{key: key, time: start}, value, timestamp, true)
}

func (s *timestampedWindow[K, V]) Delete(key K, start int64, timestamp int64) {
	var none V
	s.put(windowKey[K]{key: key, time: start}, none, timestamp, false)
}

func (s *timestampedWindow[K, V]) Fetch(key K, from, to int64) iter.Seq2[int64, TimestampedValue[V]] {
	return s.one(key, from, to, false)
}

func (s *timestampedWindow[K, V]) FetchBackward(key K, from, to int64) iter.Seq2[int64, TimestampedValue[V]] {
	return s.one(key, from, to, true)
}

func (s *timestampedWindow[K, V]) one(key K, from, to int64, reverse bool) iter.Seq2[int64, TimestampedValue[V]] {
	return func(yield func(int64, TimestampedValue[V]) bool) {
		s.fetch(key, from, to, reverse, func(k *windowKey[K], v V, ts int64) bool { return yield(k.time, TimestampedValue[V]{v, ts}) })
	}
}

func (s *timestampedWindow[K, V]) FetchRange(first, last K, from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]] {
	r, ok := s.keyRange(first, last)
	return when(ok, s.seq(r, from, to, false))
}

func (s *timestampedWindow[K, V]) FetchRangeBackward(first, last K, from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]] {
	r, ok := s.keyRange(first, last)
	return when(ok, s.seq(r, from, to, true))
}

func (s *timestampedWindow[K, V]) FetchAll(from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]] {
	return s.seq(keyRange{}, from, to, false)
}

func (s *timestampedWindow[K, V]) FetchAllBackward(from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]] {
	return s.seq(keyRange{}, from, to, true)
}

func (s *timestampedWindow[K, V]) All() iter.Seq2[window.Key[K], TimestampedValue[V]] {
	return s.FetchAll(0, math.MaxInt64)
}

func (s *timestampedWindow[K, V]) Backward() iter.Seq2[window.Key[K], TimestampedValue[V]] {
	return s.FetchAllBackward(0, math.MaxInt64)
}

func (s *timestampedWindow[K, V]) seq(keys keyRange, from, to int64, reverse bool) iter.Seq2[window.Key[K], TimestampedValue[V]] {
	return func(yield func(window.Key[K], TimestampedValue[V]) bool) {
		s.scan(keys, from, to, reverse, func(k *windowKey[K], v V, ts int64) bool {
			return yield(s.windowed(k), TimestampedValue[V]{v, ts})
		})
	}
}

type plainWindow[K comparable, V any] struct{ *segmented[K, V] }

func (s *plainWindow[K, V]) Get(key K, start int64) (V, bool) {
	v, _, ok := s.get(key, start, 0)
	return v, ok
}

func (s *plainWindow[K, V]) Put(key K, start int64, value V) {
	s.put(windowKey[K]{key: key, time: start}, value, s.env.Context.Timestamp(), true)
}

func (s *plainWindow[K, V]) Delete(key K, start int64) {
	var none V
	s.put(windowKey[K]{key: key, time: start}, none, s.env.Context.Timestamp(), false)
}

func (s *plainWindow[K, V]) Fetch(key K, from, to int64) iter.Seq2[int64, V] {
	return s.values1(key, from, to, false)
}

func (s *plainWindow[K, V]) FetchBackward(key K, from, to int64) iter.Seq2[int64, V] {
	return s.values1(key, from, to, true)
}

func (s *plainWindow[K, V]) FetchRange(first, last K, from, to int64) iter.Seq2[window.Key[K], V] {
	r, ok := s.keyRange(first, last)
	return when(ok, s.valuesAll(r, from, to, false))
}

func (s *plainWindow[K, V]) FetchRangeBackward(first, last K, from, to int64) iter.Seq2[window.Key[K], V] {
	r, ok := s.keyRange(first, last)
	return when(ok, s.valuesAll(r, from, to, true))
}

func (s *plainWindow[K, V]) FetchAll(from, to int64) iter.Seq2[window.Key[K], V] {
	return s.valuesAll(keyRange{}, from, to, false)
}

func (s *plainWindow[K, V]) FetchAllBackward(from, to int64) iter.Seq2[window.Key[K], V] {
	return s.valuesAll(keyRange{}, from, to, true)
}

func (s *plainWindow[K, V]) All() iter.Seq2[window.Key[K], V] { return s.FetchAll(0, math.MaxInt64) }

func (s *plainWindow[K, V]) Backward() iter.Seq2[window.Key[K], V] {
	return s.FetchAllBackward(0, math.MaxInt64)
}

// values1 are the values of one key by time.
func (s *segmented[K, V]) values1(key K, from, to int64, reverse bool) iter.Seq2[int64, V] {
	return func(yield func(int64, V) bool) {
		s.fetch(key, from, to, reverse, func(k *windowKey[K], v V, _ int64) bool { return yield(k.time, v) })
	}
}

// valuesAll are the values of many keys.
func (s *segmented[K, V]) valuesAll(keys keyRange, from, to int64, reverse bool) iter.Seq2[window.Key[K], V] {
	return func(yield func(window.Key[K], V) bool) {
		s.scan(keys, from, to, reverse, func(k *windowKey[K], v V, _ int64) bool { return yield(s.windowed(k), v) })
	}
}

type joinWindow[K comparable, V any] struct{ *segmented[K, V] }

func (s *joinWindow[K, V]) Put(key K, value V, time int64, headers record.Headers) {
	if s.null.IsNull(&value) {
		s.PutNull(key, time, headers)
		return
	}
	kept := s.admit(time)
	k := windowKey[K]{key, time, s.next()}
	if !kept {
		s.logOnly(k, value, time, true, headers)
		return
	}
	s.append(k, value, time, headers)
}

func (s *joinWindow[K, V]) PutNull(key K, time int64, headers record.Headers) {
	if s.spec.NullsCount {
		s.admit(time)
	}
	var none V
	s.logOnly(windowKey[K]{key, time, s.next()}, none, time, false, headers)
}

// next returns a sequence number. As in Kafka Streams it has 31 bits, and each record takes one, kept or not.
func (s *joinWindow[K, V]) next() int64 {
	s.meta.seq = (s.meta.seq + 1) & 0x7fffffff
	return s.meta.seq
}

func (s *joinWindow[K, V]) Fetch(key K, from, to int64) iter.Seq2[int64, V] {
	return s.values1(key, from, to, false)
}

func (s *joinWindow[K, V]) FetchAll(from, to int64) iter.Seq2[window.Key[K], V] {
	return s.valuesAll(keyRange{}, from, to, false)
}

func (s *joinWindow[K, V]) All() iter.Seq2[window.Key[K], V] { return s.FetchAll(0, math.MaxInt64) }
