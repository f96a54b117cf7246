package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
)

// MapValues replaces each value; the key stays. A null value whose type cannot hold null stays null without
// a call of f.
func MapValues[K, V, V2 any](s Stream[K, V], f func(value V) V2, opts ...Option) Stream[K, V2] {
	return mapValuesStream(s.b.begin("MapValues", opts, optName), s, plainValue[K](f))
}

// MapValuesWithKey is [MapValues] with a function that also sees the key.
func MapValuesWithKey[K, V, V2 any](s Stream[K, V], f func(key K, value V) V2, opts ...Option) Stream[K, V2] {
	return mapValuesStream(s.b.begin("MapValuesWithKey", opts, optName), s, plain(f))
}

// TryMapValues is [MapValues] with a function that can fail.
func TryMapValues[K, V, V2 any](s Stream[K, V], f func(ctx context.Context, value V) (V2, error), opts ...Option) Stream[K, V2] {
	return mapValuesStream(s.b.begin("TryMapValues", opts, optName), s, tryValue[K](f))
}

// TryMapValuesWithKey is [MapValuesWithKey] with a function that can fail.
func TryMapValuesWithKey[K, V, V2 any](s Stream[K, V], f func(ctx context.Context, key K, value V) (V2, error), opts ...Option) Stream[K, V2] {
	return mapValuesStream(s.b.begin("TryMapValuesWithKey", opts, optName), s, f)
}

func mapValuesStream[K, V, V2 any](c *call, s Stream[K, V], f func(context.Context, K, V) (V2, error)) Stream[K, V2] {
	name := c.name("KSTREAM-MAPVALUES-")
	c.needFunc(name, "mapper", f == nil)
	return chain(c, s, name, &plan.Node{ValueChanging: true}, func(n node, out *processor.Outlet[K, V2]) (processor.Receiver[K, V], error) {
		return &mapValues[K, V, V2]{
			mapper:    function[K, V, V2]{n, f},
			out:       out,
			takesNull: record.NullnessOf[V]().CanBeNull(),
			null:      record.NullnessOf[V2](),
		}, nil
	})
}

type mapValues[K, V, V2 any] struct {
	mapper    function[K, V, V2]
	out       *processor.Outlet[K, V2]
	takesNull bool
	null      record.Nullness[V2]
}

// Process implements processor.Receiver.
func (m *mapValues[K, V, V2]) Process(r record.Record[K, V]) {
	if r.Null.Value() && !m.takesNull {
		m.out.Forward(record.Record[K, V2]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, Null: r.Null})
		return
	}
	v, ok := m.mapper.call(r.Key, r.Value)
	if !ok {
		return
	}
	out := record.WithValue(r, v)
	if m.null.IsNull(&v) {
		out.Null |= record.NullValue
	}
	m.out.Forward(out)
}
