package app

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/task"
)

const (
	// outgoings is how many runs of outputs can be on their way from a worker to its client: one that is being handed
	// over, and some that wait, for either goroutine is now and then held up for longer than a run takes.
	outgoings = 8
	// fewOutputs is how many at most the worker hands over itself when nothing is on its way: to wake the sender would
	// take longer.
	fewOutputs = 32
)

// sender hands outputs to a worker's client. For a record that is a quarter to half of the work of processing
// it, so it is done in a goroutine of its own, while the worker processes on. So are the commits of transactions, between
// the outputs before and after them. All but run are the worker's.
type sender struct {
	queue chan sending
	// free are the outgoings that are not on their way. A worker that is ahead waits for them.
	free chan *task.Outgoing
	done sync.WaitGroup
}

// sending is a run of outputs of one task, and what all runs of the task have in common; or a commit.
type sending struct {
	*task.Outgoing
	commit *committing
	client *kafka.Client
	// begins tells that a transaction begins with the run.
	begins bool
	// acks are called when an output has been written: index 0 for records of sinks, n+1 for change records of
	// store n, lettered for dead letters. They are made once, so that producing allocates no closure.
	acks     []func(partition int32, offset int64, err error)
	lettered func(partition int32, offset int64, err error)
	// failed is the first output that was not written.
	failed *atomic.Pointer[error]
	stats  *taskStats
	ctx    context.Context //nolint:containedctx // the worker's, to give up waiting for a client that is full
}

// sending makes what all outputs of a task have in common.
func (w *worker) sending(ctx context.Context, e *entry) sending {
	failed, unwritten := w.produceErr, w.unwritten // this client's: a record of one before fails nothing
	x := sending{client: w.client, failed: failed, stats: e.stats, ctx: ctx}
	fail := func(err error) {
		unwritten.add(err)
		err = fmt.Errorf("task %s: %w", e.id, err)
		failed.CompareAndSwap(nil, &err)
	}
	x.acks = make([]func(int32, int64, error), 1+len(e.stores))
	x.acks[0] = func(_ int32, _ int64, err error) {
		if err != nil {
			fail(err)
		}
	}
	x.lettered = func(_ int32, _ int64, err error) {
		if err != nil {
			fail(letterError{fmt.Errorf("keep a dead letter: %w", err)})
		}
	}
	for i, s := range e.stores {
		acked := new(atomic.Int64)
		acked.Store(-1)
		s.acked = acked
		x.acks[i+1] = func(_ int32, offset int64, err error) {
			if err != nil {
				fail(storeError{fmt.Errorf("store %q: %w", s.spec.Name, err)})
			} else if offset+1 > acked.Load() {
				acked.Store(offset + 1)
			}
		}
	}
	return x
}

func newSender() *sender {
	s := &sender{queue: make(chan sending, outgoings), free: make(chan *task.Outgoing, outgoings)}
	for range outgoings {
		s.free <- new(task.Outgoing)
	}
	s.done.Go(s.run)
	return s
}

// close ends the goroutine when all is handed over.
func (s *sender) close() {
	close(s.queue)
	s.done.Wait()
}

func (s *sender) run() {
	for x := range s.queue {
		if x.commit != nil {
			x.commit.run()
		} else {
			x.produce()
		}
		s.free <- x.Outgoing
	}
}

// send hands a task's outputs over, or has it done in order.
func (s *sender) send(t *task.Task, x sending) {
	idle := len(s.free) == outgoings
	x.Outgoing = <-s.free
	t.Take(x.Outgoing)
	if idle && len(x.Outputs) <= fewOutputs {
		x.produce()
		s.free <- x.Outgoing
		return
	}
	s.queue <- x
}

// commit has a transaction committed when the client has everything that was sent before. It takes the place of a run.
func (s *sender) commit(c *committing) { s.queue <- sending{Outgoing: <-s.free, commit: c} }

// wait returns when the client has everything, and no commit is under way.
func (s *sender) wait() {
	var all [outgoings]*task.Outgoing
	for i := range all {
		all[i] = <-s.free
	}
	for _, o := range all {
		s.free <- o
	}
}

// produce hands the run over. Once an output has waited for as long as it may, those behind it would only wait as long
// again to come to nothing.
func (x *sending) produce() {
	if !x.begin() {
		return
	}
	for i := range x.Outputs {
		if err := x.failed.Load(); err != nil && kafka.KindOf(*err) == kafka.Timeout {
			break
		}
		k, done := x.output(i)
		x.client.Produce(x.ctx, &k, done)
	}
	x.stats.sent(x.Outputs)
}

// begin begins a transaction if one begins with the run. It cannot while the one before, whose commit has failed, is open.
func (x *sending) begin() bool {
	if !x.begins {
		return true
	}
	err := x.client.Begin()
	if err != nil {
		x.failed.CompareAndSwap(nil, &err)
	}
	return err == nil
}

// output is one of them as the client takes it, and what to call when it has been written.
func (x *sending) output(i int) (kafka.Output, func(int32, int64, error)) {
	o := &x.Outputs[i]
	done := x.acks[o.Store]
	if o.Letter {
		done = x.lettered
	}
	return kafka.Output{
		Topic: o.Topic, Partition: o.Partition, Key: o.Key, Value: o.Value, PartitionKey: o.PartitionKey,
		Timestamp: o.Timestamp, Headers: o.Headers, Cause: causeOf(o.Cause),
	}, done
}
