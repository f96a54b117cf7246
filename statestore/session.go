package statestore

import (
	"iter"

	"github.com/leatstream/leat/window"
)

// Session is a store of one value a key and session, [start, end]: what sessions' aggregations keep.
//
// The store follows the highest session end that was put: sessions whose end lies [WindowSpec.Retention] or more
// behind it are gone, and putting one does nothing but make a change record, as in Kafka Streams. Iteration over
// one key is in the order of ends. The store may be read and written during an iteration; whether entries ahead
// that were written since it began are seen is not specified. A null value (see package record) that is put
// deletes.
type Session[K comparable, V any] interface {
	Store
	// Get returns the value of one session; ok is false if there is none.
	Get(key window.Key[K]) (value V, ok bool)
	// Put sets the value of a session.
	Put(key window.Key[K], value V)
	// Delete removes a session.
	Delete(key window.Key[K])
	// Find iterates over the sessions of a key that end at earliestEnd or later and start at latestStart or
	// earlier: those that touch the span between the two.
	Find(key K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V]
	// FindBackward is Find in reverse.
	FindBackward(key K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V]
	// FindRange is Find for the keys in [first, last].
	FindRange(first, last K, earliestEnd, latestStart int64) iter.Seq2[window.Key[K], V]
	// Ending iterates over the sessions of every key whose end lies in [from, to].
	Ending(from, to int64) iter.Seq2[window.Key[K], V]
	// Fetch iterates over every session of a key.
	Fetch(key K) iter.Seq2[window.Key[K], V]
	// All iterates over every session of every key.
	All() iter.Seq2[window.Key[K], V]
	// Backward is All in reverse.
	Backward() iter.Seq2[window.Key[K], V]
}
