package streamtest

import (
	"errors"
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// OutputTopic reads what the topology has written to a topic, from the first record on. Two of the same topic
// read independently of each other.
type OutputTopic[K, V any] struct {
	d     *Driver
	name  string
	key   serde.Serde[K]
	value serde.Serde[V]
	next  int
}

// Output returns a reader of a topic. For an internal topic, make a handle of its full name, such as
// "app-counts-changelog".
func Output[K, V any](d *Driver, topic stream.Topic[K, V]) *OutputTopic[K, V] {
	return &OutputTopic[K, V]{
		d: d, name: topic.Name(),
		key: serde.For(topic.Keys(), topic.Name(), true), value: serde.For(topic.Values(), topic.Name(), false),
	}
}

// Len is the number of records that have not been read.
func (out *OutputTopic[K, V]) Len() int { return len(out.d.log[out.name]) - out.next }

// Read returns the next record. That there is none is an error.
func (out *OutputTopic[K, V]) Read() record.Record[K, V] {
	r, err := out.TryRead()
	if err != nil {
		out.d.helper()
		out.d.fatal(fmt.Errorf("read topic %q: %w", out.name, err))
	}
	return r
}

// ErrNoRecord is what TryRead returns when every record has been read.
var ErrNoRecord = errors.New("there is no further record")

// TryRead is Read that returns [ErrNoRecord], or what makes a record unreadable.
func (out *OutputTopic[K, V]) TryRead() (record.Record[K, V], error) {
	if out.Len() == 0 {
		return record.Record[K, V]{}, ErrNoRecord
	}
	raw := out.d.log[out.name][out.next]
	out.next++
	r := record.Record[K, V]{Timestamp: raw.Timestamp, Headers: raw.Headers}
	var err error
	if raw.Key == nil {
		r.Null |= record.NullKey
	} else if r.Key, err = out.key.Decode(raw.Key); err != nil {
		return r, fmt.Errorf("offset %d: deserialize the key: %w", raw.Offset, err)
	}
	if raw.Value == nil {
		r.Null |= record.NullValue
	} else if r.Value, err = out.value.Decode(raw.Value); err != nil {
		return r, fmt.Errorf("offset %d: deserialize the value: %w", raw.Offset, err)
	}
	return r, nil
}

// ReadAll returns every record that has not been read, nil if there is none.
func (out *OutputTopic[K, V]) ReadAll() []record.Record[K, V] {
	out.d.helper()
	var all []record.Record[K, V]
	for out.Len() > 0 {
		all = append(all, out.Read())
	}
	return all
}

// Map reads every record that has not been read as updates of a table: the last value of each key, without
// the keys whose last value is null.
func Map[K comparable, V any](out *OutputTopic[K, V]) map[K]V {
	out.d.helper()
	m := make(map[K]V)
	for out.Len() > 0 {
		if r := out.Read(); r.Null.Value() {
			delete(m, r.Key)
		} else {
			m[r.Key] = r.Value
		}
	}
	return m
}
