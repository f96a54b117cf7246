package app

import (
	"context"
	"slices"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

// maybeCommit begins a commit when the interval has passed, when user code asked for it, when much is waiting, or,
// not below the floor, when the worker has caught up with its inputs and nothing is in the record cache, which holds
// updates back for the interval. At least once, where each commit only keeps the worker from the next records, it waits
// until none have come for as long as the floor. It returns how long a commit can wait.
func (w *worker) maybeCommit(ctx context.Context, caughtUp bool) time.Duration {
	cfg := w.in.cfg
	if w.committing.underWay() {
		return cfg.CommitInterval
	}
	w.conclude(ctx)
	w.touch()
	since := time.Since(w.lastCommit)
	var wanted, needed bool
	var pending int64
	for _, e := range w.tasks {
		if e.dead {
			continue
		}
		wanted = wanted || e.task.CommitWanted()
		needed = needed || e.task.CommitNeeded()
		pending += int64(e.task.Pending())
	}
	floor := min(max(cfg.CommitFloor, 2*w.took.least()), cfg.CommitInterval)
	if w.cache.Held() > 0 {
		floor = cfg.CommitInterval
	}
	quiet := since
	if !w.exactly { // nobody waits for the commit to see what was written
		quiet = min(since, time.Since(w.busy))
	}
	switch {
	case w.produceErr.Load() != nil: // no use in going on
	case !needed:
		return cfg.CommitInterval
	case wanted, since >= cfg.CommitInterval, pending > cfg.MaxUncommitted:
	case caughtUp && quiet >= floor:
	case caughtUp:
		return min(floor-quiet, cfg.CommitInterval-since)
	default:
		return cfg.CommitInterval - since
	}
	w.beginCommit(ctx)
	return cfg.CommitInterval
}

// durations are those of the last few commits.
type durations [4]time.Duration

func (d *durations) add(t time.Duration) {
	copy(d[1:], d[:])
	d[0] = t
}

// least is the shortest of them: one that a pause of the broker's made long says nothing about the next.
func (d *durations) least() time.Duration { return slices.Min(d[:]) }

// commit makes what the worker's tasks have processed permanent, in this order:
//
//  1. the record cache and the stores are flushed: their updates and change records are produced;
//  2. every record that was produced is acknowledged;
//  3. the offsets are committed, with the membership's generation, so that a member that has lost its tasks
//     cannot: exactly once as part of the transaction, which is then committed;
//  4. the stores' writes reach the local state in one batch a task, with the changelog positions of 2: not of each
//     commit, but of several at once (defer.go).
//
// A crash before 3 leaves the local state as of an earlier commit: at least once the records since the last one are
// processed again, exactly once their outputs never show. A crash at any time leaves the local state behind its
// changelog, which the next restore makes up for. Tasks that turn out to be lost meanwhile are left out; in
// a transaction, all of it is given up with them.
//
// Of a transaction's commit 2 and 3 are the sender's, and the worker goes on: see [committing].
func (w *worker) commit(ctx context.Context) {
	w.beginCommit(ctx)
	w.conclude(ctx)
}

// beginCommit does 1. A transaction's 2 and 3 it leaves to the sender, and 4 to conclude.
func (w *worker) beginCommit(ctx context.Context) {
	w.conclude(ctx)
	if w.failed { // nothing after a failure counts
		w.abort(ctx)
		return
	}
	c := &committing{
		worker: w, client: w.client, failed: w.produceErr, ctx: ctx, begun: time.Now(),
		offsets: make(map[record.TopicPartition]kafka.Offset), done: make(chan struct{}),
	}
	err := w.prepare(ctx, c)
	c.open, w.open = w.open, false // what comes after it belongs to the next transaction
	w.committing = c
	switch {
	case err != nil:
		c.over(err)
	case c.open && !w.refusals.some():
		w.sender.commit(c)
		return
	default:
		w.sender.wait()
		c.run()
	}
	w.conclude(ctx)
}

// prepare does 1.
func (w *worker) prepare(ctx context.Context, c *committing) error {
	for _, e := range w.tasks {
		switch {
		case e.lost.Load():
			e.dead = true
			if w.open {
				return errLost // its outputs are in the transaction
			}
			continue
		case e.dead || !e.task.CommitNeeded():
			continue
		}
		p, err := e.task.Prepare()
		if err != nil {
			return err
		}
		if err := w.send(ctx, e); err != nil {
			return err
		}
		for _, o := range p.Offsets {
			c.offsets[o.TopicPartition] = kafka.Offset{Next: o.Next, Metadata: changelog.Metadata{PartitionTime: o.Time, Processors: o.Times}.Encode()}
		}
		c.entries = append(c.entries, e)
	}
	return w.hold(c.entries)
}

// conclude waits for the commit that is under way, if there is one, and does 4.
func (w *worker) conclude(ctx context.Context) {
	c := w.committing
	if c == nil {
		return
	}
	<-c.done
	w.committing = nil
	took := c.ended.Sub(c.begun)
	w.lastCommit = c.ended
	w.took.add(took)
	err := c.err
	if err == nil {
		err = w.confirm(c)
	} else {
		w.open = w.open || c.open // as far as anybody knows
	}
	if err != nil {
		w.recover(ctx, err)
		return
	}
	w.in.app.metrics.commit.observe(took)
}
