package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// AggregateTable keeps an aggregate of the rows of each group: add puts a row in, subtract takes one out, and
// initial makes the aggregate of a group that has none. A null from either deletes the group's aggregate. A
// group whose last row has left keeps what subtract made of it.
//
// Neither function may change agg in place where that is a pointer, slice or map. The store's serdes are
// needed for an aggregate that is not of one of Kafka's types; it may be nil otherwise. Options: [Named].
func AggregateTable[K comparable, V, A any](g GroupedTable[K, V], initial func() A, add, subtract func(key K, value V, agg A) A, store *Store[K, A], opts ...Option) Table[K, A] {
	c := g.b.begin("AggregateTable", opts, optName)
	return aggregateTable(c, g, initial, foldRow(add), foldRow(subtract), store)
}

// TryAggregateTable is [AggregateTable] with functions that can fail.
func TryAggregateTable[K comparable, V, A any](g GroupedTable[K, V], initial func() A, add, subtract func(ctx context.Context, key K, value V, agg A) (A, error), store *Store[K, A], opts ...Option) Table[K, A] {
	c := g.b.begin("TryAggregateTable", opts, optName)
	return aggregateTable(c, g, initial, tryFoldRow(add), tryFoldRow(subtract), store)
}

// CountTable counts the rows of each group. A group whose last row has left counts 0. Options: [Named].
func CountTable[K comparable, V any](g GroupedTable[K, V], store *Store[K, int64], opts ...Option) Table[K, int64] {
	c := g.b.begin("CountTable", opts, optName)
	return aggregateTable(c, g, zero, increment[K, V], decrement[K, V], store)
}

func decrement[K, V any](_ context.Context, _ pair[K, V], n int64) (int64, error) { return n - 1, nil }

// ReduceTable combines the rows of each group into one value of the same type: the first stands for itself,
// add puts another in, subtract takes one out. A null result deletes. See [AggregateTable].
func ReduceTable[K comparable, V any](g GroupedTable[K, V], add, subtract func(agg, value V) V, store *Store[K, V], opts ...Option) Table[K, V] {
	c := g.b.begin("ReduceTable", opts, optName)
	return reduceTable(c, g, plain(add), plain(subtract), store)
}

// TryReduceTable is [ReduceTable] with functions that can fail.
func TryReduceTable[K comparable, V any](g GroupedTable[K, V], add, subtract func(ctx context.Context, agg, value V) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return reduceTable(g.b.begin("TryReduceTable", opts, optName), g, add, subtract, store)
}

func foldRow[K, V, A any](f func(K, V, A) A) func(context.Context, pair[K, V], A) (A, error) {
	if f == nil {
		return nil
	}
	return func(_ context.Context, p pair[K, V], agg A) (A, error) { return f(p.key, p.value, agg), nil }
}

func tryFoldRow[K, V, A any](f func(context.Context, K, V, A) (A, error)) func(context.Context, pair[K, V], A) (A, error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, p pair[K, V], agg A) (A, error) { return f(ctx, p.key, p.value, agg) }
}

func aggregateTable[K comparable, V, A any](c *call, g GroupedTable[K, V], initial func() A, add, subtract func(context.Context, pair[K, V], A) (A, error), store *Store[K, A]) Table[K, A] {
	m := materialize(store)
	m.serdes(nil, native[A]())
	return regrouped(c, g, "KTABLE-AGGREGATE-", m, initial == nil || add == nil || subtract == nil, func(out tableFold[K, V, A]) processor.Receiver[K, change[V]] {
		out.add = function[pair[K, V], A, A]{out.node, add}
		out.subtract = function[pair[K, V], A, A]{out.node, subtract}
		first := function[struct{}, struct{}, A]{out.node, func(context.Context, struct{}, struct{}) (A, error) { return initial(), nil }}
		out.first = func(p pair[K, V]) (agg A, ok bool) {
			if agg, ok = first.call(struct{}{}, struct{}{}); !ok {
				return agg, false
			}
			return out.add.call(p, agg)
		}
		return &out
	})
}

func reduceTable[K comparable, V any](c *call, g GroupedTable[K, V], add, subtract func(context.Context, V, V) (V, error), store *Store[K, V]) Table[K, V] {
	m := materialize(store)
	m.serdes(nil, g.values)
	return regrouped(c, g, "KTABLE-REDUCE-", m, add == nil || subtract == nil, func(out tableFold[K, V, V]) processor.Receiver[K, change[V]] {
		out.add = function[pair[K, V], V, V]{out.node, func(ctx context.Context, p pair[K, V], agg V) (V, error) { return add(ctx, agg, p.value) }}
		out.subtract = function[pair[K, V], V, V]{out.node, func(ctx context.Context, p pair[K, V], agg V) (V, error) { return subtract(ctx, agg, p.value) }}
		out.first = func(p pair[K, V]) (V, bool) { return p.value, true }
		return &out
	})
}

// regrouped adds the repartition of a grouped table and the node that folds its rows.
func regrouped[K comparable, V, A any](c *call, g GroupedTable[K, V], prefix string, m materialized[K, A], noFunc bool, makeNode func(tableFold[K, V, A]) processor.Receiver[K, change[V]]) Table[K, A] {
	m.named(c, "KTABLE-AGGREGATE-") // for a reduction as well
	sink := c.suffixed("-sink", "KSTREAM-SINK-")
	source := c.suffixed("-source", "KSTREAM-SOURCE-")
	name := c.name(prefix)
	c.needFunc(name, "functions to make and change an aggregate", noFunc)
	in := g.input(c, m.store.name, sink, source, m.store.keys)
	m.serdes(in.keys, nil)
	k := &kept[K, A]{store: m.store.plan(c, name, true)}
	return keepTable(c, in, name, k, m.store.values, func(out tableOut[K, A]) processor.Receiver[K, change[V]] {
		return makeNode(tableFold[K, V, A]{tableOut: out, null: record.NullnessOf[A]()})
	})
}

// tableFold keeps the aggregates of groups of rows.
type tableFold[K comparable, V, A any] struct {
	tableOut[K, A]
	add, subtract function[pair[K, V], A, A]
	// first makes the aggregate of a group with its first row.
	first func(pair[K, V]) (A, bool)
	null  record.Nullness[A]
}

// Process implements processor.Receiver.
func (f *tableFold[K, V, A]) Process(r record.Record[K, change[V]]) {
	if dropNull(f.node, r.Null) {
		return
	}
	stored, found := f.store.Get(r.Key)
	agg, exists, timestamp := stored.Value, found, r.Timestamp
	var ok bool
	// A row can be taken out only of what there is.
	if !r.Value.oldNull && found {
		if agg, ok = f.subtract.call(pair[K, V]{r.Key, r.Value.old}, agg); !ok {
			return
		}
		exists = !f.null.IsNull(&agg)
		timestamp = max(timestamp, stored.Timestamp)
	}
	if !r.Value.newNull {
		row := pair[K, V]{r.Key, r.Value.new}
		if exists {
			agg, ok = f.add.call(row, agg)
		} else {
			agg, ok = f.first(row)
		}
		if !ok {
			return
		}
		exists = !f.null.IsNull(&agg)
		if found {
			timestamp = max(timestamp, stored.Timestamp)
		}
	}
	ch := change[A]{new: agg, newNull: !exists, oldNull: true}
	if f.old && found {
		ch.old, ch.oldNull = stored.Value, false
	}
	f.update(r.Key, ch, timestamp, r.Timestamp, r.Headers)
}
