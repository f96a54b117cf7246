package stream

import (
	"context"
	"slices"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
)

// both are the values that a join brings together. In left and outer joins a side can be absent.
type both[L, R any] struct {
	left            L
	right           R
	noLeft, noRight bool
}

// joiner makes the result of a join. The functions below give users' functions this shape.
type joiner[K, L, R, V any] func(context.Context, K, both[L, R]) (V, error)

func inner[K, L, R, V any](f func(L, R) V) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(_ context.Context, _ K, b both[L, R]) (V, error) { return f(b.left, b.right), nil }
}

func left[K, L, R, V any](f func(L, *R) V) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(_ context.Context, _ K, b both[L, R]) (V, error) {
		return f(b.left, present(b.right, b.noRight)), nil
	}
}

func outer[K, L, R, V any](f func(*L, *R) V) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(_ context.Context, _ K, b both[L, R]) (V, error) {
		return f(present(b.left, b.noLeft), present(b.right, b.noRight)), nil
	}
}

func tryInner[K, L, R, V any](f func(context.Context, K, L, R) (V, error)) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, k K, b both[L, R]) (V, error) { return f(ctx, k, b.left, b.right) }
}

func tryLeft[K, L, R, V any](f func(context.Context, K, L, *R) (V, error)) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, k K, b both[L, R]) (V, error) {
		return f(ctx, k, b.left, present(b.right, b.noRight))
	}
}

func tryOuter[K, L, R, V any](f func(context.Context, K, *L, *R) (V, error)) joiner[K, L, R, V] {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, k K, b both[L, R]) (V, error) {
		return f(ctx, k, present(b.left, b.noLeft), present(b.right, b.noRight))
	}
}

// present returns a pointer to a copy, which users may keep; nil if there is no value.
func present[V any](v V, absent bool) *V {
	if absent {
		return nil
	}
	p := v // so that an absent value is not moved to the heap
	return &p
}

// reversed is the joiner of the other side.
func (j joiner[K, L, R, V]) reversed() joiner[K, R, L, V] {
	return func(ctx context.Context, k K, b both[R, L]) (V, error) {
		return j(ctx, k, both[L, R]{b.right, b.left, b.noRight, b.noLeft})
	}
}

// join runs a joiner on behalf of a node.
type join[K, L, R, V any] struct {
	function[K, both[L, R], V]
	null record.Nullness[V]
}

func newJoin[K, L, R, V any](n node, j joiner[K, L, R, V]) join[K, L, R, V] {
	return join[K, L, R, V]{function[K, both[L, R], V]{n, j}, record.NullnessOf[V]()}
}

// of returns the result and whether it is null; ok is false if there is none to go on with.
func (j *join[K, L, R, V]) of(key K, b both[L, R]) (v V, null, ok bool) {
	if v, ok = j.call(key, b); !ok {
		return v, true, false
	}
	return v, j.null.IsNull(&v), true
}

// ofSides is the serde of the result of a join: that of the side which has its type, the left one first.
func ofSides[V, L, R any](l serde.Serde[L], r serde.Serde[R]) serde.Serde[V] {
	return firstSerde(inherit[V](l), inherit[V](r))
}

// copartition says that what comes in by these sources is joined, and returns them all.
func (c *call) copartition(a, b []string) []string {
	all := unite(a, b)
	c.b.plan.Copartition(c.at, all...)
	return all
}

func unite(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// connect lets a node use the stores of a table.
func connect(w *plan.Writer, node string, stores []string) {
	for _, s := range stores {
		w.Connect(s, node)
	}
}

// forJoin is the stream with equal keys in one task: behind a repartition if its keys were changed. An empty
// name lets all joins of the stream share one.
func forJoin[K, V any](c *call, s Stream[K, V], name string, keys serde.Serde[K], values serde.Serde[V]) Stream[K, V] {
	if !s.rekeyed {
		return s
	}
	if name == "" {
		name = s.name
	}
	// The numbers are used up each time, also where the node is not.
	r := repartition(c, name, keys, values, nil)
	if s.joined == nil || name != s.name {
		s.joined = r
		c.b.plan.Add(r, s.node)
	}
	return through(c, s.joined, keys, values)
}

// joined returns the record of a join's result: with the key and headers of the record in process.
func joined[K, L, V any](r record.Record[K, L], v V, null bool, timestamp int64) record.Record[K, V] {
	out := record.WithValue(r, v)
	out.Timestamp = timestamp
	if null {
		out.Null |= record.NullValue
	}
	return out
}
