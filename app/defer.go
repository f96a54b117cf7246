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

// hold makes the tasks of a commit ready for what comes after it. Those whose stores can keep its writes go on at once.
// Those that cannot, or whose time has come for the local state, wait until the commit has gone through: nothing later
// may get there with it. The time comes for some after the other, as many in a commit as keep up with the interval:
// their records wait meanwhile.
func (w *worker) hold(entries []*entry) error {
	deferrable := w.deferrable()
	turns := 1 + int(time.Duration(len(w.tasks))*time.Since(w.lastCommit)/writeInterval)
	for _, e := range entries {
		e.writes = e.task.Deferred() >= deferrable
		if !e.writes && turns > 0 && e.due() {
			e.writes = true
			turns--
		}
		if e.held = e.writes || !e.task.Defers(); e.held {
			continue
		}
		if err := e.task.Defer(nil); err != nil { // no store is written, so none needs a position
			return err
		}
	}
	return nil
}

// confirm tells tasks that a commit has gone through.
func (w *worker) confirm(c *committing) error {
	committed := make(map[record.TopicPartition]int64, len(c.offsets))
	for tp, o := range c.offsets {
		committed[tp] = o.Next
	}
	for _, e := range c.entries {
		if err := e.confirm(committed); err != nil {
			return err
		}
		e.stats.measure(e.task)
	}
	w.refusals.committed()
	w.in.purge.committed(committed)
	return nil
}

// due tells whether it is time for the task's local state.
func (e *entry) due() bool { return time.Since(e.written) >= writeInterval }

// confirm tells the task that a commit with these offsets has gone through.
func (e *entry) confirm(committed map[record.TopicPartition]int64) error {
	e.confirmed = now()
	if !e.held {
		return nil
	}
	e.held = false
	if !e.writes {
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
	if w.committing != nil { // what tasks keep is not known to be committed
		return false
	}
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
