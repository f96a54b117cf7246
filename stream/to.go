package stream

import (
	"reflect"
	"runtime"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// To writes a stream to a topic. Options: [Named], [PartitionBy].
func To[K, V any](s Stream[K, V], topic Topic[K, V], opts ...Option) {
	c := s.b.begin("To", opts, optName, optPartition)
	name := c.name("KSTREAM-SINK-")
	checkTopic(c, name, topic)
	sink(c, s, topology.Node{Name: name, Topics: []topology.Topic{{Name: topic.name}}}, topology.SinkConfig[K, V]{
		Key:   topic.keys,
		Value: topic.values,
	})
}

// ToDynamic writes each record to the topic that the function names; the topic must exist. src says where the
// record in process was read. Options: [Named], [Keys], [Values], [PartitionBy].
func ToDynamic[K, V any](s Stream[K, V], topic func(r record.Record[K, V], src processor.Source) string, opts ...Option) {
	c := s.b.begin("ToDynamic", opts, optName, optKeys, optValues, optPartition)
	name := c.name("KSTREAM-SINK-")
	c.needFunc(name, "function that chooses the topic", topic == nil)
	keys, values := serdesOf(c, name, s.keys, s.values)
	if keys == nil || values == nil {
		c.fail("node %q has no serde for %s; give it the option Keys or Values", name, missing(keys == nil, values == nil, typeOf[K](), typeOf[V]()))
	}
	n := topology.Node{Name: name}
	if topic != nil {
		n.Extractor = runtime.FuncForPC(reflect.ValueOf(topic).Pointer()).Name()
	}
	sink(c, s, n, topology.SinkConfig[K, V]{Key: keys, Value: values, Topic: topic})
}

func sink[K, V any](c *call, s Stream[K, V], n topology.Node, config topology.SinkConfig[K, V]) {
	config.Partition = typed[func(K, V, int32) int32](c, n.Name, optPartition, c.options.partition)
	config.PartitionKey = innerKey(n.Topics, config.Key)
	n.New = topology.NewSink(config)
	n.Caller = c.at
	c.b.plan.Add(&plan.Node{Name: n.Name, Write: func(w *plan.Writer, parents []string) {
		w.AddSink(n, parents...)
	}}, s.node)
}

// innerKey returns what serializes the key inside a windowed one, whose records go to its partition; nil for
// other keys.
func innerKey[K any](topics []topology.Topic, keys serde.Serde[K]) func([]byte, K) ([]byte, error) {
	if keys != nil && len(topics) == 1 {
		keys = serde.For(keys, topics[0].Name, true)
	}
	if w, ok := keys.(interface {
		AppendInner(dst []byte, key K) ([]byte, error)
	}); ok {
		return w.AppendInner
	}
	return nil
}
