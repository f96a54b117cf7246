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
// The next Prepare may come only after Confirm.
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
	return c, nil
}

// Confirm tells that what the last Prepare returned has been committed, and brings the stores' writes into
// the backends: one batch for each backend, with the position of each store's changelog. positions gives the
// position behind the last change record that was written for a store, by the store's index in the
// subtopology; ok is false if none was, and the position stays as it is.
func (t *Task) Confirm(positions func(store int) (p statestore.Position, ok bool)) error {
	if t.err != nil {
		return t.err
	}
	for _, backend := range []statestore.Backend{t.cfg.Persistent, t.cfg.Memory} {
		if backend == nil {
			continue
		}
		batch, n := backend.NewBatch(), 0
		for i, s := range t.stores {
			if s.backend != backend {
				continue
			}
			n++
			s.store.Write(batch)
			if p, ok := positions(i); ok {
				batch.SetPosition(s.spec.Name, p)
			}
		}
		if n == 0 {
			continue
		}
		if err := batch.Commit(); err != nil {
			t.fail("", fmt.Errorf("apply a commit to the local state: %w", err))
			return t.err
		}
	}
	for _, s := range t.stores {
		s.store.Written()
	}
	return nil
}
