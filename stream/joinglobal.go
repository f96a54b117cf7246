package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// JoinGlobal joins each record of a stream with the row that a global table has now under the key that key
// makes of the record. Records without a row are left out, as are, counted, those with a null value and those
// that key makes a null of. The result has the record's key, timestamp and headers. Options: [Named].
func JoinGlobal[K, L any, RK comparable, R, V any](s Stream[K, L], t GlobalTable[RK, R], key func(key K, value L) RK, join func(value L, row R) V, opts ...Option) Stream[K, V] {
	return joinGlobal(s.b.begin("JoinGlobal", opts, optName), s, t, plain(key), inner[K](join), false)
}

// LeftJoinGlobal is [JoinGlobal] that keeps records without a row, for which row is nil.
func LeftJoinGlobal[K, L any, RK comparable, R, V any](s Stream[K, L], t GlobalTable[RK, R], key func(key K, value L) RK, join func(value L, row *R) V, opts ...Option) Stream[K, V] {
	return joinGlobal(s.b.begin("LeftJoinGlobal", opts, optName), s, t, plain(key), left[K](join), true)
}

// TryJoinGlobal is [JoinGlobal] with functions that can fail; join also sees the record's key.
func TryJoinGlobal[K, L any, RK comparable, R, V any](s Stream[K, L], t GlobalTable[RK, R], key func(ctx context.Context, key K, value L) (RK, error), join func(ctx context.Context, key K, value L, row R) (V, error), opts ...Option) Stream[K, V] {
	return joinGlobal(s.b.begin("TryJoinGlobal", opts, optName), s, t, key, tryInner(join), false)
}

// TryLeftJoinGlobal is [LeftJoinGlobal] with functions that can fail; join also sees the record's key.
func TryLeftJoinGlobal[K, L any, RK comparable, R, V any](s Stream[K, L], t GlobalTable[RK, R], key func(ctx context.Context, key K, value L) (RK, error), join func(ctx context.Context, key K, value L, row *R) (V, error), opts ...Option) Stream[K, V] {
	return joinGlobal(s.b.begin("TryLeftJoinGlobal", opts, optName), s, t, key, tryLeft(join), true)
}

func joinGlobal[K, L any, RK comparable, R, V any](c *call, s Stream[K, L], t GlobalTable[RK, R], key func(context.Context, K, L) (RK, error), f joiner[K, L, R, V], isLeft bool) Stream[K, V] {
	name := c.name("KSTREAM-LEFTJOIN-") // for an inner join as well
	c.sameBuilder(name, t.b)
	c.needFunc(name, "key selector", key == nil)
	c.needFunc(name, "function", f == nil)
	n := &plan.Node{Name: name, Output: recordsOf[K, V](), RelaxedNullKeyJoin: isLeft, Write: processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		rows, err := t.rows.open(sc)
		selector := &selectedKey[K, L, RK]{function[K, L, RK]{newNode(sc), key}, record.NullnessOf[RK]()}
		return &rowJoiner[K, L, RK, R, V]{
			join: newJoin(newNode(sc), f), key: selector.of, noKey: processor.DropNullJoinKey, rows: rows, out: out, left: isLeft,
		}, err
	})}
	return joinedStream(c, s, n, s.keys, ofSides[V](s.values, t.values), s.sources)
}
