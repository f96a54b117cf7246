package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// JoinTable joins each record of a stream with the row that the table has for its key at that time. Records
// without a row are left out, as are, counted, those with a null key or value; updates of the table alone make
// no results. The result has the record's timestamp and headers.
//
// The table is kept, and its topic must have as many partitions as the stream's; if the stream's keys were
// changed, it goes through a repartition topic first. A table with a history ([Store.WithHistory]) is seen as it
// was at the record's time. Options: [Named], [GracePeriod], and the serdes of the topic and of what is held back,
// [Keys] and [Values].
func JoinTable[K comparable, L, R, V any](s Stream[K, L], t Table[K, R], join func(value L, row R) V, opts ...Option) Stream[K, V] {
	return joinTable(s.b.begin("JoinTable", opts, tableJoinOptions...), s, t, inner[K](join), false)
}

// LeftJoinTable is [JoinTable] that keeps records without a row, for which row is nil, and those with a null
// key.
//
// Source: KIP-962.
func LeftJoinTable[K comparable, L, R, V any](s Stream[K, L], t Table[K, R], join func(value L, row *R) V, opts ...Option) Stream[K, V] {
	return joinTable(s.b.begin("LeftJoinTable", opts, tableJoinOptions...), s, t, left[K](join), true)
}

// TryJoinTable is [JoinTable] with a function that sees the key and can fail.
func TryJoinTable[K comparable, L, R, V any](s Stream[K, L], t Table[K, R], join func(ctx context.Context, key K, value L, row R) (V, error), opts ...Option) Stream[K, V] {
	return joinTable(s.b.begin("TryJoinTable", opts, tableJoinOptions...), s, t, tryInner(join), false)
}

// TryLeftJoinTable is [LeftJoinTable] with a function that sees the key and can fail.
func TryLeftJoinTable[K comparable, L, R, V any](s Stream[K, L], t Table[K, R], join func(ctx context.Context, key K, value L, row *R) (V, error), opts ...Option) Stream[K, V] {
	return joinTable(s.b.begin("TryLeftJoinTable", opts, tableJoinOptions...), s, t, tryLeft(join), true)
}

var tableJoinOptions = []optionKind{optName, optKeys, optValues, optGrace}

func joinTable[K comparable, L, R, V any](c *call, s Stream[K, L], t Table[K, R], f joiner[K, L, R, V], isLeft bool) Stream[K, V] {
	keys, values := serdesOf(c, s.name, s.keys, s.values)
	in := forJoin(c, s, c.options.name, keys, values)
	name := c.name(joinPrefix(isLeft))
	c.sameBuilder(name, t.b)
	c.needFunc(name, "function", f == nil)
	sources := c.copartition(in.sources, t.sources)
	rows := t.upkeep.view()
	var buffer *plan.Store
	if c.options.grace != nil {
		buffer = planHeld(c, name, keys, values)
	}
	makeNode := processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		g, err := rows.open(sc)
		j := &rowJoiner[K, L, K, R, V]{
			join: newJoin(newNode(sc), f), key: ownKey[K, L], noKey: processor.DropNullKey, rows: g, history: historyOf(g), out: out, left: isLeft,
		}
		if err != nil || buffer == nil {
			return j, err
		}
		return newHolder(sc, j, buffer.Name, *c.options.grace)
	}, buffer)
	n := &plan.Node{Name: name, Output: recordsOf[K, V](), RelaxedNullKeyJoin: isLeft, Write: func(w *plan.Writer, parents []string) {
		makeNode(w, parents)
		connect(w, name, rows.stores)
		if buffer != nil {
			c.checkHistory(w, name, rows.stores)
		}
	}}
	return joinedStream(c, in, n, keys, ofSides[V](s.values, t.values), sources)
}

func joinPrefix(isLeft bool) string {
	if isLeft {
		return "KSTREAM-LEFTJOIN-"
	}
	return "KSTREAM-JOIN-"
}

// joinedStream adds the node of a join below a stream.
func joinedStream[K, L, V any](c *call, in Stream[K, L], n *plan.Node, keys serde.Serde[K], values serde.Serde[V], sources []string) Stream[K, V] {
	c.b.plan.Add(n, in.node)
	return Stream[K, V]{&stream[K, V]{
		b: c.b, name: n.Name, node: n, keys: keys, values: values, sources: sources, rekeyed: in.rekeyed,
	}}
}

// rowJoiner joins records with the rows of a table, which key finds.
type rowJoiner[K, L any, RK comparable, R, V any] struct {
	join join[K, L, R, V]
	// key returns the key of the row and whether it is null; ok is false if the record is done with.
	key   func(record.Record[K, L]) (key RK, null, ok bool)
	noKey processor.DropReason
	rows  getter[RK, R]
	// history is rows if the table is versioned: records see it as it was at their time.
	history historyGetter[RK, R]
	out     *processor.Outlet[K, V]
	left    bool
}

func ownKey[K, V any](r record.Record[K, V]) (K, bool, bool) { return r.Key, r.Null.Key(), true }

func (j *rowJoiner[K, L, RK, R, V]) row(key RK, at int64) (row R, found bool) {
	if j.history != nil {
		row, _, found = j.history.getAsOf(key, at)
	} else {
		row, _, found = j.rows.get(key)
	}
	return row, found
}

// Process implements processor.Receiver.
func (j *rowJoiner[K, L, RK, R, V]) Process(r record.Record[K, L]) {
	if r.Null.Value() {
		j.join.task.Drop(j.join.name, processor.DropNullValue)
		return
	}
	key, null, ok := j.key(r)
	if !ok {
		return
	}
	if null && !j.left {
		j.join.task.Drop(j.join.name, j.noKey)
		return
	}
	pair := both[L, R]{left: r.Value, noRight: true}
	if !null {
		if row, found := j.row(key, r.Timestamp); found {
			pair.right, pair.noRight = row, false
		}
	}
	if pair.noRight && !j.left {
		return
	}
	if v, isNull, ok := j.join.of(r.Key, pair); ok {
		j.out.Forward(joined(r, v, isNull, r.Timestamp))
	}
}
