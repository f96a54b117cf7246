package topology

import (
	"errors"
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// SinkConfig says how a sink writes its records. The topic is that of the node ([Node.Topics]), unless
// Topic chooses it.
type SinkConfig[K, V any] struct {
	// Key and Value write the records' bytes; they never see null. Both are needed.
	Key   serde.Serde[K]
	Value serde.Serde[V]
	// Topic returns the full name of the topic for one record, for a node that has none. src is where the
	// record in process was read; it is zero in punctuators.
	Topic func(r record.Record[K, V], src processor.Source) string
	// Partition returns the partition to write to, of partitions in all, or a negative number for the one
	// that the key's hash names, which is also where records go if it is nil.
	Partition func(key K, value V, partitions int32) int32
	// PartitionKey appends the bytes to be hashed in place of the key's, for keys whose records go where
	// another key's go (a windowed key follows its inner key). It is not called for null keys.
	PartitionKey func(dst []byte, key K) ([]byte, error)
}

// NewSink returns the factory (see [Node.New]) of a sink node.
//
// A serde that refuses a key or value (an [EncodeError]), an error in a function of the config and a panic in
// any of them go to the processing error policy.
func NewSink[K, V any](c SinkConfig[K, V]) func(*Scope) (any, error) {
	return func(s *Scope) (any, error) {
		n := &sinkNode[K, V]{
			name:      s.Node.Name,
			task:      s.Task,
			config:    c,
			nullKey:   record.NullnessOf[K](),
			nullValue: record.NullnessOf[V](),
		}
		if c.Key == nil || c.Value == nil {
			return nil, fmt.Errorf("sink %q has no serde for its keys or values; set SinkConfig.Key and Value", n.name)
		}
		if (len(s.Node.Topics) == 1) == (c.Topic != nil) {
			return nil, fmt.Errorf("sink %q needs either one topic or a function that chooses it; it has %d topics", n.name, len(s.Node.Topics))
		}
		if c.Topic == nil {
			n.bind(s.Node.Topics[0].For(s.Task.Application()))
		}
		return n, nil
	}
}

type sinkNode[K, V any] struct {
	name      string
	task      processor.Task
	config    SinkConfig[K, V]
	nullKey   record.Nullness[K]
	nullValue record.Nullness[V]
	topics    map[string]*sinkTopic[K, V]
	current   *sinkTopic[K, V]
}

// sinkTopic is a topic with the serdes bound to it.
type sinkTopic[K, V any] struct {
	name  string
	key   serde.Serde[K]
	value serde.Serde[V]
}

func (n *sinkNode[K, V]) bind(topic string) {
	if n.current != nil && n.current.name == topic {
		return
	}
	t := n.topics[topic]
	if t == nil {
		t = &sinkTopic[K, V]{
			name:  topic,
			key:   serde.For(n.config.Key, topic, true),
			value: serde.For(n.config.Value, topic, false),
		}
		if n.topics == nil {
			n.topics = make(map[string]*sinkTopic[K, V])
		}
		n.topics[topic] = t
	}
	n.current = t
}

// Process implements processor.Receiver.
func (n *sinkNode[K, V]) Process(r record.Record[K, V]) {
	if n.nullKey.IsNull(&r.Key) {
		r.Null |= record.NullKey
	}
	if n.nullValue.IsNull(&r.Value) {
		r.Null |= record.NullValue
	}
	for tries := 1; !n.task.Failed(); tries++ {
		out, err := n.output(r)
		if err == nil {
			n.task.Send(out)
			return
		}
		if !n.task.Refuse(n.name, err, tries) {
			return
		}
	}
}

func (n *sinkNode[K, V]) output(r record.Record[K, V]) (out processor.Output, err error) {
	part := ""
	defer func() {
		if err != nil && part != "" {
			err = &EncodeError{Topic: n.current.name, Part: part, Err: err}
		}
	}()
	defer Recover(&err)
	if n.config.Topic != nil {
		src, _ := n.task.Source()
		topic := n.config.Topic(r, src)
		if topic == "" {
			return out, errors.New("choose topic: the function returned an empty name")
		}
		n.bind(topic)
	}
	out = processor.Output{Topic: n.current.name, Partition: -1, Timestamp: r.Timestamp, Headers: r.Headers}
	if n.config.Partition != nil {
		if out.Partition, err = n.partition(r); err != nil {
			return out, err
		}
	}
	arena := n.task.Arena()
	if !r.Null.Key() {
		part = "key"
		b, err := n.current.key.Append(arena.Free(), r.Key)
		if err != nil {
			return out, err
		}
		out.Key = arena.Keep(b)
		if n.config.PartitionKey != nil {
			if b, err = n.config.PartitionKey(arena.Free(), r.Key); err != nil {
				return out, err
			}
			out.PartitionKey = arena.Keep(b)
		}
	}
	if !r.Null.Value() {
		part = "value"
		b, err := n.current.value.Append(arena.Free(), r.Value)
		if err != nil {
			return out, err
		}
		out.Value = arena.Keep(b)
	}
	return out, nil
}

func (n *sinkNode[K, V]) partition(r record.Record[K, V]) (int32, error) {
	topic := n.current.name
	count, ok := n.task.Partitions(topic)
	if !ok {
		return 0, fmt.Errorf("choose partition of topic %q: its number of partitions is not known; create the topic before the application starts", topic)
	}
	p := n.config.Partition(r.Key, r.Value, count)
	if p >= count {
		return 0, fmt.Errorf("choose partition of topic %q: the function returned %d, the topic has %d partitions", topic, p, count)
	}
	return max(p, -1), nil
}
