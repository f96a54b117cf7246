package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Change is an update of a table's row: from the old value to the new one. No old value: the row was not there; no
// new one: it has been deleted. A row that is deleted without having been there can have neither.
type Change[V any] struct {
	Old, New record.Optional[V]
}

// Changes is the table's updates with the values before them, for processors that compare the two. It is
// [ToStream], whose records carry the new value only; the table is kept if that is what it takes to know the old
// one. There is no serde for changes: map them before they are written. Options: [Named].
//
// Kafka Streams keeps its like, the processors of its tables, to itself.
func Changes[K comparable, V any](t Table[K, V], opts ...Option) Stream[K, Change[V]] {
	c := t.b.begin("Changes", opts, optName)
	name := c.name("KTABLE-TOSTREAM-")
	t.sendOldValues(true)
	n := &plan.Node{Name: name, Output: recordsOf[K, Change[V]](), Write: processorNode(c, name, func(_ *topology.Scope, out *processor.Outlet[K, Change[V]]) (any, error) {
		return toChanges[K, V]{out}, nil
	})}
	c.b.plan.Add(n, t.node)
	return Stream[K, Change[V]]{&stream[K, Change[V]]{b: c.b, name: name, node: n, keys: t.keys, sources: t.sources}}
}

type toChanges[K, V any] struct {
	out *processor.Outlet[K, Change[V]]
}

// Process implements processor.Receiver.
func (t toChanges[K, V]) Process(r record.Record[K, change[V]]) {
	ch := &r.Value
	t.out.Forward(record.Record[K, Change[V]]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, Value: Change[V]{
		Old: record.Optional[V]{Value: ch.old, Valid: !ch.oldNull},
		New: record.Optional[V]{Value: ch.new, Valid: !ch.newNull},
	}})
}
