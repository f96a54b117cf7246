package stream

import (
	"reflect"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Stream is a stream of records in a program: each is an event of its own. It is a handle that describes
// where records come from, not a queue of them, and may be the input of any number of operators.
type Stream[K, V any] struct{ *stream[K, V] }

type stream[K, V any] struct {
	b *Builder
	// name is that of the node the records come from.
	name string
	node *plan.Node
	// keys and values are the serdes that are known, or nil.
	keys   serde.Serde[K]
	values serde.Serde[V]
	// sources are the source nodes that the records can have come in by, for co-partitioning.
	sources []string
	// rekeyed tells that keys were changed since the records were last written to Kafka, so that equal keys
	// may be in different tasks.
	rekeyed bool
	// joined is the repartition that joins of the stream share, nil if there is none.
	joined *plan.Node
}

// types of what a node hands to its children.
func recordsOf[K, V any]() reflect.Type { return reflect.TypeFor[record.Record[K, V]]() }

// chain adds a node below s that makes records of K2 and V2 by means of what makeNode returns.
func chain[K, V, K2, V2 any](c *call, s Stream[K, V], name string, n *plan.Node, makeNode func(node, *processor.Outlet[K2, V2]) (processor.Receiver[K, V], error)) Stream[K2, V2] {
	n.Name = name
	n.Output = recordsOf[K2, V2]()
	n.Write = processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K2, V2]) (any, error) {
		return makeNode(newNode(sc), out)
	})
	c.b.plan.Add(n, s.node)
	return Stream[K2, V2]{&stream[K2, V2]{
		b:       c.b,
		name:    name,
		node:    n,
		keys:    inherit[K2](s.keys),
		values:  inherit[V2](s.values),
		sources: s.sources,
		rekeyed: s.rekeyed || n.KeyChanging,
	}}
}

// processorNode returns what writes a processor node with children of type K, V.
func processorNode[K, V any](c *call, name string, makeNode func(*topology.Scope, *processor.Outlet[K, V]) (any, error), stores ...*plan.Store) func(*plan.Writer, []string) {
	return func(w *plan.Writer, parents []string) {
		w.AddProcessor(topology.Node{Name: name, Caller: c.at, New: factory(makeNode)}, parents...)
		for _, st := range stores {
			if st != nil {
				w.AddStore(st, name)
			}
		}
	}
}

func factory[K, V any](makeNode func(*topology.Scope, *processor.Outlet[K, V]) (any, error)) func(*topology.Scope) (any, error) {
	return func(sc *topology.Scope) (any, error) {
		out, err := topology.Outlet[K, V](sc)
		if err != nil {
			return nil, err
		}
		return makeNode(sc, out)
	}
}
