package stream

import (
	"context"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
)

// Join joins each record of the left stream with each record of the right one that has the same key and whose
// timestamp is within the window; it does not matter which comes first. The result has the later of the two
// timestamps and the headers of the record that came last. Records with a null key or value are dropped, and
// counted.
//
// Records wait in a store a side ([KeptIn]). The streams' topics must have equal numbers of partitions; a stream
// whose keys were changed goes through a repartition topic first. Options: [Named], [KeptIn], and the serdes of
// stores and repartition topics, [Keys], [Values] for the left stream's and [OtherValues] for the right one's.
func Join[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(left L, right R) V, opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("Join", opts, joinOptions...), l, r, w, inner[K](join), tablesInner)
}

// LeftJoin is [Join] that keeps the left records without a partner, for which right is nil. They appear when
// their window and its grace are over, which a record of either stream shows; those with a null key at once.
//
// What is over is looked for at most once a second, as in Kafka Streams.
//
// Source: KAFKA-10847, KIP-962.
func LeftJoin[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(left L, right *R) V, opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("LeftJoin", opts, joinOptions...), l, r, w, left[K](join), tablesLeft)
}

// OuterJoin is [LeftJoin] that also keeps the right records without a partner, for which left is nil.
func OuterJoin[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(left *L, right *R) V, opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("OuterJoin", opts, joinOptions...), l, r, w, outer[K](join), tablesOuter)
}

// TryJoin is [Join] with a function that sees the key and can fail.
func TryJoin[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(ctx context.Context, key K, left L, right R) (V, error), opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("TryJoin", opts, joinOptions...), l, r, w, tryInner(join), tablesInner)
}

// TryLeftJoin is [LeftJoin] with a function that sees the key and can fail.
func TryLeftJoin[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(ctx context.Context, key K, left L, right *R) (V, error), opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("TryLeftJoin", opts, joinOptions...), l, r, w, tryLeft(join), tablesLeft)
}

// TryOuterJoin is [OuterJoin] with a function that sees the key and can fail.
func TryOuterJoin[K comparable, L, R, V any](l Stream[K, L], r Stream[K, R], w JoinWindow, join func(ctx context.Context, key K, left *L, right *R) (V, error), opts ...Option) Stream[K, V] {
	return joinStreams(l.b.begin("TryOuterJoin", opts, joinOptions...), l, r, w, tryOuter(join), tablesOuter)
}

var joinOptions = []optionKind{optName, optStores, optKeys, optValues, optOther}

// joinNames are the names of a join's nodes and stores.
type joinNames struct {
	leftWindow, rightWindow, left, right, merge string
	leftStore, rightStore, unmatched            string
}

func (c *call) joinNames(s sides) joinNames {
	leftSuffix, leftPrefix := "-this-join", "KSTREAM-JOINTHIS-"
	if !s.needLeft {
		leftSuffix, leftPrefix = "-outer-this-join", "KSTREAM-OUTERTHIS-"
	}
	rightSuffix, rightPrefix, shared := "-other-join", "KSTREAM-JOINOTHER-", ""
	if !s.needRight {
		rightSuffix, rightPrefix, shared = "-outer-other-join", "KSTREAM-OUTEROTHER-", "-left-shared-join"
		if !s.needLeft {
			shared = "-outer-shared-join"
		}
	}
	n := joinNames{leftWindow: c.suffixed("-this-windowed", "KSTREAM-WINDOWED-")}
	n.rightWindow = c.suffixed("-other-windowed", "KSTREAM-WINDOWED-")
	// Stores without a name have one of the generated names, even if the nodes have others.
	n.leftStore = c.b.plan.NewName(leftPrefix)
	n.rightStore = c.b.plan.NewName(rightPrefix)
	n.left, n.right = n.leftStore, n.rightStore
	if name := c.options.name; name != "" {
		n.left, n.right = name+leftSuffix, name+rightSuffix
	}
	n.merge = c.suffixed("-merge", "KSTREAM-MERGE-")
	n.unmatched = c.b.plan.Generated("KSTREAM-OUTERSHARED-" + n.leftStore[len(leftPrefix):])
	if base := c.options.stores.Name; base != "" {
		n.leftStore, n.rightStore, n.unmatched = base+leftSuffix, base+rightSuffix, base+shared
	}
	n.leftStore += "-store"
	n.rightStore += "-store"
	n.unmatched += "-store"
	return n
}

func joinStreams[K comparable, L, R, V any](c *call, l Stream[K, L], r Stream[K, R], w JoinWindow, f joiner[K, L, R, V], s sides) Stream[K, V] {
	c.failEach("join window", w.Validate())
	keys, leftValues := serdesOf(c, l.name, l.keys, l.values)
	keys = firstSerde(keys, r.keys)
	rightValues := firstSerde(typed[serde.Serde[R]](c, r.name, optOther, c.options.otherValues), r.values, native[R]())
	leftName, rightName := "", ""
	if name := c.options.name; name != "" {
		leftName, rightName = name+"-left", name+"-right"
	}
	left := forJoin(c, l, leftName, keys, leftValues)
	right := forJoin(c, r, rightName, keys, rightValues)
	sources := c.copartition(left.sources, right.sources)
	names := c.joinNames(s)
	c.sameBuilder(names.merge, r.b)
	c.needFunc(names.merge, "function", f == nil)
	needKey[K](c, names.merge)
	if keys == nil || leftValues == nil || rightValues == nil {
		c.fail("node %q keeps records and has no serde for %s; pass the options Keys, Values and OtherValues", names.merge, missingJoin(keys, leftValues, rightValues))
	}

	span := w.span()
	leftStore := planSide(c, names.leftStore, span, keys, leftValues)
	rightStore := planSide(c, names.rightStore, span, keys, rightValues)
	var shared *plan.Store
	if !s.needRight {
		shared = planUnmatched(c, names.unmatched, keys, leftValues, rightValues)
	}
	leftWindow := windowNode[K, L](c, left, names.leftWindow, leftStore)
	rightWindow := windowNode[K, R](c, right, names.rightWindow, rightStore)
	n := &plan.Node{Name: names.merge, Output: recordsOf[K, V](), RelaxedNullKeyJoin: !s.needRight, Write: func(w *plan.Writer, _ []string) {
		writeSide(c, names.left, span, f, !s.needRight, true, rightStore, shared)(w, []string{names.leftWindow})
		writeSide(c, names.right, span.reversed(), f.reversed(), !s.needLeft, false, leftStore, shared)(w, []string{names.rightWindow})
		passThrough[K, V](c, names.merge)(w, []string{names.left, names.right})
	}}
	if self, ok := any(f).(joiner[K, L, L, V]); ok {
		n.SelfJoin = &plan.SelfJoin{Left: leftWindow, Right: rightWindow, Write: func(w *plan.Writer, _ []string) {
			selfJoin(c, names.merge, span, self, leftStore)(w, []string{names.leftWindow})
		}}
	}
	c.b.plan.Add(n, left.node, right.node)
	return Stream[K, V]{&stream[K, V]{b: c.b, name: names.merge, node: n, keys: keys, values: ofSides[V](leftValues, rightValues), sources: sources}}
}

func missingJoin[K, L, R any](keys serde.Serde[K], left serde.Serde[L], right serde.Serde[R]) string {
	switch {
	case keys == nil:
		return missing(true, false, typeOf[K](), nil)
	case left == nil:
		return missing(false, true, nil, typeOf[L]())
	default:
		return missing(false, right == nil, nil, typeOf[R]())
	}
}
