package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
)

// Filter keeps the records that keep holds for. It is called with the zero value for a null that its types
// cannot hold.
func Filter[K, V any](s Stream[K, V], keep func(key K, value V) bool, opts ...Option) Stream[K, V] {
	return filterStream(s.b.begin("Filter", opts, optName), s, plain(keep), true)
}

// FilterNot drops the records that drop holds for.
func FilterNot[K, V any](s Stream[K, V], drop func(key K, value V) bool, opts ...Option) Stream[K, V] {
	return filterStream(s.b.begin("FilterNot", opts, optName), s, plain(drop), false)
}

// TryFilter is [Filter] with a function that can fail. A record whose try is given up is dropped.
func TryFilter[K, V any](s Stream[K, V], keep func(ctx context.Context, key K, value V) (bool, error), opts ...Option) Stream[K, V] {
	return filterStream(s.b.begin("TryFilter", opts, optName), s, keep, true)
}

func filterStream[K, V any](c *call, s Stream[K, V], f func(context.Context, K, V) (bool, error), keep bool) Stream[K, V] {
	name := c.name("KSTREAM-FILTER-")
	c.needFunc(name, "predicate", f == nil)
	return chain(c, s, name, &plan.Node{}, func(n node, out *processor.Outlet[K, V]) (processor.Receiver[K, V], error) {
		return &filter[K, V]{function[K, V, bool]{n, f}, out, keep}, nil
	})
}

type filter[K, V any] struct {
	holds function[K, V, bool]
	out   *processor.Outlet[K, V]
	keep  bool
}

// Process implements processor.Receiver.
func (f *filter[K, V]) Process(r record.Record[K, V]) {
	if holds, ok := f.holds.call(r.Key, r.Value); ok && holds == f.keep {
		f.out.Forward(r)
	}
}
