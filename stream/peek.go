package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
)

// Peek calls f for each record and passes the record on. f may be called again for a record that is processed
// again after a failure.
func Peek[K, V any](s Stream[K, V], f func(key K, value V), opts ...Option) Stream[K, V] {
	return peekStream(s.b.begin("Peek", opts, optName), s, action(f))
}

// TryPeek is [Peek] with a function that can fail. A record whose try is given up is dropped.
func TryPeek[K, V any](s Stream[K, V], f func(ctx context.Context, key K, value V) error, opts ...Option) Stream[K, V] {
	return peekStream(s.b.begin("TryPeek", opts, optName), s, tryAction(f))
}

func peekStream[K, V any](c *call, s Stream[K, V], f func(context.Context, K, V) (struct{}, error)) Stream[K, V] {
	name := c.name("KSTREAM-PEEK-")
	c.needFunc(name, "function", f == nil)
	return chain(c, s, name, &plan.Node{}, func(n node, out *processor.Outlet[K, V]) (processor.Receiver[K, V], error) {
		return &peek[K, V]{function[K, V, struct{}]{n, f}, out}, nil
	})
}

// ForEach calls f for each record; the stream ends there. f may be called again for a record that is
// processed again after a failure.
func ForEach[K, V any](s Stream[K, V], f func(key K, value V), opts ...Option) {
	forEachStream(s.b.begin("ForEach", opts, optName), s, action(f))
}

// TryForEach is [ForEach] with a function that can fail.
func TryForEach[K, V any](s Stream[K, V], f func(ctx context.Context, key K, value V) error, opts ...Option) {
	forEachStream(s.b.begin("TryForEach", opts, optName), s, tryAction(f))
}

func forEachStream[K, V any](c *call, s Stream[K, V], f func(context.Context, K, V) (struct{}, error)) {
	name := c.name("KSTREAM-FOREACH-")
	c.needFunc(name, "function", f == nil)
	chain(c, s, name, &plan.Node{}, func(n node, out *processor.Outlet[K, V]) (processor.Receiver[K, V], error) {
		return &peek[K, V]{function[K, V, struct{}]{n, f}, out}, nil // it has no children
	})
}

type peek[K, V any] struct {
	do  function[K, V, struct{}]
	out *processor.Outlet[K, V]
}

// Process implements processor.Receiver.
func (p *peek[K, V]) Process(r record.Record[K, V]) {
	if _, ok := p.do.call(r.Key, r.Value); ok {
		p.out.Forward(r)
	}
}

func action[K, V any](f func(K, V)) func(context.Context, K, V) (struct{}, error) {
	if f == nil {
		return nil
	}
	return func(_ context.Context, k K, v V) (struct{}, error) {
		f(k, v)
		return struct{}{}, nil
	}
}

func tryAction[K, V any](f func(context.Context, K, V) error) func(context.Context, K, V) (struct{}, error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, k K, v V) (struct{}, error) { return struct{}{}, f(ctx, k, v) }
}
