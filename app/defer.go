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
	// writeInterval is how long, and some commits more where the time of many tasks comes at once. It adds to what a
	// crash costs beside flushInterval.
	writeInterval = 3 * time.Second
	// deferShare is the part of Config.Memory that bounds how much.
	deferShare = 8
)

// deferrable is how many bytes a task may keep from the local state.
func (w *worker) deferrable() int {
	return int(w.in.cfg.Memory / deferShare / int64(w.in.cfg.Workers*max(1, len(w.tasks))))
}

// confirm tells tasks that a commit with these offsets has gone through. Those whose time has come for the local state
// take turns, as many in a commit as keep up with the interval: records wait meanwhile.
func (w *worker) confirm(entries []*entry, committed map[record.TopicPartition]int64) error {
	deferrable := w.deferrable()
	turns := 1 + int(time.Duration(len(w.tasks))*time.Since(w.lastCommit)/writeInterval)
	for _, e := range entries {
		write := e.task.Deferred() >= deferrable
		if !write && turns > 0 && e.due() {
			write = true
			turns--
		}
		if err := e.confirm(committed, write); err != nil {
			return err
		}
		e.stats.measure(e.task)
	}
	return nil
}

// due tells whether it is time for the task's local state.
func (e *entry) due() bool { return time.Since(e.written) >= writeInterval }

// confirm tells the task that a commit with these offsets has gone through, and whether it is to write its local state.
func (e *entry) confirm(committed map[record.TopicPartition]int64, write bool) error {
	e.confirmed = now()
	if !write {
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

// settle has the local state written of a task that has nothing to commit and whose time has come. It tells whether
// there was one: then there may be others, but records come first.
func (w *worker) settle() bool {
	for _, e := range w.tasks {
		if !e.due() {
			continue
		}
		if err := e.settle(); err != nil {
			e.dead = true
			w.fail(err)
		}
		if !e.due() {
			return true
		}
	}
	return false
}
