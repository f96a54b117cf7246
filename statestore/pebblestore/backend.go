package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leatstream/leat/statestore"
)

// backend is one task's part of the database.
//
// Nobody else writes below the task's prefix, so what an iterator sees stays true until the task's own next
// batch: until then iterators are kept and used again.
type backend struct {
	db   *DB
	task *task
	// err is what went wrong when the catalogue was read, or that the backend has been closed.
	err     error
	engines map[string]*engine
	next    uint16

	// lookup is the iterator for keys that are likely absent; idle are those for ranges. live are all iterators
	// in a caller's hands; epoch counts the batches, after which older iterators are of no use.
	lookup *pebble.Iterator
	idle   []*pebble.Iterator
	live   []*iterator
	epoch  uint64

	value []byte
}

var _ statestore.Backend = (*backend)(nil)

// Task returns the backend of a task, such as "0_3". Errors, such as that the database has failed or been
// closed, come from the backend's methods. A task with several backends at a time is the caller's to prevent.
func (d *DB) Task(name string) statestore.Backend {
	b := &backend{db: d, engines: make(map[string]*engine), next: 1}
	if b.err = d.enter("open task " + name); b.err != nil {
		return b
	}
	defer d.calls.Done()
	d.mu.Lock()
	t, ok := d.tasks[name]
	if !ok {
		t = &task{name: name, number: d.next}
		d.next++
		d.tasks[name] = t
	}
	if t.dropping {
		d.mu.Unlock()
		b.err = fmt.Errorf("open task %s: state directory %s: the task is being dropped", name, d.dir)
		return b
	}
	t.open++
	d.backends[b] = struct{}{}
	b.task = t
	d.mu.Unlock()
	b.err = d.failure.wrap("open task "+name, b.load())
	return b
}

// load reads the numbers of the task's stores.
func (b *backend) load() error {
	return b.db.scan(append(storePrefix(b.task.number, 0), kindStore), func(store string, value []byte) error {
		number, err := parseNumber(value, 2)
		if err != nil {
			return err
		}
		b.engines[store] = b.newEngine(store, uint16(number))
		b.engines[store].stored = true
		b.next = max(b.next, uint16(number)+1)
		return nil
	})
}

func (b *backend) newEngine(store string, number uint16) *engine {
	prefix := storePrefix(b.task.number, number)
	return &engine{owner: b, name: store, number: number, prefix: prefix, end: prefixEnd(prefix)}
}

func (b *backend) Open(store string) (statestore.Engine, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	e, ok := b.engines[store]
	if !ok {
		if b.next == math.MaxUint16 {
			return nil, fmt.Errorf("open store %q of task %s: the task has had %d stores; no more are possible", store, b.task.name, b.next)
		}
		e = b.newEngine(store, b.next)
		b.next++
		b.engines[store] = e
	}
	return e, nil
}

// check returns why the backend cannot be used, if so.
func (b *backend) check() error {
	if b.err != nil {
		return b.err
	}
	return b.db.failure.get()
}

func (b *backend) op(what string) string { return what + " of task " + b.task.name }

func (b *backend) Position(store string) (p statestore.Position, ok bool, err error) {
	if err := b.check(); err != nil {
		return p, false, err
	}
	value, ok, err := b.get(ownKey(storePrefix(b.task.number, 0), kindPosition, store))
	if !ok || err != nil {
		return p, false, err
	}
	if p, err = parsePosition(value); err != nil {
		return p, false, b.db.failure.report(ErrCorrupt, b.op(fmt.Sprintf("read position of store %q", store)), err)
	}
	return p, true, nil
}

func (b *backend) Drop(store string) error {
	if err := b.check(); err != nil {
		return err
	}
	own := storePrefix(b.task.number, 0)
	batch := b.db.pebble.NewBatch()
	err := batch.Delete(ownKey(own, kindPosition, store), nil)
	e, ok := b.engines[store]
	if ok {
		err = errors.Join(err, batch.DeleteRange(e.prefix, e.end, nil), batch.Delete(ownKey(own, kindStore, store), nil))
	}
	if err == nil {
		err = b.apply(b.op(fmt.Sprintf("drop store %q", store)), batch)
	}
	if err == nil && ok {
		e.stored = false
	}
	return err
}

// apply writes a batch, after which older iterators do not show the state any more.
func (b *backend) apply(op string, batch *pebble.Batch) error {
	err := b.forget()
	if err == nil {
		err = b.db.failure.run(op, func() error { return b.db.pebble.Apply(batch, pebble.NoSync) })
	}
	return err
}

// forget closes the iterators that are kept.
func (b *backend) forget() (err error) {
	defer b.db.failure.recovered(&err)
	b.epoch++
	if b.lookup != nil {
		err = b.lookup.Close()
		b.lookup = nil
	}
	for i, it := range b.idle {
		err = errors.Join(err, it.Close())
		b.idle[i] = nil
	}
	b.idle = b.idle[:0]
	return b.db.failure.wrap(b.op("close iterators"), err)
}

func (b *backend) Close() error {
	if b.task == nil || b.err != nil && errors.Is(b.err, ErrClosed) {
		return nil
	}
	b.db.mu.Lock()
	_, open := b.db.backends[b]
	delete(b.db.backends, b)
	if open {
		b.task.open--
	}
	b.db.mu.Unlock()
	if !open {
		return nil
	}
	return b.release()
}

// release closes what the backend has open. Iterators that their users have left open would make Pebble's
// Close panic.
func (b *backend) release() error {
	for _, it := range slices.Clone(b.live) {
		it.err = b.closed()
		_ = it.detach() // its user hears of b.closed
	}
	err := b.forget()
	b.err = b.closed()
	return err
}

func (b *backend) closed() error {
	return &Error{Kind: ErrClosed, Op: b.op("use the stores"), Dir: b.db.dir}
}

// get returns a value that is valid until the next call.
func (b *backend) get(key []byte) (value []byte, ok bool, err error) {
	defer b.db.failure.recovered(&err)
	found, closer, err := b.db.pebble.Get(key)
	if err != nil {
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, false, nil
		}
		return nil, false, b.db.failure.wrap(b.op("read"), err)
	}
	b.value = append(b.value[:0], found...)
	if err := closer.Close(); err != nil {
		return nil, false, b.db.failure.wrap(b.op("read"), err)
	}
	return b.value, true, nil
}

// seek is get by way of an iterator. Unlike Pebble's Get it asks the bloom filters of the last level, too,
// which makes it two to four times faster for absent keys.
func (b *backend) seek(key []byte) (value []byte, ok bool, err error) {
	defer b.db.failure.recovered(&err)
	if b.lookup == nil {
		prefix := taskPrefix(b.task.number)
		b.lookup, err = b.db.pebble.NewIter(&pebble.IterOptions{
			LowerBound: prefix, UpperBound: prefixEnd(prefix), UseL6Filters: true,
		})
		if err != nil {
			return nil, false, b.db.failure.wrap(b.op("read"), err)
		}
	}
	// With Pebble's default comparer a key is its own prefix.
	if b.lookup.SeekPrefixGE(key) {
		b.value = append(b.value[:0], b.lookup.Value()...)
		ok = true
	}
	if err := b.lookup.Error(); err != nil {
		return nil, false, b.db.failure.wrap(b.op("read"), err)
	}
	if !ok {
		return nil, false, nil
	}
	return b.value, true, nil
}

func parseNumber(b []byte, size int) (uint64, error) {
	if len(b) != size {
		return 0, fmt.Errorf("%w: the catalogue has a number of %d bytes, want %d", pebble.ErrCorruption, len(b), size)
	}
	var word [8]byte
	copy(word[8-size:], b)
	return binary.BigEndian.Uint64(word[:]), nil
}
