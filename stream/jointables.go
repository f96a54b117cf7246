package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// JoinTables is the table of the keys that both tables have, with what join makes of their values. An update
// of either table is an update of the result, at the later of the two timestamps; a null result deletes. Both
// tables are kept, and their topics must have equal numbers of partitions. With a nil store the result is not
// kept; what it holds is computed from the two tables. join must answer alike for equal arguments.
// Options: [Named].
func JoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(left L, right R) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("JoinTables", opts, optName), l, r, inner[K](join), tablesInner, store)
}

// LeftJoinTables is the table of the keys of the left table; right is nil for those that the right one does not
// have. See [JoinTables].
func LeftJoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(left L, right *R) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("LeftJoinTables", opts, optName), l, r, left[K](join), tablesLeft, store)
}

// OuterJoinTables is the table of the keys that either table has; the value of the one that does not have it is
// nil. See [JoinTables].
func OuterJoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(left *L, right *R) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("OuterJoinTables", opts, optName), l, r, outer[K](join), tablesOuter, store)
}

// TryJoinTables is [JoinTables] with a function that sees the key and can fail.
func TryJoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(ctx context.Context, key K, left L, right R) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("TryJoinTables", opts, optName), l, r, tryInner(join), tablesInner, store)
}

// TryLeftJoinTables is [LeftJoinTables] with a function that sees the key and can fail.
func TryLeftJoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(ctx context.Context, key K, left L, right *R) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("TryLeftJoinTables", opts, optName), l, r, tryLeft(join), tablesLeft, store)
}

// TryOuterJoinTables is [OuterJoinTables] with a function that sees the key and can fail.
func TryOuterJoinTables[K comparable, L, R, V any](l Table[K, L], r Table[K, R], join func(ctx context.Context, key K, left *L, right *R) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return joinTables(l.b.begin("TryOuterJoinTables", opts, optName), l, r, tryOuter(join), tablesOuter, store)
}

// sides tells which sides of a join must be there for a result.
type sides struct{ needLeft, needRight bool }

var (
	tablesInner = sides{needLeft: true, needRight: true}
	tablesLeft  = sides{needLeft: true}
	tablesOuter = sides{}
)

func (s sides) reversed() sides { return sides{needLeft: s.needRight, needRight: s.needLeft} }

// satisfied reports whether there is a result for what there is of the two sides.
func (s sides) satisfied(noLeft, noRight bool) bool {
	return !(noLeft && (noRight || s.needLeft)) && !(noRight && s.needRight)
}

// tableJoin is the upkeep of the join of two tables, which is kept only if it was given a store.
type tableJoin[K comparable, L, R, V any] struct {
	l      Table[K, L]
	r      Table[K, R]
	left   view[K, L]
	right  view[K, R]
	joiner joiner[K, L, R, V]
	sides  sides
	store  *plan.Store
	old    bool
	// leftVersioned and rightVersioned tell which of the tables are versioned.
	leftVersioned, rightVersioned bool
}

func joinTables[K comparable, L, R, V any](c *call, l Table[K, L], r Table[K, R], f joiner[K, L, R, V], s sides, store *Store[K, V]) Table[K, V] {
	m := materialize(store)
	if m.given {
		m.named(c, "KTABLE-MERGE-")
	}
	name := c.name("KTABLE-MERGE-")
	this := c.suffixed("-join-this", "KTABLE-JOINTHIS-")
	other := c.suffixed("-join-other", "KTABLE-JOINOTHER-")
	c.sameBuilder(name, r.b)
	c.needFunc(name, "function", f == nil)
	sources := c.copartition(l.sources, r.sources)
	if !s.needRight {
		l.sendOldValues(true)
	}
	if !s.needLeft {
		r.sendOldValues(true)
	}
	m.serdes(l.keys, ofSides[V](l.values, r.values))
	j := &tableJoin[K, L, R, V]{l: l, r: r, joiner: f, sides: s}
	if m.given {
		j.store = m.store.plan(c, name, true)
	}
	j.left, j.right = l.upkeep.view(), r.upkeep.view()
	versioned := func(parent string) {
		j.leftVersioned = j.leftVersioned || parent == l.node.Name
		j.rightVersioned = j.rightVersioned || parent == r.node.Name
	}
	n := &plan.Node{Name: name, Output: changesOf[K, V](), Versioned: m.versioned(), OnVersioned: versioned, Write: func(w *plan.Writer, _ []string) {
		joinSide(c, this, j.right, f, s, &j.old, &j.leftVersioned)(w, []string{l.name})
		joinSide(c, other, j.left, f.reversed(), s.reversed(), &j.old, &j.rightVersioned)(w, []string{r.name})
		processorNode(c, name, j.merge, j.store)(w, []string{this, other})
		connect(w, this, j.right.stores)
		connect(w, other, j.left.stores)
	}}
	c.b.plan.Add(n, l.node, r.node)
	return Table[K, V]{&table[K, V]{b: c.b, name: name, node: n, keys: m.store.keys, values: m.store.values, sources: sources, upkeep: j}}
}

func (j *tableJoin[K, L, R, V]) sendOldValues(bool) bool {
	j.l.sendOldValues(true)
	j.r.sendOldValues(true)
	j.old = true
	return true
}

func (j *tableJoin[K, L, R, V]) view() view[K, V] {
	if j.store != nil {
		return storeView[K, V](j.store.Name)
	}
	return view[K, V]{unite(j.left.stores, j.right.stores), func(sc *topology.Scope) (getter[K, V], error) {
		l, err := j.left.open(sc)
		if err != nil {
			return nil, err
		}
		r, err := j.right.open(sc)
		if err != nil {
			return nil, err
		}
		return &joinedGetter[K, L, R, V]{l, r, newJoin(newNode(sc), j.joiner), j.sides}, nil
	}}
}

// joinedGetter computes a value from those of both tables on behalf of the node that asks for it.
type joinedGetter[K comparable, L, R, V any] struct {
	left  getter[K, L]
	right getter[K, R]
	join  join[K, L, R, V]
	sides sides
}

func (g *joinedGetter[K, L, R, V]) get(key K) (v V, timestamp int64, ok bool) {
	l, lt, lok := g.left.get(key)
	if !lok && g.sides.needLeft {
		return v, 0, false
	}
	r, rt, rok := g.right.get(key)
	if !g.sides.satisfied(!lok, !rok) {
		return v, 0, false
	}
	v, null, ok := g.join.of(key, both[L, R]{l, r, !lok, !rok})
	return v, latest(lt, lok, rt, rok), ok && !null
}

func (g *joinedGetter[K, L, R, V]) sent(sc *topology.Scope) getter[K, V] {
	return &joinedGetter[K, L, R, V]{sentOf(sc, g.left), sentOf(sc, g.right), g.join, g.sides}
}

// latest is the later of two timestamps, of which at least one is known.
func latest(a int64, aok bool, b int64, bok bool) int64 {
	switch {
	case !aok:
		return b
	case !bok:
		return a
	default:
		return max(a, b)
	}
}

// joinSide returns what writes the node that joins the updates of one table with the rows of the other.
func joinSide[K comparable, This, Other, V any](c *call, name string, other view[K, Other], f joiner[K, This, Other, V], s sides, old, dropsLate *bool) func(*plan.Writer, []string) {
	return processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, change[V]]) (any, error) {
		g, err := other.openSent(sc)
		return &tableJoiner[K, This, Other, V]{join: newJoin(newNode(sc), f), other: g, out: out, sides: s, old: *old, dropsLate: *dropsLate}, err
	})
}

// tableJoiner makes updates of the result from those of one table, which is its left side.
type tableJoiner[K comparable, This, Other, V any] struct {
	join  join[K, This, Other, V]
	other getter[K, Other]
	out   *processor.Outlet[K, change[V]]
	sides sides
	old   bool
	// dropsLate leaves out updates that are not the latest of their key, as versioned tables have them.
	dropsLate bool
}

// Process implements processor.Receiver.
func (t *tableJoiner[K, This, Other, V]) Process(r record.Record[K, change[This]]) {
	if r.Null.Key() {
		t.join.task.Drop(t.join.name, processor.DropNullKey)
		return
	}
	in := &r.Value
	if t.dropsLate && in.late {
		t.join.task.Drop(t.join.name, processor.DropOutOfOrder)
		return
	}
	other, at, found := t.other.get(r.Key)
	if !found && (t.sides.needRight || in.newNull && in.oldNull) {
		return
	}
	// Without the other side being there, what is sent can be the deletion of a row that never was, as in
	// Kafka Streams.
	ch := change[V]{oldNull: true, late: in.late}
	var ok bool
	if ch.new, ch.newNull, ok = t.row(r.Key, in.new, in.newNull, other, !found); !ok {
		return
	}
	if t.old {
		if ch.old, ch.oldNull, ok = t.row(r.Key, in.old, in.oldNull, other, !found); !ok {
			return
		}
	}
	t.out.Forward(update(r, ch, latest(r.Timestamp, true, at, found)))
}

func (t *tableJoiner[K, This, Other, V]) row(key K, this This, noThis bool, other Other, noOther bool) (v V, null, ok bool) {
	if !t.sides.satisfied(noThis, noOther) {
		return v, true, true
	}
	return t.join.of(key, both[This, Other]{this, other, noThis, noOther})
}

func (j *tableJoin[K, L, R, V]) merge(sc *topology.Scope, out *processor.Outlet[K, change[V]]) (any, error) {
	t, err := newTableOut(sc, j.store, out, j.old)
	return &tableMerge[K, V]{t}, err
}

// tableMerge passes on the updates of both sides and keeps them if there is a store.
type tableMerge[K comparable, V any] struct{ tableOut[K, V] }

// Process implements processor.Receiver.
func (m *tableMerge[K, V]) Process(r record.Record[K, change[V]]) {
	m.update(r.Key, r.Value, r.Timestamp, r.Timestamp, r.Headers)
}
