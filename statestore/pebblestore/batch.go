package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leatstream/leat/statestore"
)

// batch is one Pebble batch for all stores of a task.
type batch struct {
	owner  *backend
	pebble *pebble.Batch
	// fresh are the stores that the catalogue in the database does not have yet.
	fresh     []*engine
	low, high []byte
	err       error
}

var _ statestore.Batch = (*batch)(nil)

const (
	// maxKeptBatch is the largest buffer that a batch keeps for its next use.
	maxKeptBatch = 8 << 20
	// maxBatch is where Pebble's limit of 4 GiB comes near.
	maxBatch = 3 << 30
)

func (b *backend) NewBatch() statestore.Batch {
	w := &batch{owner: b}
	w.renew()
	return w
}

// renew gives the batch a new Pebble batch, for lack of one or because Pebble may still be using it.
func (w *batch) renew() {
	if w.owner.task != nil {
		w.pebble = w.owner.db.pebble.NewBatch(pebble.WithMaxRetainedSizeBytes(maxKeptBatch))
	}
}

// take returns the engine if a write of n bytes to it can be added.
func (w *batch) take(e statestore.Engine, n int) (*engine, bool) {
	own, ok := e.(*engine)
	switch {
	case w.err != nil || w.pebble == nil:
		return nil, false
	case !ok || own.owner != w.owner:
		w.err = errors.New("a write to an engine of another backend")
		return nil, false
	case w.pebble.Len()+n > maxBatch:
		w.err = fmt.Errorf("more than %d bytes of writes; commit more often", maxBatch)
		return nil, false
	}
	if !own.stored {
		w.note(own)
	}
	return own, true
}

func (w *batch) note(e *engine) {
	if slices.Contains(w.fresh, e) {
		return
	}
	w.fresh = append(w.fresh, e)
}

func (w *batch) Set(e statestore.Engine, key, value []byte) {
	own, ok := w.take(e, len(key)+len(value))
	if !ok {
		return
	}
	op := w.pebble.SetDeferred(len(own.prefix)+len(key), len(value))
	copy(op.Key[copy(op.Key, own.prefix):], key)
	copy(op.Value, value)
	w.fail(op.Finish())
}

func (w *batch) Delete(e statestore.Engine, key []byte) {
	own, ok := w.take(e, len(key))
	if !ok {
		return
	}
	op := w.pebble.DeleteDeferred(len(own.prefix) + len(key))
	copy(op.Key[copy(op.Key, own.prefix):], key)
	w.fail(op.Finish())
}

func (w *batch) DeleteRange(e statestore.Engine, from, to []byte) {
	own, ok := w.take(e, len(from)+len(to))
	if !ok {
		return
	}
	var empty bool
	if w.low, w.high, empty = own.bounds(w.low, w.high, from, to); !empty {
		w.fail(w.pebble.DeleteRange(w.low, w.high, nil))
	}
}

func (w *batch) SetPosition(store string, p statestore.Position) {
	if w.err != nil || w.pebble == nil {
		return
	}
	var value [positionSize]byte
	w.fail(w.pebble.Set(ownKey(storePrefix(w.owner.task.number, 0), kindPosition, store), appendPosition(value[:0], p), nil))
}

func (w *batch) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *batch) Size() int {
	if w.pebble == nil {
		return 0
	}
	return w.pebble.Len()
}

func (w *batch) Commit() error {
	b := w.owner
	if err := b.check(); err != nil {
		w.empty()
		return err
	}
	if w.err != nil {
		err := fmt.Errorf("%s: state directory %s: %w", b.op("commit"), b.db.dir, w.err)
		w.empty()
		return err
	}
	if w.pebble.Empty() {
		return nil
	}
	if err := w.catalogue(); err != nil {
		w.empty()
		return b.db.failure.wrap(b.op("commit"), err)
	}
	if err := b.apply(b.op("commit"), w.pebble); err != nil {
		// Pebble may have the batch in its hands for as long as it is stuck.
		w.renew()
		w.empty()
		return err
	}
	for _, e := range w.fresh {
		e.stored = true
	}
	if !b.task.stored {
		b.db.mu.Lock()
		b.task.stored = true
		b.db.mu.Unlock()
	}
	w.empty()
	return nil
}

// catalogue adds the entries that the database does not have yet, so that they come with the first batch that
// needs them.
func (w *batch) catalogue() error {
	b := w.owner
	if !b.task.stored {
		number := binary.BigEndian.AppendUint32(nil, b.task.number)
		if err := w.pebble.Set(ownKey(taskPrefix(0), kindTask, b.task.name), number, nil); err != nil {
			return err
		}
	}
	for _, e := range w.fresh {
		number := binary.BigEndian.AppendUint16(nil, e.number)
		if err := w.pebble.Set(ownKey(storePrefix(b.task.number, 0), kindStore, e.name), number, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *batch) empty() {
	if w.pebble != nil {
		w.pebble.Reset()
	}
	clear(w.fresh)
	w.fresh, w.err = w.fresh[:0], nil
}
