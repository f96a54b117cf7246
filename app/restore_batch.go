package app

import (
	"fmt"
	"slices"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/statestore"
)

const (
	// restoreRecords bounds the change records that are taken in at a time.
	restoreRecords = 16 << 10
	// restoreBatch is the size in bytes at which a task's writes are committed before it is complete, unless
	// many tasks have to share restoreShare of Config.Memory. One as large is a sorted run for the database: it
	// takes half a memtable or more, and so does not pass through one.
	restoreBatch = 12 << 20
	restoreShare = 4
)

// applyTask takes change records into one task, and commits them if they are enough, or the last.
func (r *restorer) applyTask(re *restoring, parts []*kafka.Restored, limit int) error {
	now := re.standby
	for _, p := range parts {
		s := r.byTP[p.TopicPartition]
		if p.Err != nil {
			if err := re.commit(); err != nil {
				return err
			}
			if err := s.startOver(r.in, p); err != nil {
				return err
			}
			continue
		}
		b := re.batch(s.backend)
		for i := range p.Records {
			rec := &p.Records[i]
			if rec.Key == nil {
				continue // not a change record; nothing of ours writes one
			}
			if err := s.apply(b, rec); err != nil {
				return err
			}
		}
		s.reach(p.Next)
		if s.next = p.Next; !slices.Contains(re.ahead, s) {
			re.ahead = append(re.ahead, s)
		}
		now = now || p.Done
	}
	if !now && re.size() < limit {
		return nil
	}
	return re.commit()
}

// batch returns the batch for the task's stores in a backend. Those in memory have no use for order.
func (re *restoring) batch(of statestore.Backend) statestore.Batch {
	b := re.batches[of]
	if b != nil {
		return b
	}
	if b = of.NewBatch(); of == re.entry.persistent {
		b = statestore.NewSorted(b)
	}
	if re.batches == nil {
		re.batches = make(map[statestore.Backend]statestore.Batch)
	}
	re.batches[of] = b
	return b
}

// size is about what is held until the next commit, in bytes.
func (re *restoring) size() (n int) {
	for _, b := range re.batches {
		n += b.Size()
	}
	for _, s := range re.ahead {
		if s.restorer != nil {
			n += s.restorer.Pending()
		}
	}
	return n
}

// commit brings what has been taken in to the local state, together with the positions that it reaches.
func (re *restoring) commit() error {
	for _, s := range re.ahead {
		b := re.batch(s.backend)
		if s.restorer != nil {
			s.restorer.Finish(b)
		}
		b.SetPosition(s.spec.Name, statestore.Position{Next: s.next, Topic: s.topicID, Time: s.time})
		s.written = s.time
	}
	clear(re.ahead)
	re.ahead = re.ahead[:0]
	for _, b := range re.batches {
		if err := b.Commit(); err != nil {
			return fmt.Errorf("task %s: %w", re.entry.id, err)
		}
	}
	return nil
}

// keepAll commits what has been taken in of all tasks, before the instance ends.
func (r *restorer) keepAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, re := range r.known {
		r.keepOf(re)
	}
}

// keepOf commits what has been taken in of a task that is not going to be completed now. What there was before is
// sound without it.
func (r *restorer) keepOf(re *restoring) {
	if err := re.commit(); err != nil {
		r.in.log.Warn("what was being restored is not kept", "task", re.entry.id.String(), "err", err)
	}
}
