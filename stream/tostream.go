package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// ToStream is the table's updates as a stream; a deletion is a record with a null value. Options: [Named].
func ToStream[K comparable, V any](t Table[K, V], opts ...Option) Stream[K, V] {
	c := t.b.begin("ToStream", opts, optName)
	name := c.name("KTABLE-TOSTREAM-")
	n := &plan.Node{Name: name, Output: recordsOf[K, V](), Write: processorNode(c, name, func(_ *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		return toStream[K, V]{out}, nil
	})}
	c.b.plan.Add(n, t.node)
	return Stream[K, V]{&stream[K, V]{b: c.b, name: name, node: n, keys: t.keys, values: t.values, sources: t.sources}}
}

type toStream[K, V any] struct{ out *processor.Outlet[K, V] }

// Process implements processor.Receiver.
func (t toStream[K, V]) Process(r record.Record[K, change[V]]) {
	out := record.Record[K, V]{Key: r.Key, Value: r.Value.new, Timestamp: r.Timestamp, Headers: r.Headers}
	if r.Value.newNull {
		out.Null = record.NullValue
	}
	t.out.Forward(out)
}
