package sim

import (
	"slices"

	"github.com/leatstream/leat/statestore"
)

// recover gives up the work since the last commit (app/recover.go): the client is replaced, which ends its
// transaction, and the tasks go back to the restorer.
func (w *worker) recover(err error) {
	r := w.in.run
	r.stats.Recoveries++
	r.trace("%s/%d recovers from: %v", w.in.name, w.number, err)
	if w.open {
		w.open = false
		r.broker.initialize(w.client.id)
	}
	w.connect()
	w.later = nil
	for _, e := range slices.Clone(w.tasks) {
		if r.cfg.Bug == KeepState && !e.gone {
			w.keep(e)
			continue
		}
		w.detach(e)
		e.dead, e.held = false, false
		if !e.gone {
			e.planned = false
			w.in.restoring = append(w.in.restoring, e)
		}
	}
}

// keep is what a careless recovery would do: what was written since the last commit stays in the local state.
func (w *worker) keep(e *entry) {
	if !e.held {
		_, err := e.task.Prepare()
		w.in.run.checks.must(err)
	}
	w.in.run.checks.must(e.task.Confirm(func(int) (p statestore.Position, ok bool) { return p, false }))
	w.detach(e)
	e.dead, e.held, e.planned = false, false, false
	w.in.restoring = append(w.in.restoring, e)
}
