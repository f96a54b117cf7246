package app

import (
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
)

// The local state needs no commit to itself: until it is brought to disk, every flushInterval, it is memory that a
// crash takes, and the changelog has all of it. So commits stay with the stores, where a key that several of them
// write is one row, and reach the database together.
const (
	// writeInterval bounds how long. It adds to what a crash costs beside flushInterval.
	writeInterval = 3 * time.Second
	// deferShare is the part of Config.Memory that bounds how much.
	deferShare = 8
)

// deferrable is how many bytes a task may keep from the local state.
func (w *worker) deferrable() int {
	return int(w.in.cfg.Memory / deferShare / int64(w.in.cfg.Workers*max(1, len(w.tasks))))
}

// confirm tells the task that a commit with these offsets has gone through.
func (e *entry) confirm(committed map[record.TopicPartition]int64, deferrable int) error {
	e.confirmed = now()
	if time.Since(e.written) < writeInterval && e.task.Deferred() < deferrable {
		return e.task.Defer(e.positions(committed))
	}
	e.written = time.Now()
	return e.task.Confirm(e.positions(committed))
}

// settle brings what the task keeps from the local state into it, unless something has happened since the last commit.
func (e *entry) settle() error {
	if e.dead || e.task == nil || e.task.Deferred() == 0 {
		return nil
	}
	err := e.task.Settle(e.positions(nil))
	if e.task.Deferred() == 0 {
		e.written = time.Now()
	}
	return err
}

func (e *entry) positions(committed map[record.TopicPartition]int64) task.Positions {
	return func(store int) (statestore.Position, bool) { return e.position(store, committed) }
}

// settle has the local state written of tasks that have nothing to commit.
func (w *worker) settle() {
	for _, e := range w.tasks {
		if time.Since(e.written) < writeInterval {
			continue
		}
		if err := e.settle(); err != nil {
			e.dead = true
			w.fail(err)
		}
	}
}
