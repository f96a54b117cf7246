package sim

import (
	"slices"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// restore takes one step with a task on its way to its worker (app/restore.go): it plans what to read, reads
// some of it, or looks up where the inputs begin.
func (in *instance) restore(e *entry) {
	c := &in.run.choices
	if !e.planned {
		in.plan(e)
		return
	}
	var left []*entryStore
	for _, s := range e.stores {
		if s.at < s.end {
			left = append(left, s)
		}
	}
	if len(left) > 0 {
		in.read(e, pick(c, left))
		return
	}
	in.finish(e)
}

// plan works out what is to be read. A restore ends at the log's end, whatever the isolation.
func (in *instance) plan(e *entry) {
	r := in.run
	in.fenceDead()
	for _, s := range e.stores {
		l := r.broker.log(s.changelog)
		end := l.end()
		if r.cfg.Bug == RestoreToStable && r.cfg.ExactlyOnce {
			end = l.lastStable()
		}
		if s.spec.Source != "" {
			o, _, err := r.broker.committedOffset(s.changelog, true)
			if err != nil {
				return // it is tried again
			}
			end = min(end, o.next)
		}
		p, ok, err := s.backend.Position(s.spec.Name)
		r.checks.must(err)
		at := changelog.ResumeAt(changelog.Local{Known: ok, Next: p.Next}, [16]byte{}, 0, end)
		if at.Reason != "" && (r.cfg.Bug == NoBug || r.cfg.Bug == StandbyAhead) {
			r.checks.fail("%s: state of task %v is not its changelog's: %s", in.name, e.id, at.Reason)
		}
		if at.Wipe {
			r.checks.must(s.backend.Drop(s.spec.Name))
		}
		s.engine, err = s.backend.Open(s.spec.Name)
		r.checks.must(err)
		s.at, s.end = at.From, end
	}
	e.planned = true
}

// read applies some change records.
func (in *instance) read(e *entry, s *entryStore) {
	r := in.run
	l := r.broker.log(s.changelog)
	to := s.end
	if r.cfg.Bug == RestoreShort {
		to--
	}
	committed := r.cfg.ExactlyOnce && (r.cfg.Bug != StandbyUncommitted || e.worker != nil)
	recs, next := l.read(s.at, to, 1+r.choices.below(6), committed)
	if r.cfg.Bug == RestoreShort && next == to {
		next = s.end
	}
	if next == s.at {
		return // what is open there is waited for
	}
	b := s.backend.NewBatch()
	for i := range recs {
		if row, deleted := changelog.Row(s.spec.Kind, nil, &recs[i]); deleted {
			b.Delete(s.engine, recs[i].Key)
		} else {
			b.Set(s.engine, recs[i].Key, row)
		}
	}
	b.SetPosition(s.spec.Name, statestore.Position{Next: next})
	r.checks.must(b.Commit())
	s.at = next
}

// finish looks up where the inputs begin and hands the task to its worker.
func (in *instance) finish(e *entry) {
	r := in.run
	e.start = make(map[record.TopicPartition]commitOffset)
	for _, tp := range e.inputs {
		o, ok, err := r.broker.committedOffset(tp, r.cfg.Bug != UnstableOffsets)
		if err != nil {
			return // it is tried again
		}
		if !ok {
			o.time = -1
		}
		e.start[tp] = o
	}
	in.cancel(e)
	r.stats.Restores++
	r.checkStores(in, e)
	e.worker.commands = append(e.worker.commands, command{add: e})
}

// cancel takes a task from the restorer and reports whether it was there.
func (in *instance) cancel(e *entry) bool {
	n := len(in.restoring)
	in.restoring = slices.DeleteFunc(in.restoring, func(x *entry) bool { return x == e })
	return len(in.restoring) < n
}
