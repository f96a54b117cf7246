// Package pebblestore keeps the state of an instance's tasks on disk, in one Pebble database: the engine below
// the typed stores of package statestore. It is the one package of leat that imports Pebble.
//
// # What survives
//
// A batch of a task reaches the database as a whole, with the changelog positions that belong to it, or not at
// all, and batches of a task become durable in their order. After a crash each task therefore has the state
// that some batch of it left, its positions included; what came later is in the changelogs. There is no
// write-ahead log, so a crash loses what had not been flushed: [DB.Flush] now and then bounds how much of the
// changelogs is read again, and [DB.Close] flushes.
//
// # What fails
//
// Errors are of type [Error] and name the directory and the remedy. Damage, a disk that is full or refuses to
// write, and writes that wait too long fail the database as a whole and for good: [DB.Err] and all later calls
// return the error, [Options.OnFailure] is called. It never ends the process. Close still returns then, and the
// directory may be opened again, or set aside with [SetAside] if it is damaged.
//
// # Goroutines
//
// Pebble has some of its own until Close. Calls that may wait for the disk run in a goroutine that the caller
// waits for, except when the database fails meanwhile: then a goroutine may stay behind inside Pebble.
package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leatstream/leat/statestore"
)

// DB is the database of an instance. Its methods may be called by several goroutines; each [DB.Task] backend
// belongs to one at a time.
type DB struct {
	dir     string
	id      string
	pebble  *pebble.DB
	failure *failure
	lock    io.Closer

	mu       sync.Mutex
	tasks    map[string]*task
	next     uint32
	backends map[*backend]struct{}
	closed   bool
	// calls are those that Close waits for.
	calls sync.WaitGroup
}

// task is the catalogue's entry of a task.
type task struct {
	name   string
	number uint32
	// stored says that the entry is in the database; it gets there with the task's first batch.
	stored bool
	// open is the number of backends.
	open int
	// dropping keeps others off while DropTask waits for the disk.
	dropping bool
}

// Open opens the database in dir, which it makes if need be. The directory is locked until Close.
//
// Errors are ErrLocked, ErrForeign, ErrNewer, ErrCorrupt or ErrStorage in an [Error], of which the first three
// leave the directory untouched; or what [Options.Validate] finds.
func Open(dir string, o Options) (*DB, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	fsys := o.FS
	if fsys == nil {
		fsys = vfs.Default
	}
	lock, err := lockDir(fsys, dir, "open")
	if err != nil {
		return nil, err
	}
	db, err := open(fsys, dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	db.lock = lock
	return db, nil
}

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

func (d *DB) loadTasks() error {
	return d.scan(append(taskPrefix(0), kindTask), func(name string, value []byte) error {
		number, err := parseNumber(value, 4)
		if err != nil {
			return err
		}
		d.tasks[name] = &task{name: name, number: uint32(number), stored: true}
		d.next = max(d.next, uint32(number)+1)
		return nil
	})
}

// scan calls visit for the entries below prefix, with the rest of their keys.
func (d *DB) scan(prefix []byte, visit func(name string, value []byte) error) (err error) {
	defer d.failure.recovered(&err)
	it, err := d.pebble.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = visit(string(it.Key()[len(prefix):]), it.Value())
	}
	return errors.Join(err, it.Error(), it.Close())
}

// ID returns a text that was drawn when the directory was first used and stays the same as long as its state
// is not set aside.
func (d *DB) ID() string { return d.id }

// Err returns the failure that ended the database's use, nil as long as there is none. It does not block.
func (d *DB) Err() error { return d.failure.get() }

// enter begins a call, which ends with d.calls.Done, or returns why the database cannot be used.
func (d *DB) enter(op string) error {
	if err := d.failure.get(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return &Error{Kind: ErrClosed, Op: op, Dir: d.dir}
	}
	d.calls.Add(1)
	return nil
}

// Tasks returns the names of the tasks that have local state, sorted.
func (d *DB) Tasks() ([]string, error) {
	if err := d.enter("list tasks"); err != nil {
		return nil, err
	}
	defer d.calls.Done()
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.tasks))
	for name, t := range d.tasks {
		if t.stored {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Positions returns the changelog positions of a task's stores. It is empty for a task without local state.
func (d *DB) Positions(name string) (map[string]statestore.Position, error) {
	op := "read positions of task " + name
	if err := d.enter(op); err != nil {
		return nil, err
	}
	defer d.calls.Done()
	d.mu.Lock()
	t, ok := d.tasks[name]
	d.mu.Unlock()
	positions := make(map[string]statestore.Position)
	if !ok {
		return positions, nil
	}
	err := d.scan(append(storePrefix(t.number, 0), kindPosition), func(store string, value []byte) error {
		p, err := parsePosition(value)
		if err != nil {
			return d.failure.report(ErrCorrupt, op, err)
		}
		positions[store] = p
		return nil
	})
	return positions, d.failure.wrap(op, err)
}

// DropTask removes all that a task has. Its backends must have been closed.
func (d *DB) DropTask(name string) error {
	op := "drop task " + name
	if err := d.enter(op); err != nil {
		return err
	}
	defer d.calls.Done()
	d.mu.Lock()
	t, ok := d.tasks[name]
	busy := ok && (t.open > 0 || t.dropping)
	if ok && !busy {
		t.dropping = true
	}
	d.mu.Unlock()
	if !ok {
		return nil
	}
	if busy {
		return fmt.Errorf("%s: state directory %s: the task is open; close its backend first", op, d.dir)
	}
	batch := d.pebble.NewBatch()
	prefix := taskPrefix(t.number)
	err := errors.Join(
		batch.DeleteRange(prefix, prefixEnd(prefix), nil),
		batch.Delete(ownKey(taskPrefix(0), kindTask, name), nil),
	)
	if err == nil {
		err = d.failure.run(op, func() error { return d.pebble.Apply(batch, pebble.NoSync) })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.dropping = false
	if err == nil {
		delete(d.tasks, name)
	}
	return d.failure.wrap(op, err)
}

// Flush makes durable what has been committed. It waits for the disk.
func (d *DB) Flush() error {
	if err := d.enter("flush"); err != nil {
		return err
	}
	defer d.calls.Done()
	return d.failure.run("flush", d.pebble.Flush)
}

// closeLimit is how long Close waits for a database that has failed.
const closeLimit = 5 * time.Second

// Close makes durable what has been committed, closes the backends that are still open, and releases the
// directory. Nobody may be using them. A database that has failed is closed without a flush, if need be by
// leaving it behind: nothing that it still does reaches the directory. Close returns the failure then.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	open := d.backends
	d.backends = nil
	d.mu.Unlock()
	d.calls.Wait()
	for b := range open {
		b.release()
	}
	err := d.closePebble(true)
	if err2 := d.lock.Close(); err == nil && err2 != nil {
		err = &Error{Kind: ErrStorage, Op: "close", Dir: d.dir, Cause: err2}
	}
	return err
}

func (d *DB) closePebble(flush bool) error {
	err := d.failure.get()
	if flush && err == nil {
		err = d.failure.run("close", d.pebble.Flush)
	}
	defer d.failure.fence.close()
	defer func() {
		d.failure.mu.Lock()
		d.failure.stopTimer()
		d.failure.mu.Unlock()
	}()
	if d.failure.abandoned.Load() {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer d.failure.recovered(&err)
		err = d.pebble.Close()
	}()
	if err == nil {
		select {
		case err := <-done:
			return d.failure.wrap("close", err)
		case <-d.failure.failed:
			err = d.failure.get()
		}
	}
	select {
	case <-done:
	case <-time.After(closeLimit):
	}
	return err
}
