package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// commitRetry is the wait between two tries of an offset commit.
const commitRetry = 50 * time.Millisecond

// maybeCommit commits when the interval has passed, when user code asked for it, or when much is waiting.
func (w *worker) maybeCommit(ctx context.Context) {
	due := !time.Now().Before(w.nextCommit)
	var pending int64
	for _, e := range w.tasks {
		if !e.dead {
			due = due || e.task.CommitWanted()
			pending += int64(e.task.Pending())
		}
	}
	if err := w.produceErr.Load(); err != nil {
		due = true // no use in going on
	}
	if due || pending > w.in.cfg.MaxUncommitted {
		w.commit(ctx, w.tasks)
		w.nextCommit = time.Now().Add(w.in.cfg.CommitInterval)
	}
}

// commit makes what tasks have processed permanent, in this order:
//
//  1. the stores are flushed: their change records are produced;
//  2. every record that was produced is acknowledged;
//  3. the offsets are committed, with the membership's generation, so that a member that has lost its tasks
//     cannot;
//  4. the stores' writes reach the local state in one batch a task, with the changelog positions of 2.
//
// A crash after 2 repeats the records since the last commit; after 3 it leaves the local state behind its
// changelog, which the next restore makes up for. Tasks that turn out to be lost meanwhile are left out: the
// local state stays that of their last commit.
func (w *worker) commit(ctx context.Context, entries []*entry) {
	begin := time.Now()
	offsets := make(map[record.TopicPartition]kafka.Offset)
	var done []*entry
	for _, e := range entries {
		if e.task == nil || e.dead || e.lost.Load() || !e.task.CommitNeeded() {
			continue
		}
		c, err := e.task.Prepare()
		if err != nil {
			e.dead = true
			w.fail(err)
			continue
		}
		if !w.send(ctx, e, e.task.Outputs()) {
			return
		}
		for _, o := range c.Offsets {
			offsets[o.TopicPartition] = kafka.Offset{Next: o.Next, Metadata: changelog.Metadata{PartitionTime: o.Time}.Encode()}
		}
		done = append(done, e)
	}
	if len(done) == 0 {
		return
	}
	if err := w.client.Flush(ctx); err != nil {
		w.abandon(done, fmt.Errorf("worker %d: wait for outputs to be written: %w", w.number, err))
		return
	}
	if err := w.produceErr.Load(); err != nil {
		w.abandon(done, *err)
		return
	}
	done, err := w.commitOffsets(ctx, done, offsets)
	if err != nil {
		w.abandon(done, err)
		return
	}
	committed := make(map[record.TopicPartition]int64, len(offsets))
	for tp, o := range offsets {
		committed[tp] = o.Next
	}
	for _, e := range done {
		if err := e.task.Confirm(func(store int) (p statestore.Position, ok bool) { return e.position(store, committed) }); err != nil {
			e.dead = true
			w.fail(err)
			continue
		}
		e.stats.measure(e.task)
	}
	w.in.purge.committed(committed)
	w.in.app.metrics.commit.observe(time.Since(begin))
}

// commitOffsets commits, trying again as long as the group is busy with a rebalance. It returns the entries
// that the commit holds for: those that were not lost meanwhile.
func (w *worker) commitOffsets(ctx context.Context, entries []*entry, offsets map[record.TopicPartition]kafka.Offset) ([]*entry, error) {
	deadline := time.Now().Add(w.in.cfg.TaskTimeout)
	for {
		kept := entries[:0]
		for _, e := range entries {
			if e.lost.Load() {
				e.dead = true
				for _, tp := range e.inputs {
					delete(offsets, tp)
				}
				continue
			}
			kept = append(kept, e)
		}
		entries = kept
		if len(offsets) == 0 {
			return entries, nil
		}
		err := w.in.group.commit(ctx, offsets)
		switch {
		case err == nil:
			return entries, nil
		case ctx.Err() != nil || time.Now().After(deadline):
			return entries, fmt.Errorf("worker %d: %w", w.number, err)
		case errors.Is(err, kafka.Fenced), errors.Is(err, kafka.Retriable), errors.Is(err, kafka.Unreachable):
			// Fenced is either a generation that this member has not heard of yet, which passes, or the
			// loss of its tasks, which the membership is about to tell.
			pause(ctx, commitRetry)
		default:
			return entries, fmt.Errorf("worker %d: %w", w.number, err)
		}
	}
}

// abandon gives up tasks whose commit did not succeed.
func (w *worker) abandon(entries []*entry, err error) {
	for _, e := range entries {
		e.dead = true
	}
	w.fail(err)
}

// commit commits offsets with the membership's generation.
func (g *group) commit(ctx context.Context, offsets map[record.TopicPartition]kafka.Offset) error {
	m := g.member.Load()
	if m == nil { // tasks can be handed over before Join has returned
		return &kafka.Error{Kind: kafka.Retriable, Op: "commit offsets", Partition: -1}
	}
	return m.Commit(ctx, offsets)
}
