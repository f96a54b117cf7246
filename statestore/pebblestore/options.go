package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options are the settings of a [DB].
type Options struct {
	// Application is the application's id. A directory that another one has written is refused. Required.
	Application string
	// Memory is what the database may take in bytes, for cached blocks and for writes that have not been
	// flushed, which get an eighth of it, and up to three while the disk is behind. 0 means 256 MiB; less than
	// 4 MiB is refused.
	Memory int64
	// StallLimit is how long writes may wait for the disk before the database counts as failed. 0 means a
	// minute.
	StallLimit time.Duration
	// OnFailure is called once, with the error that [DB.Err] returns from then on. It is called from whichever
	// goroutine noticed, perhaps with Pebble's locks held: it must return at once and call nothing of the DB
	// but Err.
	OnFailure func(error)
	// Logger is for Pebble's complaints (warnings) and its chatter (debug). Nil discards them.
	Logger *slog.Logger
	// FS is the file system; nil means the machine's own.
	FS vfs.FS
}

// Validate returns all that is wrong with the options.
func (o Options) Validate() error {
	var errs []error
	if o.Application == "" {
		errs = append(errs, errors.New("pebblestore: Application is empty; set it to the application's id"))
	}
	if o.Memory != 0 && o.Memory < minMemory {
		errs = append(errs, fmt.Errorf("pebblestore: Memory is %d; it must be 0 (256 MiB) or at least %d", o.Memory, minMemory))
	}
	if o.StallLimit < 0 {
		errs = append(errs, fmt.Errorf("pebblestore: StallLimit is %v; it must not be negative", o.StallLimit))
	}
	return errors.Join(errs...)
}

const (
	minMemory     = 4 << 20
	defaultMemory = 256 << 20

	// formatVersion is Pebble's, pinned: it goes up by decision, never down, and older versions of leat then
	// refuse the directory.
	formatVersion = pebble.FormatValueSeparation

	// maxMemTable is where larger memtables stop to pay.
	maxMemTable = 64 << 20
	memTables   = 3
)

// pebbleOptions are the options that measurements led to (1 to 10 million keys of 16 bytes with 100-byte
// values): memtables as large as the budget allows, few but large tables in L0, blocks of 8 KiB, bloom filters
// everywhere. There is no write-ahead log: the changelogs are the log.
func (o Options) pebbleOptions(fsys vfs.FS, f *failure, cache *pebble.Cache, memory int64) *pebble.Options {
	po := &pebble.Options{
		FS:                 fsys,
		DisableWAL:         true,
		FormatMajorVersion: formatVersion,
		// Memtables are reserved from the cache, so that the cache's size is all there is. They are few and large:
		// a batch that might fill half of one, for which Pebble reckons with some 200 bytes a row beside it, goes
		// around it and becomes a table in L0 of its own, and compactions are then most of the work.
		Cache:                       cache,
		MemTableSize:                uint64(min(maxMemTable, memory/8)),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       4,
		// Reads get slower before writes stop for good.
		L0StopWritesThreshold: 1000,
		FlushDelayDeleteRange: 10 * time.Second,
		CompactionConcurrencyRange: func() (int, int) {
			return 1, max(1, runtime.GOMAXPROCS(0)/2)
		},
		MaxOpenFiles:  4096,
		Logger:        f,
		EventListener: f.listener(),
	}
	// Every table in L0 costs a sync.
	po.TargetFileSizes[0] = 16 << 20
	for i := range po.Levels {
		l := &po.Levels[i]
		l.BlockSize = 8 << 10
		l.IndexBlockSize = 256 << 10
		l.FilterPolicy = bloom.FilterPolicy(10)
	}
	return po
}
