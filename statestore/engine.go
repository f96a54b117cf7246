package statestore

// The contracts below the typed stores: ordered bytes. A backend holds them in memory or in Pebble; package
// storetest is the suite that every backend passes.

// Backend keeps the stores of one task. It is used by one goroutine at a time.
type Backend interface {
	// Open returns the engine of a store, empty if the backend has not seen that store before.
	Open(store string) (Engine, error)
	// NewBatch returns an empty batch of writes to this task's stores.
	NewBatch() Batch
	// Position returns the changelog position up to which the store's contents are complete: that of the
	// last batch that reached the backend. ok is false if none has been stored.
	Position(store string) (p Position, ok bool, err error)
	// Drop removes everything of a store, its position too. Its engine stays usable, and is empty.
	Drop(store string) error
	// Close releases the backend, whose methods then return errors. Its iterators are closed before. What
	// committed batches wrote stays, where the backend outlives the process.
	Close() error
}

// Position is a place in a store's changelog partition: every record below Next is in the store.
type Position struct {
	// Next is the offset of the first record that is not in the store.
	Next int64
	// Topic is the changelog topic's id; it tells a topic that was deleted and made again. Zero if unknown.
	Topic [16]byte
	// Time is when the store was last known to be complete: when nobody had written anything from Next on; or,
	// of a store that has never been, when its restore began. In milliseconds since the Unix epoch, zero if
	// unknown. What the changelog has lost since, such as tombstones, the store may never hear of.
	Time int64
}

// Engine is one task's share of one store: a map of bytes ordered by [bytes.Compare]. Its reads see what
// committed batches wrote. The empty key is a key, and an empty value is not an absent one.
type Engine interface {
	// Get returns the value of key. The value is valid until the next call on the backend.
	Get(key []byte) (value []byte, ok bool, err error)
	// Iterate returns an iterator over the keys in [from, to); nil means no bound. It must be closed before
	// the next batch is committed.
	Iterate(from, to []byte, reverse bool) Iterator
	// Stats returns the size of what the engine holds, approximately.
	Stats() Stats
}

// Stats are an engine's sizes.
type Stats struct {
	// Keys is the number of keys, -1 where the engine cannot tell cheaply.
	Keys int64
	// Bytes is the space taken, approximately.
	Bytes int64
}

// Iterator walks over entries in order. Next moves to the first entry, too. Key and Value are valid until
// the next call of Next or Close.
type Iterator interface {
	Next() bool
	Key() []byte
	Value() []byte
	// Err returns what ended the iteration early.
	Err() error
	Close() error
}

// Batch is a set of writes that reaches the backend as a whole or not at all, positions included. Within a
// batch later writes win. Keys and values are copied. Engines are ones that the batch's backend opened; a
// write to another's makes Commit fail.
type Batch interface {
	// Set stores value under key. A nil value is stored as an empty one.
	Set(e Engine, key, value []byte)
	// Delete removes key, if it is there.
	Delete(e Engine, key []byte)
	// DeleteRange deletes the keys in [from, to); nil means no bound. It costs the same however many there
	// are, where the engine can do that.
	DeleteRange(e Engine, from, to []byte)
	// SetPosition records that the store is complete up to p once the batch has been committed.
	SetPosition(store string, p Position)
	// Size returns the bytes collected so far, approximately.
	Size() int
	// Commit applies the batch and empties it for further use. After an error the batch is empty, too, and
	// the backend holds either all of it or nothing.
	Commit() error
}
