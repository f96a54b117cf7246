package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// Reduce combines the values of each key into one of the same type: the first value stands for itself. A null
// result deletes the key. Records with a null key or value are dropped. The result's time is the latest of
// its records.
//
// f must not change agg in place where that is a pointer, slice or map: the table below still needs it.
// Options: [Named].
func Reduce[K comparable, V any](g Grouped[K, V], f func(agg, value V) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return reduceStream(g.s.b.begin("Reduce", opts, optName), g, plain(f), store)
}

// TryReduce is [Reduce] with a function that can fail.
func TryReduce[K comparable, V any](g Grouped[K, V], f func(ctx context.Context, agg, value V) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return reduceStream(g.s.b.begin("TryReduce", opts, optName), g, f, store)
}

func reduceStream[K comparable, V any](c *call, g Grouped[K, V], f func(context.Context, V, V) (V, error), store *Store[K, V]) Table[K, V] {
	m := materialize(store)
	m.named(c, "KSTREAM-REDUCE-")
	name := c.name("KSTREAM-REDUCE-")
	c.needFunc(name, "reducer", f == nil)
	in := g.input(c, m.store.name, m.store.keys)
	m.serdes(in.keys, in.values)
	k := &kept[K, V]{store: m.store.plan(c, name, true)}
	return keepTable(c, in, name, k, m.store.values, func(out tableOut[K, V]) processor.Receiver[K, V] {
		return &reduce[K, V]{out, function[V, V, V]{out.node, f}, record.NullnessOf[V]()}
	})
}

type reduce[K comparable, V any] struct {
	tableOut[K, V]
	reducer function[V, V, V]
	null    record.Nullness[V]
}

// Process implements processor.Receiver.
func (d *reduce[K, V]) Process(r record.Record[K, V]) {
	if dropNull(d.node, r.Null) {
		return
	}
	ch := change[V]{new: r.Value, oldNull: true}
	timestamp := r.Timestamp
	if stored, found := d.store.Get(r.Key); found {
		var ok bool
		if ch.new, ok = d.reducer.call(stored.Value, r.Value); !ok {
			return
		}
		ch.newNull = d.null.IsNull(&ch.new)
		timestamp = max(timestamp, stored.Timestamp)
		if d.old {
			ch.old, ch.oldNull = stored.Value, false
		}
	}
	d.update(r.Key, ch, timestamp, r.Timestamp, r.Headers)
}
