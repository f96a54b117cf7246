package statestore

import (
	"iter"
	"math"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/window"
)

// NewSession returns a store of values by key and session on env's engine.
func NewSession[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], spec WindowSpec) (Session[K, V], error) {
	s, err := newSegmented(env, ks, vs, spec, sessionSub, false)
	if err != nil {
		return nil, err
	}
	return &session[K, V]{s}, nil
}

type session[K comparable, V any] struct{ *segmented[K, V] }

func (s *session[K, V]) Get(k window.Key[K]) (V, bool) {
	v, _, ok := s.get(k.Key, k.End, k.Start)
	return v, ok
}

func (s *session[K, V]) Put(k window.Key[K], value V) {
	s.put(windowKey[K]{k.Key, k.End, k.Start}, value, s.env.Context.Timestamp(), true)
}

func (s *session[K, V]) Delete(k window.Key[K]) {
	var none V
	s.put(windowKey[K]{k.Key, k.End, k.Start}, none, s.env.Context.Timestamp(), false)
}

func (s *session[K, V]) Find(key K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V] {
	return s.touching(key, earliestEnd, latestStart, false)
}

func (s *session[K, V]) FindBackward(key K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V] {
	return s.touching(key, earliestEnd, latestStart, true)
}

func (s *session[K, V]) touching(key K, earliestEnd, latestStart int64, reverse bool) iter.Seq2[window.Key[K], V] {
	return func(yield func(window.Key[K], V) bool) {
		s.fetch(key, earliestEnd, math.MaxInt64, reverse, func(k *windowKey[K], v V, _ int64) bool {
			return k.sub > latestStart || yield(sessionOf(k), v)
		})
	}
}

func (s *session[K, V]) FindRange(first, last K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V] {
	r, ok := s.keyRange(first, last)
	return when(ok, s.seq(r, earliestEnd, math.MaxInt64, latestStart, false))
}

func (s *session[K, V]) Ending(from, to int64) iter.Seq2[window.Key[K], V] {
	return func(yield func(window.Key[K], V) bool) {
		s.scanIn(s.spec.Order, keyRange{}, max(from, s.meta.horizon(&s.spec)), to, false, func(k *windowKey[K], v V, _ int64) bool {
			return yield(sessionOf(k), v)
		})
	}
}

func (s *session[K, V]) Fetch(key K) iter.Seq2[window.Key[K], V] {
	return s.Find(key, 0, math.MaxInt64)
}

func (s *session[K, V]) All() iter.Seq2[window.Key[K], V] {
	return s.seq(keyRange{}, 0, math.MaxInt64, math.MaxInt64, false)
}

func (s *session[K, V]) Backward() iter.Seq2[window.Key[K], V] {
	return s.seq(keyRange{}, 0, math.MaxInt64, math.MaxInt64, true)
}

func (s *session[K, V]) seq(keys keyRange, from, to, latestStart int64, reverse bool) iter.Seq2[window.Key[K], V] {
	return func(yield func(window.Key[K], V) bool) {
		s.scan(keys, from, to, reverse, func(k *windowKey[K], v V, _ int64) bool {
			return k.sub > latestStart || yield(sessionOf(k), v)
		})
	}
}

func sessionOf[K comparable](k *windowKey[K]) window.Key[K] {
	return window.Key[K]{Key: k.key, Start: k.sub, End: k.time}
}
