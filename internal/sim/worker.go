package sim

import (
	"slices"

	"github.com/leatstream/leat/partition"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

// worker runs tasks (app/worker.go). One call of step is what it does between two points at which the scheduler
// may interfere.
type worker struct {
	in       *instance
	number   int
	load     int
	client   *client
	commands []command
	tasks    []*entry
	open     bool
	// later are outputs that wait for the commit under way: they belong to the next transaction.
	later []*sending

	commit commitState
	// cache is nil without a record cache.
	cache *processor.Cache
}

// command is what a worker is asked to do between two turns.
type command struct {
	add     *entry
	release []*entry
}

func (w *worker) step() {
	c := &w.in.run.choices
	switch {
	case w.goesOn() && len(w.tasks) > 0 && c.in(2):
		w.turn(pick(c, w.tasks))
	case w.commit.step != idle:
		w.goOn()
	case len(w.commands) > 0:
		cmd := w.commands[0]
		w.commands = w.commands[1:]
		if cmd.add != nil && !cmd.add.gone {
			w.start(cmd.add)
		}
		if cmd.release != nil {
			release := func() {
				for _, e := range cmd.release {
					w.stop(e)
				}
				w.in.released(cmd.release)
			}
			if w.in.run.cfg.Bug == LateWrite && !cmd.release[0].lost {
				w.in.released(cmd.release)
				release = func() {
					for _, e := range cmd.release {
						w.stop(e)
					}
				}
			}
			w.beginCommit(release)
		}
	case c.in(6):
		w.beginCommit(nil)
	case len(w.tasks) > 0:
		w.turn(pick(c, w.tasks))
	}
}

// start makes a restored task's running part.
func (w *worker) start(e *entry) {
	t, err := task.New(task.Config{
		Application: application, Subtopology: e.sub, Partition: int32(e.id.partition),
		Persistent: e.persistent, Memory: e.memory, MaxIdle: -1, Now: w.in.run.now, CacheEntries: 3,
		EveryUpdate: w.in.run.everyUpdate, Cache: w.cache,
	})
	if err != nil {
		w.in.run.checks.fail("start task %v: %v", e.id, err)
		return
	}
	e.task = t
	e.at = make(map[record.TopicPartition]int64)
	for i, tp := range t.Inputs() {
		o := e.start[tp]
		t.Resume(i, o.next, o.time)
		e.at[tp] = o.next
	}
	for _, s := range e.stores {
		if s.acked == nil || w.in.run.cfg.Bug != OldAcks {
			s.acked = new(int64)
			*s.acked = -1
		}
	}
	w.tasks = append(w.tasks, e)
	w.in.run.trace("%s/%d starts task %v at %v", w.in.name, w.number, e.id, e.at)
}

// stop lets go of a task.
func (w *worker) stop(e *entry) {
	if e.task == nil {
		w.in.cancel(e)
	} else if !e.dead && w.in.run.choices.in(2) {
		w.in.run.checks.must(e.task.Settle(e.positions(nil)))
		w.in.run.checkStores(w.in, e)
	}
	w.detach(e)
}

func (w *worker) detach(e *entry) {
	w.tasks = slices.DeleteFunc(w.tasks, func(x *entry) bool { return x == e })
	if e.task != nil {
		w.in.run.checks.must(e.task.Close())
		e.task = nil
	}
}

// turn fetches for one task and lets it process.
func (w *worker) turn(e *entry) {
	r := w.in.run
	if e.dead || e.held && r.cfg.Bug != NotHeld {
		return
	}
	for i, tp := range e.task.Inputs() {
		l := r.broker.log(tp)
		committed := r.cfg.ExactlyOnce && r.cfg.Bug != ReadUncommitted
		recs, next := l.read(e.at[tp], l.end(), 1+r.choices.below(4), committed)
		if e.task.Buffered(i) < 5 && next > e.at[tp] {
			e.at[tp] = next
			e.task.Offer(i, recs, next)
		}
	}
	for n := r.choices.below(5); n > 0 && e.task.Step(r.now); n-- {
	}
	e.task.Punctuate(r.now)
	w.send(e, e.task.Outputs())
	r.checks.must(e.task.Err())
}

// send hands outputs to the client. Exactly once, the first of them begins a transaction.
func (w *worker) send(e *entry, outputs []processor.Output) {
	if len(outputs) == 0 {
		return
	}
	later := w.goesOn() && w.commit.step < ended && w.in.run.cfg.Bug != OneTransaction
	if w.in.run.cfg.ExactlyOnce && !w.open {
		if !later {
			w.client.begin()
		}
		w.open = true
	}
	for _, o := range outputs {
		s := &sending{Output: o, to: record.TopicPartition{Topic: o.Topic, Partition: o.Partition}, ack: func(int64) {}}
		if o.Partition < 0 {
			s.to.Partition = partition.Of(o.Key, partitions)
		}
		if o.Store > 0 {
			acked := e.stores[o.Store-1].acked
			s.ack = func(offset int64) { *acked = max(*acked, offset+1) }
		}
		if later {
			w.later = append(w.later, s)
		} else {
			w.client.queue = append(w.client.queue, s)
		}
	}
}

// sendLater sends what has waited for the transaction to end.
func (w *worker) sendLater() {
	if len(w.later) > 0 {
		w.client.begin()
	}
	w.client.queue = append(w.client.queue, w.later...)
	w.later = nil
}
