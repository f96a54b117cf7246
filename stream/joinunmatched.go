package stream

import (
	"iter"

	"github.com/leatstream/leat/topology"
)

// sideOf is the store of unmatched records as the node of one side uses it.
type sideOf[K comparable, This, Other any] struct {
	streamTime, minTime, nextTime *int64
	// matched takes out the other side's records of a key and time: one of this side matches them.
	matched func(key K, at, now int64)
	// wait puts in a record of this side.
	wait func(key K, v This, at int64)
	// remove takes out the records of a key, time and side.
	remove func(k waiting[K], now int64)
	// all are the records of both sides by time, those of the right side first.
	all func() iter.Seq2[waiting[K], both[This, Other]]
}

func leftOf[K comparable, L, R any](sc *topology.Scope, store string) (*sideOf[K, L, R], error) {
	u, err := topology.StoreOf[*unmatched[K, L, R]](sc, store)
	if err != nil {
		return nil, err
	}
	return &sideOf[K, L, R]{
		streamTime: &u.streamTime, minTime: &u.minTime, nextTime: &u.nextTime,
		matched: func(key K, at, now int64) { u.RemoveAny(waiting[K]{time: at, key: key}, now) },
		wait: func(key K, v L, at int64) {
			u.Add(waiting[K]{at, true, key}, either[L, R]{left: v, isLeft: true}, at)
		},
		remove: u.Remove,
		all: func() iter.Seq2[waiting[K], both[L, R]] {
			return func(yield func(waiting[K], both[L, R]) bool) {
				for k, e := range u.All() {
					if !yield(k, both[L, R]{e.left, e.right, !e.isLeft, e.isLeft}) {
						return
					}
				}
			}
		},
	}, nil
}

func rightOf[K comparable, R, L any](sc *topology.Scope, store string) (*sideOf[K, R, L], error) {
	u, err := topology.StoreOf[*unmatched[K, L, R]](sc, store)
	if err != nil {
		return nil, err
	}
	return &sideOf[K, R, L]{
		streamTime: &u.streamTime, minTime: &u.minTime, nextTime: &u.nextTime,
		matched: func(key K, at, now int64) { u.RemoveAny(waiting[K]{at, true, key}, now) },
		wait: func(key K, v R, at int64) {
			u.Add(waiting[K]{time: at, key: key}, either[L, R]{right: v}, at)
		},
		remove: u.Remove,
		all: func() iter.Seq2[waiting[K], both[R, L]] {
			return func(yield func(waiting[K], both[R, L]) bool) {
				for k, e := range u.All() {
					if !yield(k, both[R, L]{e.right, e.left, e.isLeft, !e.isLeft}) {
						return
					}
				}
			}
		},
	}, nil
}
