package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
)

// SelectKey replaces the key of each record; the value stays. Grouping or joining what it returns goes
// through a repartition topic.
func SelectKey[K, V, K2 any](s Stream[K, V], f func(key K, value V) K2, opts ...Option) Stream[K2, V] {
	return selectKeyStream(s.b.begin("SelectKey", opts, optName), s, plain(f))
}

// TrySelectKey is [SelectKey] with a function that can fail.
func TrySelectKey[K, V, K2 any](s Stream[K, V], f func(ctx context.Context, key K, value V) (K2, error), opts ...Option) Stream[K2, V] {
	return selectKeyStream(s.b.begin("TrySelectKey", opts, optName), s, f)
}

func selectKeyStream[K, V, K2 any](c *call, s Stream[K, V], f func(context.Context, K, V) (K2, error)) Stream[K2, V] {
	name := c.name("KSTREAM-KEY-SELECT-")
	c.needFunc(name, "key selector", f == nil)
	return chain(c, s, name, &plan.Node{KeyChanging: true}, func(n node, out *processor.Outlet[K2, V]) (processor.Receiver[K, V], error) {
		return &selectKey[K, V, K2]{function[K, V, K2]{n, f}, out, record.NullnessOf[K2]()}, nil
	})
}

type selectKey[K, V, K2 any] struct {
	selector function[K, V, K2]
	out      *processor.Outlet[K2, V]
	null     record.Nullness[K2]
}

// Process implements processor.Receiver.
func (s *selectKey[K, V, K2]) Process(r record.Record[K, V]) {
	k, ok := s.selector.call(r.Key, r.Value)
	if !ok {
		return
	}
	out := record.WithKey(r, k)
	if s.null.IsNull(&k) {
		out.Null |= record.NullKey
	}
	s.out.Forward(out)
}
