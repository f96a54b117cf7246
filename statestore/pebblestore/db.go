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
		_ = b.release() // the database's own error says more
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
		d.failure.running.Wait() // a write under way would find the memory gone that it writes to
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
	case <-done: //nolint:errcheck // the failure before it says more
	case <-time.After(closeLimit):
	}
	return err
}
