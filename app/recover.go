package app

import (
	"context"
	"errors"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/task"
)

// recoveryPause keeps a worker that fails again and again from keeping a core busy.
const recoveryPause = 100 * time.Millisecond

// recover decides what an error of a commit, or of writing outputs, means.
//
// What time may cure, or what another owner of the transactional id or of the tasks has brought about, costs
// the worker its open transaction and the uncommitted work of all its tasks, nothing else: the client is
// replaced, which ends the transaction, and the tasks go back to the restorer. That asks the broker which
// offsets are committed (so a commit whose outcome is unknown is resolved there and nowhere else) and
// completes the local state, which is that of the last commit known, from the changelog. So it goes with outputs
// that the broker refuses, which are left to the production policy the next time: see refusals.
//
// Everything else stops the instance.
func (w *worker) recover(ctx context.Context, err error) {
	delay, again := w.learn(ctx, err)
	if !again && !passing(err) {
		w.fail(err)
		for _, e := range w.tasks {
			e.dead = true
		}
		return
	}
	w.in.log.Warn("the work since the last commit is given up; tasks are restored and go on", "worker", w.number, "tasks", len(w.tasks), "err", err)
	pause(ctx, max(recoveryPause, delay))
	w.client.Close()
	w.sender.wait() // what it still has comes to nothing
	if w.open {     // or the restore would wait until the broker has timed it out
		w.open = false
		id := transactionalID(w.in.cfg.Application, w.in.state.process, w.number)
		if err := w.in.admin.Fence(ctx, id); err != nil {
			w.in.log.Warn("the transaction that was given up ends only by its timeout", "transactional_id", id, "err", err)
		}
	}
	if err := w.connect(); err != nil {
		w.fail(err)
		return
	}
	for _, e := range append([]*entry(nil), w.tasks...) {
		w.detach(e)
		e.dead, e.held = false, false
		if e.gone.Load() {
			continue
		}
		e.running.Store(false)
		w.in.mu.Lock()
		w.in.restoring++
		w.in.mu.Unlock()
		w.in.restore.add(e)
	}
	w.in.settle()
}

// passing tells whether an error is one that a worker recovers from.
func passing(err error) bool {
	var bad task.RecordError
	if errors.As(err, &bad) {
		return false
	}
	if errors.Is(err, errLost) {
		return true
	}
	switch kafka.KindOf(err) {
	case kafka.Unreachable, kafka.Fenced, kafka.Retriable, kafka.Timeout:
		return true
	default:
		return false
	}
}

// abort gives up the open transaction before the worker ends.
func (w *worker) abort(ctx context.Context) {
	if !w.open {
		return
	}
	w.open = false
	w.sender.wait()
	if err := w.client.End(ctx, false); err != nil {
		w.in.log.Warn("the open transaction could not be aborted; it ends by its timeout", "worker", w.number, "err", err)
	}
}
