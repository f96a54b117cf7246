package topology

import (
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// SourceConfig says how a source reads its topics.
type SourceConfig[K, V any] struct {
	// Key and Value read the records' bytes. Both are needed.
	Key   serde.Serde[K]
	Value serde.Serde[V]
	// Timestamp returns a record's timestamp in milliseconds since the Unix epoch; nil takes the one that
	// Kafka stored with it. r carries that one, src is the record as it was read (neither it nor its
	// bytes may be changed or kept) and partitionTime is the highest timestamp so far on the partition, -1 before the
	// first. A panic in it is a [TimestampError].
	Timestamp func(r record.Record[K, V], src *record.Raw, partitionTime int64) int64
	// InvalidTimestamp says what to do about a negative timestamp, whether Kafka's or one from Timestamp.
	InvalidTimestamp TimestampPolicy
}

// TimestampPolicy says what to do about a record with a negative timestamp.
//
// Kafka Streams has three extractors in their place, which look only at the timestamp that Kafka stored; a
// negative one from an extractor of the user's own drops the record there, here it follows the policy too.
type TimestampPolicy uint8

const (
	// FailOnInvalidTimestamp ends the application with a [TimestampError].
	FailOnInvalidTimestamp TimestampPolicy = iota
	// SkipInvalidTimestamp drops the record, counted as processor.DropInvalidTimestamp.
	SkipInvalidTimestamp
	// UsePartitionTime takes the highest timestamp so far on the partition; if there is none, it is a
	// [TimestampError].
	UsePartitionTime
)

// Skipped is what [Head.Decode] returns for a record that is to be dropped by [SkipInvalidTimestamp]: the
// task counts it, passes over it and commits its offset.
const Skipped int64 = -1

// NewSource returns the factory (see [Node.New]) of a source node.
func NewSource[K, V any](c SourceConfig[K, V]) func(*Scope) (any, error) {
	return func(s *Scope) (any, error) {
		if c.Key == nil || c.Value == nil {
			return nil, fmt.Errorf("source %q has no serde for its keys or values; set SourceConfig.Key and Value", s.Node.Name)
		}
		out, err := Outlet[K, V](s)
		if err != nil {
			return nil, err
		}
		n := &sourceNode[K, V]{out: out, config: c}
		for _, t := range s.Node.Topics {
			n.bind(t.For(s.Task.Application()))
		}
		return n, nil
	}
}

type sourceNode[K, V any] struct {
	out    *processor.Outlet[K, V]
	config SourceConfig[K, V]
	topics []*sourceTopic[K, V]
}

// sourceTopic is a topic with the serdes bound to it.
type sourceTopic[K, V any] struct {
	name  string
	key   serde.Serde[K]
	value serde.Serde[V]
}

func (n *sourceNode[K, V]) bind(topic string) *sourceTopic[K, V] {
	t := &sourceTopic[K, V]{
		name:  topic,
		key:   serde.For(n.config.Key, topic, true),
		value: serde.For(n.config.Value, topic, false),
	}
	n.topics = append(n.topics, t)
	return t
}

func (n *sourceNode[K, V]) topic(name string) *sourceTopic[K, V] {
	for _, t := range n.topics {
		if t.name == name {
			return t
		}
	}
	return n.bind(name)
}

// NewHead implements [SourceNode].
func (n *sourceNode[K, V]) NewHead() Head { return &sourceHead[K, V]{node: n} }

type sourceHead[K, V any] struct {
	node *sourceNode[K, V]
	// topic is that of the last record: a head stays with one partition, so it changes once.
	topic *sourceTopic[K, V]
	rec   record.Record[K, V]
}

// Decode implements [Head].
func (h *sourceHead[K, V]) Decode(r *record.Raw, partitionTime int64) (int64, error) {
	if h.topic == nil || h.topic.name != r.Topic {
		h.topic = h.node.topic(r.Topic)
	}
	h.rec = record.Record[K, V]{Timestamp: r.Timestamp, Headers: r.Headers}
	if err := h.decodeKey(r); err != nil {
		return 0, &DecodeError{Part: "key", Err: err}
	}
	if err := h.decodeValue(r); err != nil {
		return 0, &DecodeError{Part: "value", Err: err}
	}
	if h.node.config.Timestamp != nil {
		ts, err := h.extract(r, partitionTime)
		if err != nil {
			return 0, &TimestampError{Timestamp: r.Timestamp, Err: err}
		}
		h.rec.Timestamp = ts
	}
	if h.rec.Timestamp < 0 {
		return h.invalid(partitionTime)
	}
	return h.rec.Timestamp, nil
}

func (h *sourceHead[K, V]) decodeKey(r *record.Raw) (err error) {
	if r.Key == nil {
		h.rec.Null |= record.NullKey
		return nil
	}
	defer Recover(&err)
	h.rec.Key, err = h.topic.key.Decode(r.Key)
	return err
}

func (h *sourceHead[K, V]) decodeValue(r *record.Raw) (err error) {
	if r.Value == nil {
		h.rec.Null |= record.NullValue
		return nil
	}
	defer Recover(&err)
	h.rec.Value, err = h.topic.value.Decode(r.Value)
	return err
}

func (h *sourceHead[K, V]) extract(r *record.Raw, partitionTime int64) (ts int64, err error) {
	defer Recover(&err)
	return h.node.config.Timestamp(h.rec, r, partitionTime), nil
}

func (h *sourceHead[K, V]) invalid(partitionTime int64) (int64, error) {
	switch h.node.config.InvalidTimestamp {
	case SkipInvalidTimestamp:
		return Skipped, nil
	case UsePartitionTime:
		if partitionTime >= 0 {
			h.rec.Timestamp = partitionTime
			return partitionTime, nil
		}
		return 0, &TimestampError{Timestamp: h.rec.Timestamp, Err: errNoPartitionTime}
	default:
		return 0, &TimestampError{Timestamp: h.rec.Timestamp, Err: errNegativeTimestamp}
	}
}

// Process implements [Head].
func (h *sourceHead[K, V]) Process() { h.node.out.Forward(h.rec) }
