package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Aggregate folds the values of each key into one: initial makes the aggregate of a key that has none, add
// returns it with a value added. A null from add deletes the key. Records with a null key or value are
// dropped. The aggregate's time is the latest of its records.
//
// add must not change agg in place where that is a pointer, slice or map: the table below still needs it.
//
// The store's serdes are needed for an aggregate that is not of one of Kafka's types; it may be nil
// otherwise. Options: [Named].
func Aggregate[K comparable, V, A any](g Grouped[K, V], initial func() A, add func(key K, value V, agg A) A, store *Store[K, A], opts ...Option) Table[K, A] {
	c := g.s.b.begin("Aggregate", opts, optName)
	var f func(context.Context, pair[K, V], A) (A, error)
	if add != nil {
		f = func(_ context.Context, p pair[K, V], agg A) (A, error) { return add(p.key, p.value, agg), nil }
	}
	return aggregateStream(c, g, initial, f, store)
}

// TryAggregate is [Aggregate] with a function that can fail.
func TryAggregate[K comparable, V, A any](g Grouped[K, V], initial func() A, add func(ctx context.Context, key K, value V, agg A) (A, error), store *Store[K, A], opts ...Option) Table[K, A] {
	c := g.s.b.begin("TryAggregate", opts, optName)
	var f func(context.Context, pair[K, V], A) (A, error)
	if add != nil {
		f = func(ctx context.Context, p pair[K, V], agg A) (A, error) { return add(ctx, p.key, p.value, agg) }
	}
	return aggregateStream(c, g, initial, f, store)
}

// Count counts the values of each key. Records with a null key or value are not counted. Options: [Named].
func Count[K comparable, V any](g Grouped[K, V], store *Store[K, int64], opts ...Option) Table[K, int64] {
	c := g.s.b.begin("Count", opts, optName)
	if store != nil && store.name == "" {
		c.b.plan.NewStoreName("KSTREAM-AGGREGATE-") // Kafka Streams once made a name here
	}
	return aggregateStream(c, g, zero, increment[K, V], store)
}

func zero() int64 { return 0 }

func increment[K, V any](_ context.Context, _ pair[K, V], n int64) (int64, error) { return n + 1, nil }

func aggregateStream[K comparable, V, A any](c *call, g Grouped[K, V], initial func() A, add func(context.Context, pair[K, V], A) (A, error), store *Store[K, A]) Table[K, A] {
	m := materialize(store)
	m.named(c, "KSTREAM-AGGREGATE-")
	name := c.name("KSTREAM-AGGREGATE-")
	c.needFunc(name, "function for the initial aggregate", initial == nil)
	c.needFunc(name, "function that adds", add == nil)
	in := g.input(c, m.store.name, m.store.keys)
	m.serdes(in.keys, native[A]())
	k := &kept[K, A]{store: m.store.plan(c, name, true)}
	return keepTable(c, in, name, k, m.store.values, func(out tableOut[K, A]) processor.Receiver[K, V] {
		return newAggregate(out, initial, add)
	})
}

// keepTable adds a node below a stream that keeps a table of what it makes of the stream's records.
func keepTable[K comparable, V, A any](c *call, in Stream[K, V], name string, k *kept[K, A], values serde.Serde[A], makeNode func(tableOut[K, A]) processor.Receiver[K, V]) Table[K, A] {
	n := &plan.Node{Name: name, Output: changesOf[K, A](), Versioned: k.versioned(), Write: processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, change[A]]) (any, error) {
		t, err := newTableOut(sc, k.store, out, k.old)
		if err != nil {
			return nil, err
		}
		return makeNode(t), nil
	}, k.store)}
	c.b.plan.Add(n, in.node)
	return Table[K, A]{&table[K, A]{b: c.b, name: name, node: n, keys: in.keys, values: values, sources: in.sources, upkeep: k}}
}

type aggregate[K comparable, V, A any] struct {
	tableOut[K, A]
	initial function[struct{}, struct{}, A]
	add     function[pair[K, V], A, A]
	null    record.Nullness[A]
}

func newAggregate[K comparable, V, A any](out tableOut[K, A], initial func() A, add func(context.Context, pair[K, V], A) (A, error)) *aggregate[K, V, A] {
	return &aggregate[K, V, A]{
		tableOut: out,
		initial:  function[struct{}, struct{}, A]{out.node, func(context.Context, struct{}, struct{}) (A, error) { return initial(), nil }},
		add:      function[pair[K, V], A, A]{out.node, add},
		null:     record.NullnessOf[A](),
	}
}

// Process implements processor.Receiver.
func (a *aggregate[K, V, A]) Process(r record.Record[K, V]) {
	if dropNull(a.node, r.Null) {
		return
	}
	stored, found := a.store.Get(r.Key)
	agg, timestamp := stored.Value, max(r.Timestamp, stored.Timestamp)
	if !found {
		var ok bool
		if agg, ok = a.initial.call(struct{}{}, struct{}{}); !ok {
			return
		}
		timestamp = r.Timestamp
	}
	v, ok := a.add.call(pair[K, V]{r.Key, r.Value}, agg)
	if !ok {
		return
	}
	ch := change[A]{new: v, newNull: a.null.IsNull(&v), oldNull: true}
	if a.old {
		// For a new key this is the initial aggregate and not null, as in Kafka Streams.
		ch.old, ch.oldNull = agg, a.null.IsNull(&agg)
	}
	a.update(r.Key, ch, timestamp, r.Timestamp, r.Headers)
}

// dropNull drops a record that has no key or no value.
func dropNull(n node, null record.Null) bool {
	switch {
	case null.Key():
		n.task.Drop(n.name, processor.DropNullKey)
	case null.Value():
		n.task.Drop(n.name, processor.DropNullValue)
	default:
		return false
	}
	return true
}
