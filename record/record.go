// Package record holds the values that flow through leat: a typed [Record] inside a task, a [Raw] one at
// its edges, and what both share (headers, null marks, partition names).
//
// It owns no behaviour beyond these values, does no IO and knows no other package of leat.
//
// # Null
//
// Kafka tells a null key or value from an empty one. A [Record] carries that distinction in [Record.Null],
// so that a tombstone survives operators whose types cannot express it. Types that can hold null by
// themselves (pointers, slices, maps, interfaces, [Optional]) are null when they hold it; [Nullness] asks a
// value, whatever its type, without boxing it.
package record

// Record is one event inside a task: what operators receive and forward. It is passed by value, and an
// operator that forwards a changed copy leaves the record that its siblings see untouched. Headers are
// shared between copies: use [Headers.With] and [Headers.Without], which copy.
type Record[K, V any] struct {
	Key   K
	Value V
	// Timestamp is in milliseconds since the Unix epoch and never negative.
	Timestamp int64
	Headers   Headers
	// Null tells which of Key and Value are null in Kafka's sense. A null one holds its type's zero value.
	Null Null
}

// Null is the set of a record's parts that are null in Kafka's sense. Its zero value says that neither is.
type Null uint8

const (
	// NullKey marks a record without a key.
	NullKey Null = 1 << iota
	// NullValue marks a record without a value: a tombstone in a table or a compacted topic.
	NullValue
)

// Key reports whether the key is null.
func (n Null) Key() bool { return n&NullKey != 0 }

// Value reports whether the value is null.
func (n Null) Value() bool { return n&NullValue != 0 }

// New returns a record without headers.
func New[K, V any](key K, value V, timestamp int64) Record[K, V] {
	return Record[K, V]{Key: key, Value: value, Timestamp: timestamp}
}

// Tombstone returns a record that deletes key: its value is null.
func Tombstone[K, V any](key K, timestamp int64) Record[K, V] {
	return Record[K, V]{Key: key, Timestamp: timestamp, Null: NullValue}
}

// WithKey returns a copy of r with another key, which is not null.
func WithKey[K2, K, V any](r Record[K, V], key K2) Record[K2, V] {
	return Record[K2, V]{Key: key, Value: r.Value, Timestamp: r.Timestamp, Headers: r.Headers, Null: r.Null &^ NullKey}
}

// WithValue returns a copy of r with another value, which is not null.
func WithValue[V2, K, V any](r Record[K, V], value V2) Record[K, V2] {
	return Record[K, V2]{Key: r.Key, Value: value, Timestamp: r.Timestamp, Headers: r.Headers, Null: r.Null &^ NullValue}
}

// TopicPartition names one partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Raw is a record as it stands in Kafka: bytes in place of types. A nil Key or Value is null; an empty one
// is not. The bytes belong to whoever made the record and are only read by leat.
type Raw struct {
	TopicPartition
	Offset    int64
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   Headers
}
