package stream

import "github.com/leatstream/leat/serde"

// Topic names a topic of Kafka's with the types of its keys and values. Sources, sinks and the test driver
// take it, so that types and serdes are written once. It is a value and safe to share.
type Topic[K, V any] struct {
	name   string
	keys   serde.Serde[K]
	values serde.Serde[V]
}

// NewTopic returns the handle of a topic.
func NewTopic[K, V any](name string, keys serde.Serde[K], values serde.Serde[V]) Topic[K, V] {
	return Topic[K, V]{name: name, keys: keys, values: values}
}

// Name is the topic's name in Kafka.
func (t Topic[K, V]) Name() string { return t.name }

// Keys is the serde of the topic's keys.
func (t Topic[K, V]) Keys() serde.Serde[K] { return t.keys }

// Values is the serde of the topic's values.
func (t Topic[K, V]) Values() serde.Serde[V] { return t.values }

// byTopic is the serde of a source of several topics: each topic's own.
type byTopic[T any] struct {
	serde.Serde[T]
	of map[string]serde.Serde[T]
}

// ForTopic implements serde.TopicBound.
func (b byTopic[T]) ForTopic(topic string, isKey bool) serde.Serde[T] {
	if s, ok := b.of[topic]; ok {
		return serde.For(s, topic, isKey)
	}
	return serde.For(b.Serde, topic, isKey)
}
