package stream

import (
	"context"
	"fmt"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// Cogrouped is several grouped streams, each with the function that adds its values to an aggregate that they
// share: what a join of aggregations would give, with one store and without the join.
//
// Source: KIP-150.
type Cogrouped[K comparable, A any] struct{ *cogrouped[K, A] }

type cogrouped[K comparable, A any] struct {
	b     *Builder
	parts []cogroupPart[K, A]
}

// Cogroup begins with one grouped stream. add must not change agg in place where that is a pointer, slice or map.
func Cogroup[K comparable, V, A any](g Grouped[K, V], add func(key K, value V, agg A) A) Cogrouped[K, A] {
	return cogroup(g.s.b.begin("Cogroup", nil), nil, g, foldRow(add))
}

// AndCogroup adds one more grouped stream, whose topic must have as many partitions as those of the others. A
// stream that is in it already gets the new function.
func AndCogroup[K comparable, V, A any](c Cogrouped[K, A], g Grouped[K, V], add func(key K, value V, agg A) A) Cogrouped[K, A] {
	return cogroup(c.b.begin("AndCogroup", nil), c.parts, g, foldRow(add))
}

// TryCogroup is [Cogroup] with a function that can fail.
func TryCogroup[K comparable, V, A any](g Grouped[K, V], add func(ctx context.Context, key K, value V, agg A) (A, error)) Cogrouped[K, A] {
	return cogroup(g.s.b.begin("TryCogroup", nil), nil, g, tryFoldRow(add))
}

// TryAndCogroup is [AndCogroup] with a function that can fail.
func TryAndCogroup[K comparable, V, A any](c Cogrouped[K, A], g Grouped[K, V], add func(ctx context.Context, key K, value V, agg A) (A, error)) Cogrouped[K, A] {
	return cogroup(c.b.begin("TryAndCogroup", nil), c.parts, g, tryFoldRow(add))
}

func cogroup[K comparable, V, A any](c *call, parts []cogroupPart[K, A], g Grouped[K, V], add func(context.Context, pair[K, V], A) (A, error)) Cogrouped[K, A] {
	c.needFunc(g.s.name, "function that adds", add == nil)
	c.sameBuilder(g.s.name, g.s.b)
	next := &cogroupInput[K, V, A]{g: g, add: add}
	out := &cogrouped[K, A]{b: c.b}
	replaced := false
	for _, p := range parts {
		if p.grouping() == next.grouping() {
			p, replaced = next, true
		}
		out.parts = append(out.parts, p)
	}
	if !replaced {
		out.parts = append(out.parts, next)
	}
	return Cogrouped[K, A]{out}
}

// AggregateCogroup folds the values of each key, from all of the streams, into one aggregate: initial makes that
// of a key that has none. Otherwise it is [Aggregate] for each of them. Options: [Named].
func AggregateCogroup[K comparable, A any](g Cogrouped[K, A], initial func() A, store *Store[K, A], opts ...Option) Table[K, A] {
	c := g.b.begin("AggregateCogroup", opts, optName)
	m := cogroupStore(c, store)
	in := g.inputs(c, m)
	m.serdes(in.keys, native[A]())
	k := &kept[K, A]{store: m.store.plan(c, m.store.name, true)}
	return mergeCogroup(c, g, in, initial, k.store, nil, k, m.store.keys, m.store.values, func(p cogroupPart[K, A]) cogroupNode[K, A] {
		return p.plain(initial, k)
	})
}

// AggregateCogroupWindows is [AggregateCogroup] for each window of a key. See [AggregateWindows].
func AggregateCogroupWindows[K comparable, A any](g Cogrouped[K, A], w window.Windows, initial func() A, store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := g.b.begin("AggregateCogroupWindows", opts, optName)
	m := cogroupStore(c, store)
	c.failEach("windows of a cogroup", w.Validate())
	in := g.inputs(c, m)
	m.serdes(in.keys, native[A]())
	k := &keptWindows[K, A]{store: m.store.planWindows(c, m.store.name, w, false), open: openWindows[K, A]}
	return mergeCogroup(c, g, in, initial, k.store, new(w.GracePeriod()), k, windowKeys(m.store.keys, w.Size()), m.store.values, func(p cogroupPart[K, A]) cogroupNode[window.Key[K], A] {
		return p.windows(w, initial, k)
	})
}

// AggregateCogroupSessions is [AggregateCogroup] for each session of a key; merge puts the aggregates of two
// sessions together that have become one. See [AggregateSessions].
func AggregateCogroupSessions[K comparable, A any](g Cogrouped[K, A], w window.Sessions, initial func() A, merge func(key K, a, b A) A, store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := g.b.begin("AggregateCogroupSessions", opts, optName)
	m := cogroupStore(c, store)
	c.failEach("sessions of a cogroup", w.Validate())
	c.needFunc(m.store.name, "function that merges", merge == nil)
	in := g.inputs(c, m)
	m.serdes(in.keys, native[A]())
	k := &keptWindows[K, A]{store: m.store.planSessions(c, m.store.name, w, false), open: openSessions[K, A]}
	return mergeCogroup(c, g, in, initial, k.store, new(w.Retention()), k, sessionKeys(m.store.keys), m.store.values, func(p cogroupPart[K, A]) cogroupNode[window.Key[K], A] {
		return p.sessions(w, initial, merge, k)
	})
}

func cogroupStore[K comparable, A any](c *call, store *Store[K, A]) *materialized[K, A] {
	m := materialize(store)
	m.named(c, "COGROUPKSTREAM-AGGREGATE-")
	return &m
}

// cogroupInputs are the streams behind the repartitions that they need.
type cogroupInputs[K any] struct {
	nodes   []*plan.Node
	sources []string
	keys    serde.Serde[K]
}

func (g *cogrouped[K, A]) inputs(c *call, m *materialized[K, A]) (in cogroupInputs[K]) {
	for _, p := range g.parts {
		node, sources, keys := p.input(c, m.store.name, m.store.keys)
		in.nodes = append(in.nodes, node)
		in.sources = unite(in.sources, sources)
		in.keys = firstSerde(in.keys, keys)
	}
	c.b.plan.Copartition(c.at, in.sources...)
	return in
}

// cogroupNode makes the running part of one stream's share.
type cogroupNode[K, A any] func(*topology.Scope, *processor.Outlet[K, change[A]]) (any, error)

// mergeCogroup adds a node for each of the streams, all with the one store, and the one that their updates leave
// by.
func mergeCogroup[K, TK comparable, A any](c *call, g Cogrouped[K, A], in cogroupInputs[K], initial func() A, st *plan.Store, grace *int64, up upkeep[TK, A], keys serde.Serde[TK], values serde.Serde[A], make1 func(cogroupPart[K, A]) cogroupNode[TK, A]) Table[TK, A] {
	c.needFunc(st.Name, "function for the initial aggregate", initial == nil)
	versioned := st.Kind == changelog.Versioned
	var parts []*plan.Node
	for i, p := range g.parts {
		name := c.suffixed(fmt.Sprintf("-cogroup-agg-%d", i), "COGROUPKSTREAM-AGGREGATE-")
		n := &plan.Node{Name: name, Output: changesOf[TK, A](), Grace: grace, Versioned: new(versioned), Write: processorNode(c, name, make1(p), st)}
		c.b.plan.Add(n, in.nodes[i])
		parts = append(parts, n)
	}
	name := c.suffixed("-cogroup-merge", "COGROUPKSTREAM-MERGE-")
	n := &plan.Node{Name: name, Output: changesOf[TK, A](), Write: processorNode(c, name, func(_ *topology.Scope, out *processor.Outlet[TK, change[A]]) (any, error) {
		return pass[TK, change[A]]{out}, nil
	})}
	c.b.plan.Add(n, parts...)
	return Table[TK, A]{&table[TK, A]{b: c.b, name: name, node: n, keys: keys, values: values, sources: in.sources, upkeep: up}}
}

// cogroupPart is one stream of a cogroup, whatever the type of its values.
type cogroupPart[K comparable, A any] interface {
	grouping() any
	input(c *call, store string, keys serde.Serde[K]) (*plan.Node, []string, serde.Serde[K])
	plain(initial func() A, k *kept[K, A]) cogroupNode[K, A]
	windows(w window.Windows, initial func() A, k *keptWindows[K, A]) cogroupNode[window.Key[K], A]
	sessions(w window.Sessions, initial func() A, merge func(K, A, A) A, k *keptWindows[K, A]) cogroupNode[window.Key[K], A]
}

type cogroupInput[K comparable, V, A any] struct {
	g   Grouped[K, V]
	add func(context.Context, pair[K, V], A) (A, error)
}

func (p *cogroupInput[K, V, A]) grouping() any { return p.g.grouped }

func (p *cogroupInput[K, V, A]) input(c *call, store string, keys serde.Serde[K]) (*plan.Node, []string, serde.Serde[K]) {
	in := p.g.input(c, store, keys)
	return in.node, in.sources, firstSerde(in.keys, p.g.keys)
}

func (p *cogroupInput[K, V, A]) plain(initial func() A, k *kept[K, A]) cogroupNode[K, A] {
	return func(sc *topology.Scope, out *processor.Outlet[K, change[A]]) (any, error) {
		t, err := newTableOut(sc, k.store, out, k.old)
		return newAggregate(t, initial, p.add), err
	}
}

func (p *cogroupInput[K, V, A]) windows(w window.Windows, initial func() A, k *keptWindows[K, A]) cogroupNode[window.Key[K], A] {
	return func(sc *topology.Scope, out *processor.Outlet[window.Key[K], change[A]]) (any, error) {
		return newWindowNode[K, V, A](sc, w, false, k.store.Name, newAggregateFold(newNode(sc), initial, p.add, nil), out, k.old)
	}
}

func (p *cogroupInput[K, V, A]) sessions(w window.Sessions, initial func() A, merge func(K, A, A) A, k *keptWindows[K, A]) cogroupNode[window.Key[K], A] {
	merging := func(_ context.Context, key K, p pair[A, A]) (A, error) { return merge(key, p.key, p.value), nil }
	return func(sc *topology.Scope, out *processor.Outlet[window.Key[K], change[A]]) (any, error) {
		return newSessionNode[K, V, A](sc, w, false, k.store.Name, newAggregateFold(newNode(sc), initial, p.add, merging), out, k.old)
	}
}
