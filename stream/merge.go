package stream

import (
	"slices"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Merge is the records of both streams. Those of each stay in order; between the two there is none.
func Merge[K, V any](s, other Stream[K, V], opts ...Option) Stream[K, V] {
	c := s.b.begin("Merge", opts, optName)
	name := c.name("KSTREAM-MERGE-")
	c.sameBuilder(name, other.b)
	n := &plan.Node{Name: name, Merge: true, Output: recordsOf[K, V](), Write: passThrough[K, V](c, name)}
	c.b.plan.Add(n, s.node, other.node)
	return Stream[K, V]{&stream[K, V]{
		b:       c.b,
		name:    name,
		node:    n,
		keys:    firstSerde(s.keys, other.keys),
		values:  firstSerde(s.values, other.values),
		sources: slices.Concat(s.sources, other.sources),
		rekeyed: s.rekeyed || other.rekeyed,
	}}
}

func passThrough[K, V any](c *call, name string) func(*plan.Writer, []string) {
	return processorNode(c, name, func(_ *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		return pass[K, V]{out}, nil
	})
}

type pass[K, V any] struct{ out *processor.Outlet[K, V] }

// Process implements processor.Receiver.
func (p pass[K, V]) Process(r record.Record[K, V]) { p.out.Forward(r) }
