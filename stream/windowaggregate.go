package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// AggregateWindows folds the values of each key and window into one: initial makes the aggregate of a window
// that has none, add returns it with a value added. A null from add deletes it. See [WindowedBy] for which
// records are dropped.
//
// add must not change agg in place where that is a pointer, slice or map: windows share aggregates.
//
// The store's serdes are needed for an aggregate that is not of one of Kafka's types; it may be nil
// otherwise. Options: [Named].
func AggregateWindows[K comparable, V, A any](w Windowed[K, V], initial func() A, add func(key K, value V, agg A) A, store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := w.g.s.b.begin("AggregateWindows", opts, optName)
	return aggregateWindows(c, w, initial, foldRow(add), store)
}

// TryAggregateWindows is [AggregateWindows] with a function that can fail.
func TryAggregateWindows[K comparable, V, A any](w Windowed[K, V], initial func() A, add func(ctx context.Context, key K, value V, agg A) (A, error), store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := w.g.s.b.begin("TryAggregateWindows", opts, optName)
	return aggregateWindows(c, w, initial, tryFoldRow(add), store)
}

func aggregateWindows[K comparable, V, A any](c *call, w Windowed[K, V], initial func() A, add func(context.Context, pair[K, V], A) (A, error), store *Store[K, A]) Table[window.Key[K], A] {
	m := materialize(store)
	m.serdes(nil, native[A]())
	return foldWindows(c, w, "KSTREAM-AGGREGATE-", m, initial == nil || add == nil, func(n node) folder[K, V, A] {
		return newAggregateFold(n, initial, add, nil)
	})
}

// CountWindows counts the values of each key and window. Options: [Named].
func CountWindows[K comparable, V any](w Windowed[K, V], store *Store[K, int64], opts ...Option) Table[window.Key[K], int64] {
	c := w.g.s.b.begin("CountWindows", opts, optName)
	if store != nil && store.name == "" && !w.w.IsSliding() {
		c.b.plan.NewStoreName("KSTREAM-AGGREGATE-") // Kafka Streams once made a name here
	}
	m := materialize(store)
	m.serdes(nil, native[int64]())
	return foldWindows(c, w, "KSTREAM-AGGREGATE-", m, false, func(node) folder[K, V, int64] { return countFold[K, V]{} })
}

// ReduceWindows combines the values of each key and window into one of the same type: the first value stands
// for itself. A null result deletes it. See [AggregateWindows].
func ReduceWindows[K comparable, V any](w Windowed[K, V], f func(agg, value V) V, store *Store[K, V], opts ...Option) Table[window.Key[K], V] {
	return reduceWindows(w.g.s.b.begin("ReduceWindows", opts, optName), w, plain(f), store)
}

// TryReduceWindows is [ReduceWindows] with a function that can fail.
func TryReduceWindows[K comparable, V any](w Windowed[K, V], f func(ctx context.Context, agg, value V) (V, error), store *Store[K, V], opts ...Option) Table[window.Key[K], V] {
	return reduceWindows(w.g.s.b.begin("TryReduceWindows", opts, optName), w, f, store)
}

func reduceWindows[K comparable, V any](c *call, w Windowed[K, V], f func(context.Context, V, V) (V, error), store *Store[K, V]) Table[window.Key[K], V] {
	m := materialize(store)
	m.serdes(nil, w.g.values)
	return foldWindows(c, w, "KSTREAM-REDUCE-", m, f == nil, func(n node) folder[K, V, V] {
		return &reduceFold[K, V]{function[V, V, V]{n, f}, record.NullnessOf[V]()}
	})
}

// foldWindows adds the node of a windowed aggregation.
func foldWindows[K comparable, V, A any](c *call, w Windowed[K, V], prefix string, m materialized[K, A], noFunc bool, makeFold func(node) folder[K, V, A]) Table[window.Key[K], A] {
	m.named(c, prefix)
	name := c.name(prefix)
	c.needFunc(name, "functions to make and change an aggregate", noFunc)
	in := w.g.input(c, m.store.name, m.store.keys)
	m.serdes(in.keys, nil)
	k := &keptWindows[K, A]{store: m.store.planWindows(c, name, w.w, w.onClose), open: openWindows[K, A]}
	keys := windowKeys(m.store.keys, w.w.Size())
	return keepWindows(c, in, name, w.w.GracePeriod(), k, keys, m.store.values, func(sc *topology.Scope, out *processor.Outlet[window.Key[K], change[A]]) (any, error) {
		return newWindowNode(sc, w.w, w.onClose, k.store.Name, makeFold(newNode(sc)), out, k.old)
	})
}
