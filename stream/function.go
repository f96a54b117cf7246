package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/topology"
)

// node is what the running parts of all operators have.
type node struct {
	task processor.Task
	name string
}

func newNode(s *topology.Scope) node { return node{s.Task, s.Node.Name} }

// function runs a user's function of two arguments on behalf of a node. Its errors and panics go to the
// processing error policy, which may ask for another try. Nothing is forwarded from inside.
type function[A, B, R any] struct {
	node
	f func(context.Context, A, B) (R, error)
}

// call returns ok false if the record is to be dropped or the task has failed.
func (f *function[A, B, R]) call(a A, b B) (r R, ok bool) {
	for tries := 1; ; tries++ {
		r, err := f.try(a, b)
		if err == nil {
			return r, true
		}
		if !f.task.Refuse(f.name, err, tries) {
			return r, false
		}
	}
}

func (f *function[A, B, R]) try(a A, b B) (r R, err error) {
	defer topology.Recover(&err)
	return f.f(f.task.Context(), a, b)
}

// plain, plain1 and so on give functions of the user's that cannot fail the shape of those that can.

func plain[A, B, R any](f func(A, B) R) func(context.Context, A, B) (R, error) {
	if f == nil {
		return nil
	}
	return func(_ context.Context, a A, b B) (R, error) { return f(a, b), nil }
}

func plainValue[K, V, R any](f func(V) R) func(context.Context, K, V) (R, error) {
	if f == nil {
		return nil
	}
	return func(_ context.Context, _ K, v V) (R, error) { return f(v), nil }
}

func tryValue[K, V, R any](f func(context.Context, V) (R, error)) func(context.Context, K, V) (R, error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, _ K, v V) (R, error) { return f(ctx, v) }
}

func plainPair[K, V, K2, V2 any](f func(K, V) (K2, V2)) func(context.Context, K, V) (pair[K2, V2], error) {
	if f == nil {
		return nil
	}
	return func(_ context.Context, k K, v V) (pair[K2, V2], error) {
		k2, v2 := f(k, v)
		return pair[K2, V2]{k2, v2}, nil
	}
}

func tryPair[K, V, K2, V2 any](f func(context.Context, K, V) (K2, V2, error)) func(context.Context, K, V) (pair[K2, V2], error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, k K, v V) (pair[K2, V2], error) {
		k2, v2, err := f(ctx, k, v)
		return pair[K2, V2]{k2, v2}, err
	}
}

// pair is a key and a value that a function made.
type pair[K, V any] struct {
	key   K
	value V
}
