package statestore

import (
	"iter"
	"math"
)

// Forever is the end of a version that is the latest of its key.
const Forever = math.MaxInt64

// Version is a value of a key and the time in which it was the key's: [From, To), in milliseconds.
type Version[V any] struct {
	Value V
	From  int64
	// To is the timestamp of the next version or deletion, [Forever] if there is none.
	To int64
}

// Placement says what became of a version that was put.
type Placement struct {
	// To is when the version ends, [Forever] if it is the latest of its key.
	To int64
	// Kept is false for a version that was put so late that the store no longer takes it. To means nothing then.
	Kept bool
}

// Latest reports whether the version was kept and is the latest of its key.
func (p Placement) Latest() bool { return p.Kept && p.To == Forever }

// Versioned is a store of the history of each key's value by timestamp. What comes out of order is put in its
// place in time; the last one by timestamp is the latest, whatever the order in which they came.
//
// The history is kept for a time that the store is made with, measured by the highest timestamp that was put:
// older versions can neither be read nor put. The latest version of a key does not expire.
//
// As a [Timestamped] store it is that of the latest versions: its Put and Delete are PutVersion and
// DeleteVersion, and its iterators show the latest version of each key.
//
// Source: KIP-889.
type Versioned[K comparable, V any] interface {
	Timestamped[K, V]
	// PutVersion sets the value that key has from timestamp on. A null value is a deletion.
	PutVersion(key K, value V, timestamp int64) Placement
	// DeleteVersion says that key has no value from timestamp on.
	DeleteVersion(key K, timestamp int64) Placement
	// GetAsOf returns the version that key had at a time; ok is false if it had none or if that is no longer
	// known.
	GetAsOf(key K, at int64) (version Version[V], ok bool)
	// History iterates over the versions that key had at any time in [from, to], the oldest first. Those that
	// ended before the history begins are left out.
	History(key K, from, to int64) iter.Seq[Version[V]]
	// HistoryBackward is History with the newest first.
	HistoryBackward(key K, from, to int64) iter.Seq[Version[V]]
}
