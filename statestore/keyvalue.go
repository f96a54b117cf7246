package statestore

import "iter"

// KeyValue is a store of one value a key. Keys that are serialized alike must be equal: those that are not have a value
// each as long as they are cached, and one row.
//
// Iteration is in the order of the serialized keys, compared as unsigned bytes. The store may be read and
// written meanwhile; whether entries ahead that were written since the iteration began are seen is not
// specified. A null value (see package record) that is put deletes its key.
type KeyValue[K comparable, V any] interface {
	Store
	// Get returns the value of key; ok is false if there is none.
	Get(key K) (value V, ok bool)
	// Put sets the value of key.
	Put(key K, value V)
	// PutIfAbsent sets the value of key if it has none and returns the one that it had.
	PutIfAbsent(key K, value V) (old V, ok bool)
	// Delete removes key and returns the value that it had.
	Delete(key K) (old V, ok bool)
	// All iterates over every entry.
	All() iter.Seq2[K, V]
	// Backward iterates over every entry in reverse.
	Backward() iter.Seq2[K, V]
	// Range iterates over the entries in [from, to], both ends included.
	Range(from, to K) iter.Seq2[K, V]
	// RangeBackward iterates over the entries in [from, to] in reverse.
	RangeBackward(from, to K) iter.Seq2[K, V]
	// Prefix iterates over the entries whose serialized key begins with prefix.
	Prefix(prefix []byte) iter.Seq2[K, V]
}

// TimestampedValue is a value with the timestamp of the record that it comes from, in milliseconds.
type TimestampedValue[V any] struct {
	Value     V
	Timestamp int64
}

// Timestamped is a store of one value a key, each with a timestamp: what tables and aggregations keep. It
// iterates as [KeyValue] does.
type Timestamped[K comparable, V any] interface {
	Store
	// Get returns the value of key with its timestamp; ok is false if there is none.
	Get(key K) (value TimestampedValue[V], ok bool)
	// Put sets the value of key.
	Put(key K, value V, timestamp int64)
	// Delete removes key; timestamp is that of the change record.
	Delete(key K, timestamp int64)
	// All iterates over every entry.
	All() iter.Seq2[K, TimestampedValue[V]]
	// Backward iterates over every entry in reverse.
	Backward() iter.Seq2[K, TimestampedValue[V]]
	// Range iterates over the entries in [from, to], both ends included.
	Range(from, to K) iter.Seq2[K, TimestampedValue[V]]
	// RangeBackward iterates over the entries in [from, to] in reverse.
	RangeBackward(from, to K) iter.Seq2[K, TimestampedValue[V]]
	// Prefix iterates over the entries whose serialized key begins with prefix.
	Prefix(prefix []byte) iter.Seq2[K, TimestampedValue[V]]
}
