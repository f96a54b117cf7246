package stream

import (
	"context"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
)

// Grouped is a stream grouped by its key, to be aggregated into a table. If the keys were changed, it goes
// through a repartition topic first, so that equal keys meet in one task.
type Grouped[K comparable, V any] struct{ *grouped[K, V] }

type grouped[K comparable, V any] struct {
	s Stream[K, V]
	// repartitionName is the user's name for the repartition topic, or empty. With one, all aggregations of
	// the grouping share the topic.
	repartitionName string
	repartition     *plan.Node
	keys            serde.Serde[K]
	values          serde.Serde[V]
}

// GroupByKey groups a stream by the key that it has. Options: [Named] for the repartition topic, and the
// serdes of that topic, [Keys] and [Values].
func GroupByKey[K comparable, V any](s Stream[K, V], opts ...Option) Grouped[K, V] {
	c := s.b.begin("GroupByKey", opts, optName, optKeys, optValues)
	return group(c, s)
}

// GroupBy groups a stream by a new key. It is [SelectKey], then [GroupByKey]. Options: [Named] for the node
// and the repartition topic, and the serdes of that topic, [Keys] and [Values].
func GroupBy[K, V any, K2 comparable](s Stream[K, V], key func(key K, value V) K2, opts ...Option) Grouped[K2, V] {
	c := s.b.begin("GroupBy", opts, optName, optKeys, optValues)
	return group(c, selectKeyStream(c, s, plain(key)))
}

// TryGroupBy is [GroupBy] with a function that can fail.
func TryGroupBy[K, V any, K2 comparable](s Stream[K, V], key func(ctx context.Context, key K, value V) (K2, error), opts ...Option) Grouped[K2, V] {
	c := s.b.begin("TryGroupBy", opts, optName, optKeys, optValues)
	return group(c, selectKeyStream(c, s, key))
}

func group[K comparable, V any](c *call, s Stream[K, V]) Grouped[K, V] {
	needKey[K](c, s.name)
	keys, values := serdesOf(c, s.name, s.keys, s.values)
	return Grouped[K, V]{&grouped[K, V]{s: s, repartitionName: c.options.name, keys: keys, values: values}}
}

// input returns the stream to aggregate, behind a repartition if the keys were changed.
func (g *grouped[K, V]) input(c *call, store string, storeKeys serde.Serde[K]) Stream[K, V] {
	if !g.s.rekeyed {
		return g.s
	}
	name := g.repartitionName
	if name == "" {
		name = store
	}
	// The names are used up each time, also where the node is not.
	keys := firstSerde(g.keys, storeKeys)
	r := repartition(c, name, keys, g.values, nil)
	if g.repartition == nil || g.repartitionName == "" {
		g.repartition = r
	}
	c.b.plan.Add(g.repartition, g.s.node)
	return through(c, g.repartition, keys, g.values)
}
