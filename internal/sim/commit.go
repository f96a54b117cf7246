package sim

import (
	"errors"
	"slices"

	"github.com/leatstream/leat/record"
)

// commitStep is where a worker is in a commit (app/commit.go, app/committing.go). Between two of them anything may happen.
type commitStep uint8

const (
	idle commitStep = iota
	// preparing: the stores are about to be flushed and their change records handed to the client.
	preparing
	// flushing: it waits until every record is acknowledged.
	flushing
	// offsetting: the offsets are about to be committed.
	offsetting
	// ending: the transaction is about to be committed.
	ending
	// ended: it is, and the worker has not heard of it.
	ended
	// confirming: the writes of the next task are about to reach its local state.
	confirming
)

var commitSteps = [...]string{"idle", "preparing", "flushing", "offsetting", "ending", "ended", "confirming"}

// commitState is a commit under way.
type commitState struct {
	step commitStep
	// open tells that there is a transaction.
	open    bool
	entries []*entry
	offsets []commitOffset
	tries   int
	// then is what follows the commit, or the recovery from it.
	then func()
}

var errLost = errors.New("a task was lost in the middle of a transaction")

func (w *worker) beginCommit(then func()) { w.commit = commitState{step: preparing, then: then} }

func (w *worker) endCommit() {
	then := w.commit.then
	w.commit = commitState{}
	if then != nil {
		then()
	}
}

func (w *worker) failCommit(err error) {
	w.in.run.trace("%s/%d: commit, %s: %v", w.in.name, w.number, commitSteps[w.commit.step], err)
	w.open = w.open || w.commit.open
	w.recover(err)
	w.endCommit()
}

// goOn takes the next step of the commit.
func (w *worker) goOn() {
	bug := w.in.run.cfg.Bug
	switch w.commit.step {
	case preparing:
		if err := w.prepare(); err != nil {
			w.failCommit(err)
			return
		}
		if len(w.commit.entries) == 0 && !w.open {
			w.endCommit()
			return
		}
		w.hold()
		w.commit.step, w.commit.open, w.open = flushing, w.open, false
	case flushing:
		switch {
		case w.client.err != nil:
			w.failCommit(w.client.err)
		case bug == CommitBeforeAck, len(w.client.queue) == 0 && len(w.client.unacked) == 0:
			w.commit.step = offsetting
		}
	case offsetting:
		w.commitOffsets()
	case ending:
		w.end()
	case ended:
		w.commit.step = confirming
	case confirming:
		w.confirm()
	}
}

// goesOn tells whether tasks are processed while the commit is under way. Before tasks are given up the worker waits.
func (w *worker) goesOn() bool {
	return w.commit.open && w.commit.then == nil && w.commit.step >= flushing && w.commit.step <= ended
}

// hold makes the tasks of the commit ready for what comes after it (app/defer.go).
func (w *worker) hold() {
	for _, e := range w.commit.entries {
		e.writes = w.in.run.choices.in(2)
		if e.held = e.writes || !e.task.Defers(); !e.held {
			w.in.run.checks.must(e.task.Defer(nil))
		}
	}
}

func (w *worker) prepare() error {
	for _, e := range w.tasks {
		switch {
		case e.lost:
			e.dead = true
			if w.open {
				return errLost
			}
			continue
		case e.dead || !e.task.CommitNeeded():
			continue
		}
		c, err := e.task.Prepare()
		w.in.run.checks.must(err)
		w.send(e, e.task.Outputs())
		for _, o := range c.Offsets {
			if w.in.run.cfg.Bug == NoOffsets && e.start[o.TopicPartition].next == o.Next {
				continue
			}
			e.start[o.TopicPartition] = commitOffset{next: o.Next}
			w.commit.offsets = append(w.commit.offsets, commitOffset{TopicPartition: o.TopicPartition, next: o.Next, time: o.Time, task: e.id})
		}
		w.commit.entries = append(w.commit.entries, e)
	}
	return nil
}

func (w *worker) commitOffsets() {
	r := w.in.run
	var kept []*entry
	for _, e := range w.commit.entries {
		if !e.lost {
			kept = append(kept, e)
			continue
		}
		e.dead = true
		if w.commit.open {
			w.failCommit(errLost)
			return
		}
		w.commit.offsets = slices.DeleteFunc(w.commit.offsets, func(o commitOffset) bool { return o.task == e.id })
	}
	w.commit.entries = kept
	var err error
	if !w.commit.open || len(w.commit.offsets) > 0 {
		err = r.request(func() error {
			member, generation := w.in.member, w.in.generation
			if r.cfg.Bug == NoGeneration && len(r.broker.group.members) > 0 {
				member, generation = r.broker.group.members[0].id, r.broker.group.generation
			}
			if member == "" || generation < 0 {
				return errFenced
			}
			if w.commit.open && r.cfg.Bug != OffsetsBeforeEnd {
				return r.broker.commitInTransaction(w.client.id, w.client.epoch, member, generation, w.commit.offsets)
			}
			return r.broker.group.commit(member, generation, w.commit.offsets)
		})
	}
	r.trace("%s/%d: generation %d commits %s: %v", w.in.name, w.number, w.in.generation, w.commit.offsets, err)
	switch {
	case err == nil && w.commit.open:
		w.commit.step = ending
	case err == nil:
		w.commit.step = confirming
	case w.commit.open && errors.Is(err, errProducerFenced):
		w.failCommit(err)
	case w.commit.tries > 20, errors.Is(err, errTimeout) && r.choices.in(3): // the time for it is over
		w.failCommit(err)
	default:
		w.commit.tries++
	}
}

func (w *worker) end() {
	r := w.in.run
	if r.cfg.Bug == StateBeforeEnd && len(w.commit.entries) > 0 && !w.commit.entries[0].dead {
		for _, e := range w.commit.entries {
			w.apply(e)
		}
	}
	err := r.request(func() error { return r.broker.end(w.client.id, w.client.epoch, true) })
	r.trace("%s/%d: end: %v", w.in.name, w.number, err)
	if errors.Is(err, errTimeout) && r.cfg.Bug == TrustTimeout {
		err = nil
	}
	if err != nil {
		w.failCommit(err)
		return
	}
	w.commit.step = ended
	w.sendLater()
}

// confirm brings the writes of one task into its local state.
func (w *worker) confirm() {
	if len(w.commit.entries) == 0 {
		w.in.run.stats.Commits++
		w.endCommit()
		return
	}
	e := w.commit.entries[0]
	w.commit.entries = w.commit.entries[1:]
	if w.in.run.cfg.Bug == CheckpointAhead && w.checkpoint(e) {
		return
	}
	w.apply(e)
	w.in.run.checkStores(w.in, e)
}

func (w *worker) apply(e *entry) {
	if !e.held {
		return
	}
	e.held = false
	positions := e.positions(w.committed())
	if e.writes {
		w.in.run.checks.must(e.task.Confirm(positions))
	} else {
		w.in.run.checks.must(e.task.Defer(positions))
	}
}

func (w *worker) committed() map[record.TopicPartition]int64 {
	committed := make(map[record.TopicPartition]int64)
	for _, o := range w.commit.offsets {
		committed[o.TopicPartition] = o.next
	}
	return committed
}

// checkpoint writes the positions by themselves, first; the rows follow in the next step.
func (w *worker) checkpoint(e *entry) (first bool) {
	committed := w.committed()
	for i, s := range e.stores {
		p, ok := e.position(i, committed)
		if was, had, err := s.backend.Position(s.spec.Name); err != nil || !ok || had && was.Next >= p.Next {
			continue
		}
		b := s.backend.NewBatch()
		b.SetPosition(s.spec.Name, p)
		w.in.run.checks.must(b.Commit())
		first = true
	}
	if first {
		w.commit.entries = slices.Insert(w.commit.entries, 0, e)
	}
	return first
}
