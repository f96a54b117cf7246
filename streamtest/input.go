package streamtest

import (
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// InputTopic writes records to a topic that the topology reads. Each record is processed, with all that
// follows from it, before the call returns.
type InputTopic[K, V any] struct {
	d         *Driver
	name      string
	key       serde.Serde[K]
	value     serde.Serde[V]
	keyNull   record.Nullness[K]
	valueNull record.Nullness[V]
}

// Input returns the way into a topic.
func Input[K, V any](d *Driver, topic stream.Topic[K, V]) *InputTopic[K, V] {
	d.helper()
	if _, ok := d.sources[topic.Name()]; !ok {
		d.fatal(fmt.Errorf("input topic %q: no source reads it; the topology reads %s", topic.Name(), d.reads()))
	}
	return &InputTopic[K, V]{
		d: d, name: topic.Name(),
		key: serde.For(topic.Keys(), topic.Name(), true), value: serde.For(topic.Values(), topic.Name(), false),
		keyNull: record.NullnessOf[K](), valueNull: record.NullnessOf[V](),
	}
}

// Pipe writes a record without headers. Its timestamp is at, in milliseconds since the Unix epoch, or the
// driver's wall clock. A key or value that is null by itself, such as a nil pointer, is Kafka's null.
func (in *InputTopic[K, V]) Pipe(key K, value V, at ...int64) {
	in.d.helper()
	in.PipeRecord(record.New(key, value, in.timestamp(at)))
}

// PipeNull writes a record whose value is null, which deletes the key from a table.
func (in *InputTopic[K, V]) PipeNull(key K, at ...int64) {
	in.d.helper()
	in.PipeRecord(record.Tombstone[K, V](key, in.timestamp(at)))
}

// PipeRecord writes a record with all that it has: timestamp, headers and null marks.
func (in *InputTopic[K, V]) PipeRecord(r record.Record[K, V]) {
	if err := in.TryPipe(r); err != nil {
		in.d.helper()
		in.d.fatal(fmt.Errorf("pipe into topic %q: %w", in.name, err))
	}
}

// TryPipe is PipeRecord that returns what makes the topology fail. From then on every call does.
func (in *InputTopic[K, V]) TryPipe(r record.Record[K, V]) error {
	raw := record.Raw{
		TopicPartition: record.TopicPartition{Topic: in.name}, Timestamp: r.Timestamp, Headers: r.Headers,
	}
	var err error
	if !r.Null.Key() && !in.keyNull.IsNull(&r.Key) {
		if raw.Key, err = in.key.Append([]byte{}, r.Key); err != nil {
			return fmt.Errorf("serialize the key: %w", err)
		}
	}
	if !r.Null.Value() && !in.valueNull.IsNull(&r.Value) {
		if raw.Value, err = in.value.Append([]byte{}, r.Value); err != nil {
			return fmt.Errorf("serialize the value: %w", err)
		}
	}
	return in.d.PipeRaw(raw)
}

func (in *InputTopic[K, V]) timestamp(at []int64) int64 {
	if len(at) == 0 {
		return in.d.clock
	}
	return at[0]
}
