package stream

import (
	"context"

	"github.com/leatstream/leat/record"
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
