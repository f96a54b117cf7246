package stream

import (
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// From reads a topic as a stream. Options: [Named], [Reset], [Timestamp], [InvalidTimestamp].
//
// A topic that is read by several calls is read once; the options of the first call hold for all.
func From[K, V any](b *Builder, topic Topic[K, V], opts ...Option) Stream[K, V] {
	return from(b.begin("From", opts, sourceOptions...), []Topic[K, V]{topic})
}

// FromTopics reads several topics as one stream, each with its own serdes. See [From].
func FromTopics[K, V any](b *Builder, topics []Topic[K, V], opts ...Option) Stream[K, V] {
	return from(b.begin("FromTopics", opts, sourceOptions...), topics)
}

var sourceOptions = []optionKind{optName, optReset, optTime, optInvalid}

func from[K, V any](c *call, topics []Topic[K, V]) Stream[K, V] {
	name := c.name("KSTREAM-SOURCE-")
	keys, values := byTopic[K]{of: map[string]serde.Serde[K]{}}, byTopic[V]{of: map[string]serde.Serde[V]{}}
	src := &plan.Source{Reset: c.options.reset, Caller: c.at}
	for _, t := range topics {
		checkTopic(c, name, t)
		src.Topics = append(src.Topics, t.name)
		keys.of[t.name], values.of[t.name] = t.keys, t.values
	}
	if len(topics) == 0 {
		c.fail("source %q reads no topic; name at least one", name)
		topics = make([]Topic[K, V], 1)
	}
	first := topics[0]
	keys.Serde, values.Serde = first.keys, first.values
	src.New = sourceNode(c, name, topology.SourceConfig[K, V]{Key: keys, Value: values})
	n := &plan.Node{Name: name, Source: src, Output: recordsOf[K, V]()}
	c.b.plan.Add(n)
	return Stream[K, V]{&stream[K, V]{b: c.b, name: name, node: n, keys: first.keys, values: first.values, sources: []string{name}}}
}

func sourceNode[K, V any](c *call, name string, config topology.SourceConfig[K, V]) func(*topology.Scope) (any, error) {
	config.Timestamp = typed[func(record.Record[K, V], *record.Raw, int64) int64](c, name, optTime, c.options.timestamp)
	config.InvalidTimestamp = c.options.invalid
	return topology.NewSource(config)
}

func checkTopic[K, V any](c *call, node string, t Topic[K, V]) {
	if t.keys == nil || t.values == nil {
		c.fail("topic %q of node %q has no serde for %s; make it with NewTopic", t.name, node, missing(t.keys == nil, t.values == nil, typeOf[K](), typeOf[V]()))
	}
}
