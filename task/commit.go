package task

import (
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// Commit is what a commit of the task consists of besides its outputs.
type Commit struct {
	// Offsets are the places to commit, one for each input that has moved since the last commit. They must
	// be committed only AFTER all outputs up to Prepare have been acknowledged. If only a punctuator has done
	// something, it is one that has not moved: the commit of offsets is where the group refuses a member that
	// has lost the task, and a transaction without any would let what such a member wrote through.
	Offsets []Offset
}

// Offset is the place to commit on one input.
type Offset struct {
	record.TopicPartition
	// Next is the offset of the first record that has not been processed.
	Next int64
	// Time is the partition time to store with it, -1 if it is not known.
	Time int64
	// Times are the times that nodes keep under their names, nil if there are none. The map is not changed.
	Times map[string]int64
}

// Prepare sends on what the record cache holds back and flushes the stores, which appends their change records
// to the outputs, and returns what to commit.
// The next Prepare may come only after Confirm or Defer.
func (t *Task) Prepare() (Commit, error) {
	t.flushHeld()
	for _, s := range t.stores {
		s.store.Flush()
	}
	if t.err != nil {
		return Commit{}, t.err
	}
	var c Commit
	for _, in := range t.inputs {
		if (in.moved || t.times.changed) && in.next() >= 0 {
			c.Offsets = append(c.Offsets, Offset{TopicPartition: in.tp, Next: in.next(), Time: in.time, Times: t.times.of})
			in.moved = false
		}
	}
	for _, in := range t.inputs {
		if t.dirty && len(c.Offsets) == 0 && in.next() >= 0 {
			c.Offsets = append(c.Offsets, Offset{TopicPartition: in.tp, Next: in.next(), Time: in.time})
		}
	}
	t.commit, t.dirty, t.times.changed = false, false, false
	t.prepared = true
	return c, nil
}

// Confirm tells that what the last Prepare returned has been committed, and brings the stores' writes into
// the backends: one batch for each backend, with the position of each store's changelog. positions gives the
// position behind the last change record that was written for a store, by the store's index in the
// subtopology; ok is false if none was, and the position stays as it is.
func (t *Task) Confirm(positions Positions) error { return t.confirm(positions, false) }

// Positions gives the position behind the last change record of a store; see [Task.Confirm].
type Positions func(store int) (p statestore.Position, ok bool)

// Defer is Confirm, but leaves what can wait to a later one: the writes of persistent stores that have a changelog,
// with their positions. See [statestore.Deferrer].
func (t *Task) Defer(positions Positions) error { return t.confirm(positions, true) }

// Defers reports whether Defer leaves everything to a later Confirm, so that the commit may still be under way when it is
// called: nothing of it reaches a backend, and if the commit fails, closing the task gives it up.
func (t *Task) Defers() bool {
	for i := range t.stores {
		if _, ok := t.deferrer(&t.stores[i]); !ok {
			return false
		}
	}
	return true
}

// deferrer is the store if its writes can wait.
func (t *Task) deferrer(s *taskStore) (statestore.Deferrer, bool) {
	d, ok := s.store.(statestore.Deferrer)
	return d, ok && s.backend == t.cfg.Persistent && d.Defers()
}

// Deferred is the approximate size in bytes of the writes that Defer has left to a later Confirm.
func (t *Task) Deferred() int { return t.deferred }

// Settle brings what Defer has left into the backends, if nothing has happened since.
func (t *Task) Settle(positions Positions) error {
	if t.deferred == 0 || t.dirty || t.prepared || t.Pending() > 0 {
		return nil
	}
	for _, s := range t.stores {
		s.store.Flush()
	}
	return t.confirm(positions, false)
}

func (t *Task) confirm(positions Positions, later bool) error {
	if t.err != nil {
		return t.err
	}
	t.deferred, t.prepared = 0, false
	for _, backend := range []statestore.Backend{t.cfg.Persistent, t.cfg.Memory} {
		if backend != nil {
			if err := t.write(backend, positions, later); err != nil {
				t.fail("", fmt.Errorf("apply a commit to the local state: %w", err))
				return t.err
			}
		}
	}
	return nil
}

// write brings the writes of a backend's stores into it, but those that are left for later.
func (t *Task) write(backend statestore.Backend, positions Positions, later bool) error {
	var batch statestore.Batch
	var stores []statestore.Store
	for i := range t.stores {
		s := &t.stores[i]
		if s.backend != backend {
			continue
		}
		if d, ok := t.deferrer(s); ok && later {
			t.deferred += d.Defer()
			continue
		}
		if batch == nil {
			batch = backend.NewBatch()
		}
		s.store.Write(batch)
		if p, ok := positions(i); ok {
			batch.SetPosition(s.spec.Name, p)
		}
		stores = append(stores, s.store)
	}
	if batch == nil {
		return nil
	}
	if err := batch.Commit(); err != nil {
		return err
	}
	for _, s := range stores {
		s.Written()
	}
	return nil
}
