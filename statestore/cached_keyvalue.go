package statestore

import (
	"iter"

	"github.com/leatstream/leat/serde"
)

// NewKeyValue returns a store of one value a key on env's engine.
func NewKeyValue[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V]) (KeyValue[K, V], error) {
	c, err := newCached(env, ks, vs, false)
	if err != nil {
		return nil, err
	}
	return &keyValue[K, V]{c.deferring().noticing()}, nil
}

type keyValue[K comparable, V any] struct{ *cached[K, V] }

func (s *keyValue[K, V]) Get(key K) (V, bool) {
	v, _, ok := s.held(s.lookup(key))
	return v, ok
}

func (s *keyValue[K, V]) Put(key K, value V) {
	s.set(s.blind(key), value, s.env.Context.Timestamp(), true)
}

func (s *keyValue[K, V]) PutIfAbsent(key K, value V) (V, bool) {
	i := s.lookup(key)
	old, _, ok := s.held(i)
	if !ok {
		s.set(i, value, s.env.Context.Timestamp(), true)
	}
	return old, ok
}

func (s *keyValue[K, V]) Delete(key K) (V, bool) {
	i := s.lookup(key)
	old, _, ok := s.held(i)
	s.set(i, old, s.env.Context.Timestamp(), false)
	return old, ok
}

func (s *keyValue[K, V]) All() iter.Seq2[K, V]      { return s.seq(nil, nil, false) }
func (s *keyValue[K, V]) Backward() iter.Seq2[K, V] { return s.seq(nil, nil, true) }

func (s *keyValue[K, V]) Range(from, to K) iter.Seq2[K, V] {
	lo, hi, ok := s.span(from, to)
	return when(ok, s.seq(lo, hi, false))
}

func (s *keyValue[K, V]) RangeBackward(from, to K) iter.Seq2[K, V] {
	lo, hi, ok := s.span(from, to)
	return when(ok, s.seq(lo, hi, true))
}

func (s *keyValue[K, V]) Prefix(prefix []byte) iter.Seq2[K, V] {
	return s.seq(prefix, prefixEnd(prefix), false)
}

func (s *keyValue[K, V]) seq(lo, hi []byte, reverse bool) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		s.iterate(lo, hi, reverse, func(k K, v V, _ int64) bool { return yield(k, v) })
	}
}

// NewTimestamped returns a store of one value with its timestamp a key on env's engine.
func NewTimestamped[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V]) (Timestamped[K, V], error) {
	c, err := newCached(env, ks, vs, true)
	if err != nil {
		return nil, err
	}
	return &timestamped[K, V]{c.deferring().noticing()}, nil
}

type timestamped[K comparable, V any] struct{ *cached[K, V] }

func (s *timestamped[K, V]) Get(key K) (TimestampedValue[V], bool) {
	v, ts, ok := s.held(s.lookup(key))
	return TimestampedValue[V]{v, ts}, ok
}

func (s *timestamped[K, V]) Put(key K, value V, timestamp int64) {
	s.set(s.blind(key), value, timestamp, true)
}

func (s *timestamped[K, V]) Delete(key K, timestamp int64) {
	var none V
	s.set(s.blind(key), none, timestamp, false)
}

func (s *timestamped[K, V]) All() iter.Seq2[K, TimestampedValue[V]] { return s.seq(nil, nil, false) }

func (s *timestamped[K, V]) Backward() iter.Seq2[K, TimestampedValue[V]] {
	return s.seq(nil, nil, true)
}

func (s *timestamped[K, V]) Range(from, to K) iter.Seq2[K, TimestampedValue[V]] {
	lo, hi, ok := s.span(from, to)
	return when(ok, s.seq(lo, hi, false))
}

func (s *timestamped[K, V]) RangeBackward(from, to K) iter.Seq2[K, TimestampedValue[V]] {
	lo, hi, ok := s.span(from, to)
	return when(ok, s.seq(lo, hi, true))
}

func (s *timestamped[K, V]) Prefix(prefix []byte) iter.Seq2[K, TimestampedValue[V]] {
	return s.seq(prefix, prefixEnd(prefix), false)
}

func (s *timestamped[K, V]) seq(lo, hi []byte, reverse bool) iter.Seq2[K, TimestampedValue[V]] {
	return func(yield func(K, TimestampedValue[V]) bool) {
		s.iterate(lo, hi, reverse, func(k K, v V, ts int64) bool { return yield(k, TimestampedValue[V]{v, ts}) })
	}
}

func when[K, V any](ok bool, s iter.Seq2[K, V]) iter.Seq2[K, V] {
	if !ok {
		return func(func(K, V) bool) {}
	}
	return s
}
