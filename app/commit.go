package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

// commitRetry is the wait between two tries of an offset commit.
const commitRetry = 50 * time.Millisecond

// maybeCommit commits when the interval has passed, when user code asked for it, when much is waiting, or,
// not below the floor, when the worker has caught up with its inputs and nothing is in the record cache, which holds
// updates back for the interval. At least once, where each commit only keeps the worker from the next records, it waits
// until none have come for as long as the floor. It returns how long a commit can wait.
func (w *worker) maybeCommit(ctx context.Context, caughtUp bool) time.Duration {
	w.touch()
	since := time.Since(w.lastCommit)
	cfg := w.in.cfg
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
	w.commit(ctx)
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
func (w *worker) commit(ctx context.Context) {
	begin := time.Now()
	if w.failed { // nothing after a failure counts
		w.abort(ctx)
		return
	}
	err := w.tryCommit(ctx)
	w.lastCommit = time.Now()
	took := w.lastCommit.Sub(begin)
	w.took.add(took)
	if err != nil {
		w.recover(ctx, err)
		return
	}
	w.in.app.metrics.commit.observe(took)
}

func (w *worker) tryCommit(ctx context.Context) error {
	offsets := make(map[record.TopicPartition]kafka.Offset)
	var entries []*entry
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
		c, err := e.task.Prepare()
		if err != nil {
			return err
		}
		if err := w.send(ctx, e); err != nil {
			return err
		}
		for _, o := range c.Offsets {
			offsets[o.TopicPartition] = kafka.Offset{Next: o.Next, Metadata: changelog.Metadata{PartitionTime: o.Time, Processors: o.Times}.Encode()}
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 && !w.open {
		return nil
	}
	if err := w.flush(ctx); err != nil {
		return fmt.Errorf("worker %d: wait for outputs to be written: %w", w.number, err)
	}
	if err := w.produceErr.Load(); err != nil {
		return *err
	}
	entries, err := w.commitOffsets(ctx, entries, offsets)
	if err != nil {
		return err
	}
	committed := make(map[record.TopicPartition]int64, len(offsets))
	for tp, o := range offsets {
		committed[tp] = o.Next
	}
	if err := w.confirm(entries, committed); err != nil {
		return err
	}
	w.refusals.committed()
	w.in.purge.committed(committed)
	return nil
}

// errLost tells that a transaction holds outputs of a task that others have.
var errLost = errors.New("a task was lost in the middle of a transaction")

// commitOffsets commits, trying again as long as the group is busy with a rebalance. It returns the entries
// that the commit holds for: those that were not lost meanwhile.
func (w *worker) commitOffsets(ctx context.Context, entries []*entry, offsets map[record.TopicPartition]kafka.Offset) ([]*entry, error) {
	deadline := time.Now().Add(w.in.cfg.TaskTimeout)
	if w.open { // the broker ends the transaction before long
		deadline = time.Now().Add(w.in.cfg.TransactionTimeout)
	}
	for {
		kept := entries[:0]
		for _, e := range entries {
			if e.lost.Load() || w.in.group.outdated(e) {
				e.dead = true
				if w.open {
					return nil, errLost
				}
				for _, tp := range e.inputs {
					delete(offsets, tp)
				}
				continue
			}
			kept = append(kept, e)
		}
		entries = kept
		var err error
		switch {
		case w.open && len(offsets) > 0:
			err = w.in.group.commitIn(ctx, w.client, entries, offsets)
		case !w.open:
			err = w.in.group.commit(ctx, offsets)
		}
		switch {
		case err == nil && w.open:
			if err := w.client.End(ctx, true); err != nil {
				return entries, err // it stays open as far as anybody knows
			}
			w.open = false
			return entries, nil
		case err == nil:
			return entries, nil
		case ctx.Err() != nil || time.Now().After(deadline):
			return entries, fmt.Errorf("worker %d: %w", w.number, err)
		case w.open && kafka.ProducerFenced(err):
			return entries, err
		case errors.Is(err, kafka.Fenced), errors.Is(err, kafka.Retriable), errors.Is(err, kafka.Unreachable):
			// Fenced is either a generation that this member has not heard of yet, which passes, or the
			// loss of its tasks, which the membership is about to tell.
			pause(ctx, commitRetry)
		default:
			return entries, fmt.Errorf("worker %d: %w", w.number, err)
		}
	}
}

// commit commits offsets with the membership's generation.
func (g *group) commit(ctx context.Context, offsets map[record.TopicPartition]kafka.Offset) error {
	m := g.member.Load()
	if m == nil { // tasks can be handed over before Join has returned
		return &kafka.Error{Kind: kafka.Retriable, Op: "commit offsets", Partition: -1}
	}
	return m.Commit(ctx, offsets)
}

// commitIn adds offsets of entries to a client's transaction, with the membership's generation.
func (g *group) commitIn(ctx context.Context, c *kafka.Client, entries []*entry, offsets map[record.TopicPartition]kafka.Offset) error {
	m := g.member.Load()
	if m == nil {
		return &kafka.Error{Kind: kafka.Retriable, Op: "commit offsets in a transaction", Partition: -1}
	}
	id, generation := m.Metadata()
	if id == "" || generation < 0 { // out of the group for the moment; a commit without a member would be taken
		return &kafka.Error{Kind: kafka.Retriable, Op: "commit offsets in a transaction", Partition: -1}
	}
	if slices.ContainsFunc(entries, func(e *entry) bool { return e.outdated(id) }) {
		return errLost
	}
	return c.CommitInTransaction(ctx, kafka.GroupMember{
		Group: g.in.cfg.Application, ID: id, Generation: generation, InstanceID: g.in.cfg.Instance,
	}, offsets)
}
