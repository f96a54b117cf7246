package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// derivation is a table computed from another one value by value: a filtered or mapped one. It is kept only
// under a name of the user's; else its current and old values are computed from its parent's.
type derivation[K comparable, V, V2 any] struct {
	c      *call
	prefix string
	name   string
	values serde.Serde[V2]
	parent Table[K, V]
	// mapper returns the value that becomes of one that is not null; none deletes.
	mapper func(context.Context, K, V) (record.Optional[V2], error)
	// filters tells that updates from nothing to nothing are left out, where that can be known.
	filters bool
	store   *plan.Store
	old     bool
	// ofVersioned tells that the parent is versioned, where what is nothing now may be something at other times.
	ofVersioned bool
}

func derive[K comparable, V, V2 any](c *call, t Table[K, V], d derivation[K, V, V2], store *Store[K, V2]) Table[K, V2] {
	m := materialize(store)
	if m.given && !m.queryable {
		c.b.plan.NewStoreName(d.prefix) // no store has it, but it is used up
	}
	d.c, d.name, d.parent = c, c.name(d.prefix), t
	c.needFunc(d.name, "function", d.mapper == nil)
	m.serdes(t.keys, d.values)
	if m.queryable {
		d.store = m.store.plan(c, d.name, true)
	}
	if d.filters {
		// Where the values before are known, deletions of keys that were not there can be left out.
		d.old = t.sendOldValues(false)
	}
	n := &plan.Node{Name: d.name, Output: changesOf[K, V2](), Write: processorNode(c, d.name, d.make, d.store)}
	n.OnVersioned = func(string) { d.ofVersioned = true }
	if m.given {
		n.Versioned = m.versioned()
	}
	c.b.plan.Add(n, t.node)
	return Table[K, V2]{&table[K, V2]{
		b: c.b, name: d.name, node: n, keys: m.store.keys, values: m.store.values, sources: t.sources, upkeep: &d,
	}}
}

func (d *derivation[K, V, V2]) sendOldValues(force bool) bool {
	if d.store != nil || d.parent.sendOldValues(force) {
		d.old = true
	}
	return d.old
}

func (d *derivation[K, V, V2]) view() view[K, V2] {
	if d.store != nil {
		return storeView[K, V2](d.store.Name)
	}
	parent := d.parent.upkeep.view()
	return view[K, V2]{parent.stores, func(sc *topology.Scope) (getter[K, V2], error) {
		g, err := parent.open(sc)
		return &derivedGetter[K, V, V2]{g, function[K, V, record.Optional[V2]]{newNode(sc), d.mapper}}, err
	}}
}

// derivedGetter computes a value from the parent's on behalf of the node that asks for it.
type derivedGetter[K comparable, V, V2 any] struct {
	parent getter[K, V]
	mapper function[K, V, record.Optional[V2]]
}

func (g *derivedGetter[K, V, V2]) get(key K) (v2 V2, timestamp int64, ok bool) {
	v, timestamp, ok := g.parent.get(key)
	if !ok {
		return v2, 0, false
	}
	r, ok := g.mapper.call(key, v)
	return r.Value, timestamp, ok && r.Valid
}

func (g *derivedGetter[K, V, V2]) sent(sc *topology.Scope) getter[K, V2] {
	return &derivedGetter[K, V, V2]{sentOf(sc, g.parent), g.mapper}
}

func (d *derivation[K, V, V2]) make(sc *topology.Scope, out *processor.Outlet[K, change[V2]]) (any, error) {
	t, err := newTableOut(sc, d.store, out, d.old)
	return &derived[K, V, V2]{t, function[K, V, record.Optional[V2]]{t.node, d.mapper}, d.filters && !d.ofVersioned}, err
}

type derived[K comparable, V, V2 any] struct {
	tableOut[K, V2]
	mapper  function[K, V, record.Optional[V2]]
	filters bool
}

// Process implements processor.Receiver.
func (d *derived[K, V, V2]) Process(r record.Record[K, change[V]]) {
	in := &r.Value
	ch := change[V2]{late: in.late}
	var ok bool
	if ch.new, ch.newNull, ok = d.compute(r.Key, in.new, in.newNull); !ok {
		return
	}
	if ch.old, ch.oldNull, ok = d.before(r.Key, in); !ok {
		return
	}
	if d.filters && d.old && ch.newNull && ch.oldNull {
		return
	}
	d.update(r.Key, ch, r.Timestamp, r.Timestamp, r.Headers)
}

func (d *derived[K, V, V2]) before(key K, in *change[V]) (v V2, null, ok bool) {
	switch {
	case !d.old:
		return v, true, true
	case d.store != nil:
		stored, found := d.store.Get(key)
		return stored.Value, !found, true
	default:
		return d.compute(key, in.old, in.oldNull)
	}
}

func (d *derived[K, V, V2]) compute(key K, v V, null bool) (v2 V2, isNull, ok bool) {
	if null {
		return v2, true, true
	}
	r, ok := d.mapper.call(key, v)
	if !r.Valid {
		return v2, true, ok
	}
	return r.Value, false, ok
}
