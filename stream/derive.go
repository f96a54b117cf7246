package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// derivation is a table computed from another one value by value: a filtered, mapped or transformed one. It is kept only
// under a name of the user's; else its current and old values are computed from its parent's.
type derivation[K comparable, V, V2 any] struct {
	c      *call
	prefix string
	name   string
	values serde.Serde[V2]
	parent Table[K, V]
	// mapper returns the value that becomes of another; none deletes.
	mapper derivedMapper[K, V, V2]
	// open makes the mapper of one node, in place of mapper, and takesNull tells to call it for null too.
	open      func(*topology.Scope) (derivedMapper[K, V, V2], error)
	takesNull bool
	// uses are the stores that the mapper reads and writes.
	uses []string
	// filters tells that updates from nothing to nothing are left out, where that can be known.
	filters bool
	store   *plan.Store
	old     bool
	// ofVersioned tells that the parent is versioned, where what is nothing now may be something at other times.
	ofVersioned bool
}

type derivedMapper[K comparable, V, V2 any] = func(context.Context, K, record.Optional[V]) (record.Optional[V2], error)

func derive[K comparable, V, V2 any](c *call, t Table[K, V], d derivation[K, V, V2], store *Store[K, V2]) Table[K, V2] {
	m := materialize(store)
	if m.given && !m.queryable && d.open == nil {
		c.b.plan.NewStoreName(d.prefix) // no store has it, but it is used up
	}
	d.c, d.name, d.parent = c, c.name(d.prefix), t
	c.needFunc(d.name, "function", d.mapper == nil && d.open == nil)
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
	return view[K, V2]{unite(parent.stores, d.uses), func(sc *topology.Scope) (getter[K, V2], error) {
		g, err := parent.open(sc)
		if err != nil {
			return nil, err
		}
		f, err := d.function(sc)
		out := &derivedGetter[K, V, V2]{parent: g, mapper: f, takesNull: d.takesNull}
		if d.open != nil {
			out.recaller, _ = sc.Task.(processor.Recaller)
		}
		return out, err
	}}
}

// function is the mapper as one node runs it.
func (d *derivation[K, V, V2]) function(sc *topology.Scope) (f function[K, record.Optional[V], record.Optional[V2]], err error) {
	f.node, f.f = newNode(sc), d.mapper
	if d.open != nil {
		f.f, err = d.open(sc)
	}
	return f, err
}

// derivedGetter computes a value from the parent's on behalf of the node that asks for it.
type derivedGetter[K comparable, V, V2 any] struct {
	parent    getter[K, V]
	mapper    function[K, record.Optional[V], record.Optional[V2]]
	takesNull bool
	recaller  processor.Recaller // for mappers that ask their task for the time of the value
}

func (g *derivedGetter[K, V, V2]) get(key K) (v2 V2, timestamp int64, ok bool) {
	v, timestamp, ok := g.parent.get(key)
	return g.of(key, v, timestamp, ok)
}

func (g *derivedGetter[K, V, V2]) of(key K, v V, timestamp int64, found bool) (v2 V2, at int64, ok bool) {
	if !found {
		if !g.takesNull {
			return v2, 0, false
		}
		timestamp = -1
	}
	if g.recaller != nil { // where the value came from is not known
		before := g.recaller.Recall(processor.Origin{Timestamp: timestamp})
		defer g.recaller.Recall(before)
	}
	r, ok := g.mapper.call(key, record.Optional[V]{Value: v, Valid: found})
	return r.Value, timestamp, ok && r.Valid
}

func (g *derivedGetter[K, V, V2]) sent(sc *topology.Scope) getter[K, V2] {
	out := *g
	out.parent = sentOf(sc, g.parent)
	return &out
}

func (d *derivation[K, V, V2]) make(sc *topology.Scope, out *processor.Outlet[K, change[V2]]) (any, error) {
	t, err := newTableOut(sc, d.store, out, d.old)
	if err != nil {
		return nil, err
	}
	f, err := d.function(sc)
	return &derived[K, V, V2]{tableOut: t, mapper: f, takesNull: d.takesNull, filters: d.filters && !d.ofVersioned}, err
}

type derived[K comparable, V, V2 any] struct {
	tableOut[K, V2]
	mapper    function[K, record.Optional[V], record.Optional[V2]]
	takesNull bool
	filters   bool
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
	if null && !d.takesNull {
		return v2, true, true
	}
	r, ok := d.mapper.call(key, record.Optional[V]{Value: v, Valid: !null})
	if !r.Valid {
		return v2, true, ok
	}
	return r.Value, false, ok
}
