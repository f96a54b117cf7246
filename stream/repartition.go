package stream

import (
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Repartition sends a stream through an internal topic, so that records of equal keys are in one task
// afterwards. Operators that need that do it by themselves; this is for processors that do, and for setting
// the topic's name ([Named]), number of partitions ([Partitions]) or partitioner ([PartitionBy]). It is never
// merged with others. Options for serdes: [Keys], [Values].
//
// Source: KIP-221.
func Repartition[K, V any](s Stream[K, V], opts ...Option) Stream[K, V] {
	c := s.b.begin("Repartition", opts, optName, optKeys, optValues, optParts, optPartition)
	name := c.options.name
	if name == "" { // a given name uses up no number here
		name = c.b.plan.NewName("KSTREAM-REPARTITION-")
	}
	keys, values := serdesOf(c, name, s.keys, s.values)
	r := repartition(c, name, keys, values, typed[func(K, V, int32) int32](c, name, optPartition, c.options.partition))
	r.Repartition.Optimizable = false
	r.Repartition.Partitions = c.options.partitions
	c.b.plan.Add(r, s.node)
	return through(c, r, keys, values)
}

// repartition returns a repartition node that may be merged with others. It is not in the graph yet.
func repartition[K, V any](c *call, name string, keys serde.Serde[K], values serde.Serde[V], partition func(K, V, int32) int32) *plan.Node {
	r := plan.Repartition{
		NewFilter: func(dropNullKeys bool) func(*topology.Scope) (any, error) {
			return factory(func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
				if !dropNullKeys {
					return pass[K, V]{out}, nil
				}
				return &nullKeys[K, V]{newNode(sc), out}, nil
			})
		},
		NewSink:     topology.NewSink(topology.SinkConfig[K, V]{Key: keys, Value: values, Partition: partition}),
		NewSource:   topology.NewSource(topology.SourceConfig[K, V]{Key: keys, Value: values}),
		Optimizable: true,
		Caller:      c.at,
	}
	n := c.b.plan.NewRepartition(name, r)
	n.Output = recordsOf[K, V]()
	n.Repartition.Missing = missingSerdes(n.Repartition.Topic, keys, values)
	return n
}

func missingSerdes[K, V any](topic string, keys serde.Serde[K], values serde.Serde[V]) error {
	if keys != nil && values != nil {
		return nil
	}
	return fmt.Errorf("repartition topic %q has no serde for %s; give the operator that joins or groups by the new key the option Keys or Values", topic, missing(keys == nil, values == nil, typeOf[K](), typeOf[V]()))
}

// through is the stream behind a repartition.
func through[K, V any](c *call, r *plan.Node, keys serde.Serde[K], values serde.Serde[V]) Stream[K, V] {
	return Stream[K, V]{&stream[K, V]{b: c.b, name: r.Name, node: r, keys: keys, values: values, sources: []string{r.Name}}}
}

// nullKeys drops records without a key, which have no place in a repartition topic.
type nullKeys[K, V any] struct {
	node
	out *processor.Outlet[K, V]
}

// Process implements processor.Receiver.
func (n *nullKeys[K, V]) Process(r record.Record[K, V]) {
	if r.Null.Key() {
		n.task.Drop(n.name, processor.DropNullKey)
		return
	}
	n.out.Forward(r)
}
