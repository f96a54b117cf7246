package statestore

import (
	"iter"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/window"
)

// WindowSpec says how a window or session store keeps its entries. Times are in milliseconds.
type WindowSpec struct {
	// Size is the length of a window, from which keys get their end. Session stores have no use for it.
	Size int64
	// Retention is how long an entry is kept, counted from its time (a window's start, a session's end)
	// against the highest time that was put: one that is that much older, or more, is gone. 0 keeps nothing
	// and leaves it to the changelog. It must not be negative.
	Retention int64
	// Segment is the length of the stretches of time that entries lie in together, and are removed by: for
	// windows on a grid their advance, so that each window is a segment of its own. 0 means a third of the
	// retention. State that is there already keeps the length that it was made with.
	Segment int64
	// NullsCount lets a null that is put into a [JoinWindow] move the store's time on, as in Kafka Streams'
	// stores in memory.
	NullsCount bool
	// Order is the order in which ranges of keys are iterated.
	Order WindowOrder
}

// WindowOrder is the order of iteration over the entries of more than one key. Keys are compared as serialized,
// by unsigned bytes. Iteration over one key is always in the order of time.
type WindowOrder uint8

const (
	// ByTime is the order of time, then of keys: that of Kafka Streams' stores in memory, and of its
	// persistent window stores that emit on close.
	ByTime WindowOrder = iota
	// ByTimeAndStart is that of Kafka Streams' persistent session stores that emit on close: [Session.Ending]
	// iterates in the order of ends, then of starts, then of keys, and also over sessions that have expired
	// within the last stretch of ByKey. Everything else is ByKey.
	ByTimeAndStart
	// ByKey is the order of keys, then of time, within stretches of half the retention or a minute, if that
	// is longer: that of Kafka Streams' other persistent stores.
	ByKey
)

// TimestampedWindow is a store of one value a key and window, each with a timestamp: what windowed aggregations
// keep.
//
// The store follows the highest window start that was put: windows whose start lies [WindowSpec.Retention] or
// more behind it are gone, and putting one does nothing but make a change record, as in Kafka Streams. Bounds of
// time are both included. The store may be read and written during an iteration; whether entries ahead that
// were written since it began are seen is not specified. A null value (see package record) that is put deletes.
type TimestampedWindow[K comparable, V any] interface {
	Store
	// Get returns the value of a key in the window that begins at start; ok is false if there is none.
	Get(key K, start int64) (value TimestampedValue[V], ok bool)
	// Put sets the value of a key in the window that begins at start.
	Put(key K, start int64, value V, timestamp int64)
	// Delete removes a key from the window that begins at start; timestamp is that of the change record.
	Delete(key K, start int64, timestamp int64)
	// Fetch iterates over the windows of a key that begin in [from, to], by their start.
	Fetch(key K, from, to int64) iter.Seq2[int64, TimestampedValue[V]]
	// FetchBackward is Fetch in reverse.
	FetchBackward(key K, from, to int64) iter.Seq2[int64, TimestampedValue[V]]
	// FetchRange iterates over the windows that begin in [from, to] of the keys in [first, last].
	FetchRange(first, last K, from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]]
	// FetchRangeBackward is FetchRange in reverse.
	FetchRangeBackward(first, last K, from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]]
	// FetchAll iterates over the windows of every key that begin in [from, to].
	FetchAll(from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]]
	// FetchAllBackward is FetchAll in reverse.
	FetchAllBackward(from, to int64) iter.Seq2[window.Key[K], TimestampedValue[V]]
	// All iterates over every window of every key.
	All() iter.Seq2[window.Key[K], TimestampedValue[V]]
	// Backward is All in reverse.
	Backward() iter.Seq2[window.Key[K], TimestampedValue[V]]
}

// Window is a store of one value a key and window: what processors keep by themselves. It is otherwise as
// [TimestampedWindow].
type Window[K comparable, V any] interface {
	Store
	// Get returns the value of a key in the window that begins at start; ok is false if there is none.
	Get(key K, start int64) (value V, ok bool)
	// Put sets the value of a key in the window that begins at start.
	Put(key K, start int64, value V)
	// Delete removes a key from the window that begins at start.
	Delete(key K, start int64)
	// Fetch iterates over the windows of a key that begin in [from, to], by their start.
	Fetch(key K, from, to int64) iter.Seq2[int64, V]
	// FetchBackward is Fetch in reverse.
	FetchBackward(key K, from, to int64) iter.Seq2[int64, V]
	// FetchRange iterates over the windows that begin in [from, to] of the keys in [first, last].
	FetchRange(first, last K, from, to int64) iter.Seq2[window.Key[K], V]
	// FetchRangeBackward is FetchRange in reverse.
	FetchRangeBackward(first, last K, from, to int64) iter.Seq2[window.Key[K], V]
	// FetchAll iterates over the windows of every key that begin in [from, to].
	FetchAll(from, to int64) iter.Seq2[window.Key[K], V]
	// FetchAllBackward is FetchAll in reverse.
	FetchAllBackward(from, to int64) iter.Seq2[window.Key[K], V]
	// All iterates over every window of every key.
	All() iter.Seq2[window.Key[K], V]
	// Backward is All in reverse.
	Backward() iter.Seq2[window.Key[K], V]
}

// JoinWindow is a store of any number of values a key and time: the records that a stream-stream join keeps for
// those of the other side. Retention is as in [TimestampedWindow].
type JoinWindow[K comparable, V any] interface {
	Store
	// Put adds a value of a key at a time, beside those that there are. A null value is as PutNull. The headers,
	// those of the record in process, go into the change record and are not kept otherwise, as in Kafka Streams
	// since 4.3. Source: KIP-1271.
	Put(key K, value V, time int64, headers record.Headers)
	// PutNull adds nothing, but makes a change record.
	PutNull(key K, time int64, headers record.Headers)
	// Fetch iterates over the values of a key with times in [from, to], by time and then in the order in
	// which they were put.
	Fetch(key K, from, to int64) iter.Seq2[int64, V]
	// FetchAll iterates over the values of every key with times in [from, to].
	FetchAll(from, to int64) iter.Seq2[window.Key[K], V]
	// All iterates over every value.
	All() iter.Seq2[window.Key[K], V]
}
