package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
)

// Map replaces key and value of each record. It is called with the zero value for a null that its types
// cannot hold. Grouping or joining what it returns goes through a repartition topic; [MapValues], which keeps
// the key, does not make that necessary.
func Map[K, V, K2, V2 any](s Stream[K, V], f func(key K, value V) (K2, V2), opts ...Option) Stream[K2, V2] {
	return mapStream(s.b.begin("Map", opts, optName), s, plainPair(f))
}

// TryMap is [Map] with a function that can fail.
func TryMap[K, V, K2, V2 any](s Stream[K, V], f func(ctx context.Context, key K, value V) (K2, V2, error), opts ...Option) Stream[K2, V2] {
	return mapStream(s.b.begin("TryMap", opts, optName), s, tryPair(f))
}

func mapStream[K, V, K2, V2 any](c *call, s Stream[K, V], f func(context.Context, K, V) (pair[K2, V2], error)) Stream[K2, V2] {
	name := c.name("KSTREAM-MAP-")
	c.needFunc(name, "mapper", f == nil)
	return chain(c, s, name, &plan.Node{KeyChanging: true}, func(n node, out *processor.Outlet[K2, V2]) (processor.Receiver[K, V], error) {
		return &mapper[K, V, K2, V2]{
			mapper:    function[K, V, pair[K2, V2]]{n, f},
			out:       out,
			nullKey:   record.NullnessOf[K2](),
			nullValue: record.NullnessOf[V2](),
		}, nil
	})
}

type mapper[K, V, K2, V2 any] struct {
	mapper    function[K, V, pair[K2, V2]]
	out       *processor.Outlet[K2, V2]
	nullKey   record.Nullness[K2]
	nullValue record.Nullness[V2]
}

// Process implements processor.Receiver.
func (m *mapper[K, V, K2, V2]) Process(r record.Record[K, V]) {
	if p, ok := m.mapper.call(r.Key, r.Value); ok {
		m.out.Forward(record.Record[K2, V2]{
			Key: p.key, Value: p.value, Timestamp: r.Timestamp, Headers: r.Headers, Null: nulls(&p, m.nullKey, m.nullValue),
		})
	}
}

func nulls[K, V any](p *pair[K, V], key record.Nullness[K], value record.Nullness[V]) (n record.Null) {
	if key.IsNull(&p.key) {
		n |= record.NullKey
	}
	if value.IsNull(&p.value) {
		n |= record.NullValue
	}
	return n
}
