package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// GroupedTable is a table grouped by another key, to be aggregated into a table of that key. An update of the
// first subtracts the old value from the aggregate of its group and adds the new one to that of its own.
type GroupedTable[K comparable, V any] struct{ *groupedTable[K, V] }

type groupedTable[K comparable, V any] struct {
	b               *Builder
	node            *plan.Node
	repartitionName string
	repartition     *plan.Node
	keys            serde.Serde[K]
	values          serde.Serde[V]
}

// GroupTable groups a table by what f makes of each key and value; rows for which that has a null key or
// value are in no group. It must answer alike for equal arguments. The table is kept, and its updates go
// through a repartition topic in any case. Options: [Named] for the node and the topic, and the topic's
// serdes, [Keys] and [Values].
func GroupTable[K comparable, V any, K2 comparable, V2 any](t Table[K, V], f func(key K, value V) (K2, V2), opts ...Option) GroupedTable[K2, V2] {
	return groupTable(t.b.begin("GroupTable", opts, optName, optKeys, optValues), t, plainPair(f))
}

// TryGroupTable is [GroupTable] with a function that can fail.
func TryGroupTable[K comparable, V any, K2 comparable, V2 any](t Table[K, V], f func(ctx context.Context, key K, value V) (K2, V2, error), opts ...Option) GroupedTable[K2, V2] {
	return groupTable(t.b.begin("TryGroupTable", opts, optName, optKeys, optValues), t, tryPair(f))
}

func groupTable[K comparable, V any, K2 comparable, V2 any](c *call, t Table[K, V], f func(context.Context, K, V) (pair[K2, V2], error)) GroupedTable[K2, V2] {
	name := c.name("KTABLE-SELECT-")
	c.needFunc(name, "mapper", f == nil)
	needKey[K2](c, name)
	dropsLate := false
	n := &plan.Node{Name: name, Output: changesOf[K2, V2](), OnVersioned: func(string) { dropsLate = true }, Write: processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K2, change[V2]]) (any, error) {
		return &regroup[K, V, K2, V2]{
			mapper: function[K, V, pair[K2, V2]]{newNode(sc), f}, out: out,
			nullKey: record.NullnessOf[K2](), nullValue: record.NullnessOf[V2](), dropsLate: dropsLate,
		}, nil
	})}
	c.b.plan.Add(n, t.node)
	t.sendOldValues(true)
	keys, values := serdesOf(c, name, inherit[K2](t.keys), inherit[V2](t.values))
	return GroupedTable[K2, V2]{&groupedTable[K2, V2]{b: c.b, node: n, repartitionName: c.options.name, keys: keys, values: values}}
}

// regroup sends the parts of a change to the groups that they concern.
type regroup[K comparable, V any, K2 comparable, V2 any] struct {
	mapper    function[K, V, pair[K2, V2]]
	out       *processor.Outlet[K2, change[V2]]
	nullKey   record.Nullness[K2]
	nullValue record.Nullness[V2]
	// dropsLate leaves out updates that are not the latest of their key, as versioned tables have them.
	dropsLate bool
}

// Process implements processor.Receiver.
func (g *regroup[K, V, K2, V2]) Process(r record.Record[K, change[V]]) {
	if g.dropsLate && r.Value.late {
		g.mapper.task.Drop(g.mapper.name, processor.DropOutOfOrder)
		return
	}
	added, add, ok := g.group(r.Key, r.Value.new, r.Value.newNull)
	if !ok {
		return
	}
	removed, remove, ok := g.group(r.Key, r.Value.old, r.Value.oldNull)
	if !ok {
		return
	}
	if add && remove && added.key == removed.key {
		g.forward(r, added.key, change[V2]{new: added.value, old: removed.value})
		return
	}
	// What is removed goes first, so that a group never holds a row twice.
	if remove {
		g.forward(r, removed.key, change[V2]{newNull: true, old: removed.value})
	}
	if add {
		g.forward(r, added.key, change[V2]{new: added.value, oldNull: true})
	}
}

func (g *regroup[K, V, K2, V2]) group(key K, v V, null bool) (p pair[K2, V2], member, ok bool) {
	if null {
		return p, false, true
	}
	p, ok = g.mapper.call(key, v)
	return p, ok && nulls(&p, g.nullKey, g.nullValue) == 0, ok
}

func (g *regroup[K, V, K2, V2]) forward(r record.Record[K, change[V]], key K2, ch change[V2]) {
	ch.late = r.Value.late
	g.out.Forward(record.Record[K2, change[V2]]{Key: key, Value: ch, Timestamp: r.Timestamp, Headers: r.Headers})
}

// input adds the repartition of a grouped table for an operator whose names these are, and returns it.
func (g *groupedTable[K, V]) input(c *call, store, sink, source string, storeKeys serde.Serde[K]) Stream[K, change[V]] {
	name := g.repartitionName
	if name == "" {
		name = store
	}
	keys := firstSerde(g.keys, storeKeys)
	if g.repartition == nil || g.repartitionName == "" {
		topic := name + "-repartition"
		values := changed[V]{g.values}
		g.repartition = &plan.Node{Name: source, Output: changesOf[K, V](), Repartition: &plan.Repartition{
			Topic: topic, Sink: sink, Source: source,
			NewSink:   topology.NewSink(topology.SinkConfig[K, change[V]]{Key: keys, Value: values}),
			NewSource: topology.NewSource(topology.SourceConfig[K, change[V]]{Key: keys, Value: values}),
			Missing:   missingSerdes(topic, keys, g.values),
			Caller:    c.at,
		}}
	}
	c.b.plan.Add(g.repartition, g.node)
	return Stream[K, change[V]]{&stream[K, change[V]]{b: c.b, node: g.repartition, keys: keys, sources: []string{g.repartition.Name}}}
}
