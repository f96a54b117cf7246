package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// open opens the database in a directory that is locked.
func open(fsys vfs.FS, dir string, o Options) (*DB, error) {
	fail := func(kind, err error) error {
		if kind == nil {
			// Not the operating system's word: Pebble cannot make sense of its files.
			kind = ErrCorrupt
		}
		return &Error{Kind: kind, Op: "open", Dir: dir, Cause: err}
	}
	file, exists, kind, err := inspect(fsys, dir, o.Application)
	if err != nil {
		return nil, fail(kind, err)
	}
	d := newDB(fsys, dir, o)
	if err := d.openPebble(o, exists); err != nil {
		d.failure.fence.close()
		var own *Error
		if errors.As(err, &own) {
			own.Op = "open"
			return nil, own
		}
		return nil, fail(kindOf(err), err)
	}
	kind, err = d.identify(fsys, file, o.Application)
	if err == nil {
		err = d.loadTasks()
		kind = kindOf(err)
	}
	if err != nil {
		return nil, errors.Join(fail(kind, err), d.closePebble(false))
	}
	return d, nil
}

func newDB(fsys vfs.FS, dir string, o Options) *DB {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	stall := o.StallLimit
	if stall == 0 {
		stall = time.Minute
	}
	return &DB{
		dir: dir,
		failure: &failure{
			dir: dir, log: logger, onFailure: o.OnFailure, stall: stall,
			fence: &fence{FS: fsys}, failed: make(chan struct{}),
		},
		tasks: make(map[string]*task), next: 1, backends: make(map[*backend]struct{}),
	}
}

func (d *DB) openPebble(o Options, exists bool) (err error) {
	defer func() {
		// Damaged files may lead Pebble's decoders astray.
		if r := recover(); r != nil {
			if f, ok := r.(fatal); ok {
				err = f.err
				return
			}
			err = fmt.Errorf("pebble panicked: %v", r)
		}
	}()
	memory := o.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	cache := pebble.NewCache(memory)
	defer cache.Unref()
	po := o.pebbleOptions(d.failure.fence, d.failure, cache, memory)
	po.ErrorIfNotExists = exists
	po.ErrorIfExists = !exists
	if d.failure.fence.FS == vfs.Default {
		po.WithFSDefaults()
	}
	d.pebble, err = pebble.Open(d.failure.fence.PathJoin(d.dir, dbName), po)
	return err
}

// identify compares the identity in the database with the one beside it, or writes what is missing: the one in
// the database first and durably, so that a file always has its counterpart.
func (d *DB) identify(fsys vfs.FS, file []byte, application string) (kind, err error) {
	record, closer, err := d.pebble.Get(identityKey())
	var id identity
	switch {
	case err == nil:
		id, kind, err = parseIdentity(record, application)
		if err2 := closer.Close(); err == nil {
			err = err2
		}
		if err != nil {
			return kind, err
		}
	case !errors.Is(err, pebble.ErrNotFound):
		return kindOf(err), err
	case file != nil:
		return ErrCorrupt, errors.New("the database has lost its identity")
	default:
		if empty, err := d.empty(); err != nil {
			return kindOf(err), err
		} else if !empty {
			return ErrCorrupt, errors.New("the database has entries but no identity")
		}
		id = newIdentity(application)
		if err := d.pebble.Set(identityKey(), id.encode(), pebble.NoSync); err != nil {
			return ErrStorage, err
		}
		if err := d.failure.run("open", d.pebble.Flush); err != nil {
			return ErrStorage, err
		}
	}
	d.id = id.ID
	if file == nil {
		if err := writeIdentityFile(fsys, d.dir, id); err != nil {
			return ErrStorage, err
		}
		return nil, nil
	}
	if beside, kind, err := parseIdentity(file, application); err != nil {
		return kind, err
	} else if beside != id {
		return ErrCorrupt, errors.New("the database is not the one that the identity file is about")
	}
	return nil, nil
}

func (d *DB) empty() (bool, error) {
	it, err := d.pebble.NewIter(nil)
	if err != nil {
		return false, err
	}
	found := it.First()
	return !found, errors.Join(it.Error(), it.Close())
}
