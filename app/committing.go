package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

// commitRetry is the wait between two tries of an offset commit.
const commitRetry = 50 * time.Millisecond

// errLost tells that a transaction holds outputs of a task that others have.
var errLost = errors.New("a task was lost in the middle of a transaction")

// committing is a commit under way, from when the stores are flushed until the broker has answered three times:
// that it has the outputs, the offsets, and the end of the transaction. The more brokers must have them, the longer it
// takes. So if there is a transaction, the sender makes its commit, when the client has all outputs that came before
// and before it gets any that come after, and the worker processes on meanwhile, as far as the sender's queue goes.
//
// What is processed then is of the next transaction, and must not reach the local state with this commit: see hold.
// If the commit fails, it is given up with the rest.
type committing struct {
	worker *worker // for what belongs to no goroutine
	client *kafka.Client
	failed *atomic.Pointer[error]
	// open tells that there is a transaction.
	open    bool
	entries []*entry
	offsets map[record.TopicPartition]kafka.Offset
	begun   time.Time
	ctx     context.Context //nolint:containedctx // the worker's

	// done is closed when ended and err are set.
	done  chan struct{}
	ended time.Time
	err   error
}

// underWay tells whether there is a commit that has not ended.
func (c *committing) underWay() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// end is closed when the commit has ended; nil if there is none.
func (c *committing) end() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.done
}

// run makes the commit, when the client has all outputs.
func (c *committing) run() { c.over(c.try()) }

// over ends it, with the error that it came to.
func (c *committing) over(err error) {
	c.err, c.ended = err, time.Now()
	close(c.done)
}

func (c *committing) try() error {
	if len(c.entries) == 0 && !c.open {
		return nil
	}
	if err := c.client.Flush(c.ctx); err != nil {
		return fmt.Errorf("worker %d: wait for outputs to be written: %w", c.worker.number, err)
	}
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return c.commitOffsets()
}

// commitOffsets commits the offsets, trying again as long as the group is busy with a rebalance, and ends the
// transaction. Without one, entries that were lost meanwhile are left out.
func (c *committing) commitOffsets() error {
	in := c.worker.in
	deadline := time.Now().Add(in.cfg.TaskTimeout)
	if c.open { // the broker ends the transaction before long
		deadline = time.Now().Add(in.cfg.TransactionTimeout)
	}
	for {
		if !c.open { // and so in the worker's goroutine
			c.entries = slices.DeleteFunc(c.entries, c.leaveOut)
		} else if slices.ContainsFunc(c.entries, c.lost) {
			return errLost
		}
		var err error
		switch {
		case !c.open:
			err = in.group.commit(c.ctx, c.offsets)
		case len(c.offsets) > 0:
			err = in.group.commitIn(c.ctx, c.client, c.entries, c.offsets)
		}
		switch {
		case err == nil && c.open:
			return c.client.End(c.ctx, true)
		case err == nil:
			return nil
		case c.ctx.Err() != nil, time.Now().After(deadline):
			return fmt.Errorf("worker %d: %w", c.worker.number, err)
		case c.open && kafka.ProducerFenced(err):
			return err
		case errors.Is(err, kafka.Fenced), errors.Is(err, kafka.Retriable), errors.Is(err, kafka.Unreachable):
			// Fenced is either a generation that this member has not heard of yet, which passes, or the
			// loss of its tasks, which the membership is about to tell.
			pause(c.ctx, commitRetry)
		default:
			return fmt.Errorf("worker %d: %w", c.worker.number, err)
		}
	}
}

// lost tells whether an entry is no longer the instance's.
func (c *committing) lost(e *entry) bool { return e.lost.Load() || c.worker.in.group.outdated(e) }

// leaveOut leaves an entry out that is lost.
func (c *committing) leaveOut(e *entry) bool {
	if !c.lost(e) {
		return false
	}
	e.dead = true
	for _, tp := range e.inputs {
		delete(c.offsets, tp)
	}
	return true
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
