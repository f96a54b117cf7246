package statestore

import "github.com/leatstream/leat/record"

// Buffer holds updates of a table back until it is time for them to go on, one a key, ordered by time: what
// suppression keeps.
//
// A later update of a key takes the place of the one before and keeps its time. Change records are made when the
// store is flushed, one for each key that was put or went since, and a tombstone
// before it if the key went and came again; their timestamps are the wall clock's.
//
// Source: KIP-328.
type Buffer[K comparable, V any] interface {
	Store
	// Put holds an update back until time, or takes the place of the one that is held of its key.
	Put(time int64, u Update[K, V])
	// Prior returns the value that a key had before the first of the updates that are held of it; held is false
	// if there is none.
	Prior(key K) (value V, null, held bool)
	// EvictWhile takes updates out as long as the condition holds and there is one, those with the lowest times
	// first, in the order of their serialized keys where those are equal. f is called while the update is still
	// held. It must not put.
	EvictWhile(condition func() bool, f func(Update[K, V]))
	// Records is the number of updates that are held.
	Records() int64
	// Bytes is what they take, as Kafka Streams counts it: keys, values and where they came from.
	Bytes() int64
	// MinTime is the lowest time of those held, [Forever] if there is none.
	MinTime() int64
	// Clock tells the buffer the time of the wall clock, in milliseconds, for change records.
	Clock(now int64)
}

// Update is an update of a table and the record that it came of.
type Update[K, V any] struct {
	Key              K
	New, Old         V
	NewNull, OldNull bool
	Origin           Origin
}

// Origin is where and when an update came from. Topic is empty if it came from a punctuator.
type Origin struct {
	record.TopicPartition
	Offset    int64
	Timestamp int64
	Headers   record.Headers
}
