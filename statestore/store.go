// Package statestore holds the stores that tasks keep their state in: the typed stores that operators and
// users see, the write-back cache in front of them, and the contracts of the engines below ([Backend]).
//
// A store belongs to one task and is used by the goroutine that runs it. Reads see the task's own writes at
// once. Writes reach the engine only after the commit that they belong to has been confirmed ([Store.Write]), perhaps
// with those of later ones ([Deferrer]), in one batch with the changelog position, so that an engine always holds the
// state of some commit.
//
// An engine that cannot be read, or a serde that refuses a key or a value, fails the task (see package
// processor); the methods of the typed stores therefore return no errors.
package statestore

import "github.com/leatstream/leat/record"

// Store is the part of a store that its task manages.
type Store interface {
	// Name is the store's name in the topology.
	Name() string
	// Flush makes change records of the writes since the last Flush and freezes them for Write.
	Flush()
	// Write adds the frozen writes to a batch. The next Flush may come only after Written.
	Write(b Batch)
	// Written drops the frozen writes, which the engine now holds.
	Written()
	// Pending is the approximate size in bytes of writes that no commit has confirmed.
	Pending() int
	// Stats are the sizes of the store, without what is pending.
	Stats() Stats
}

// Env is what a store gets from its task.
type Env struct {
	Name   string
	Engine Engine
	// Context says which record is in process.
	Context Context
	// Log takes a change record; nil if the store has no changelog. Key and value are copied. A nil value
	// is a tombstone.
	Log func(key, value []byte, timestamp int64, headers record.Headers)
	// Fail reports an error that the store cannot recover from.
	Fail func(error)
	// Expired is told of entries that were put too late to be kept; nil if nobody asks.
	Expired func()
	// EveryUpdate makes each update a change record of its own, as Kafka Streams does without a record
	// cache. Else the last one of each key before a commit is logged.
	EveryUpdate bool
	// Version makes the store a view of one that others write: it cannot be written, and what its cache holds
	// counts only while Version returns the same number. Nil for a store of the task's own.
	Version func() uint64
	// CacheEntries bounds the entries that the typed cache keeps, clean ones included. 0 leaves that to Budget,
	// or where there is none means 16384.
	CacheEntries int
	// Budget is the memory that the cache shares with others; nil for a fixed number of entries.
	Budget Budget
}

// Context tells a store about the record in process.
type Context interface {
	// Timestamp is the timestamp of the record in process.
	Timestamp() int64
}
