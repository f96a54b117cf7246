package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

// offer puts what was fetched into the queues of the tasks.
func (w *worker) offer(ctx context.Context, fetches []kafka.Fetch) {
	for i := range fetches {
		f := &fetches[i]
		e := w.byInput[f.TopicPartition]
		if e == nil || e.dead {
			continue
		}
		n := e.numbers[f.TopicPartition]
		if f.Err == nil || len(f.Records) > 0 {
			e.task.Offer(n, f.Records, f.Next)
		}
		if f.Err != nil {
			w.repair(ctx, e, f)
			continue
		}
		e.stats.fetched(f.TopicPartition, f.End-f.Next)
		if e.task.Buffered(n) > pauseAbove && !e.paused[f.TopicPartition] {
			e.paused[f.TopicPartition] = true
			w.client.Pause([]record.TopicPartition{f.TopicPartition})
		}
	}
}

// repair deals with an input that cannot be read on. Only an offset that is out of range has a remedy, if the
// source says where to begin again.
func (w *worker) repair(ctx context.Context, e *entry, f *kafka.Fetch) {
	err := f.Err
	if errors.Is(err, kafka.OffsetOutOfRange) {
		var next int64
		if next, err = w.in.resetOffset(ctx, e.sub, f.TopicPartition, f.Err); err == nil {
			w.in.log.Warn("the offset to read next is gone; beginning anew as the source's offset reset says",
				"task", e.id.String(), "topic", f.Topic, "partition", f.Partition, "offset", next, "err", f.Err)
			e.task.Resume(e.numbers[f.TopicPartition], next, -1)
			w.client.Assign(map[record.TopicPartition]int64{f.TopicPartition: next})
			return
		}
	}
	e.dead = true
	w.fail(fmt.Errorf("task %s: %w", e.id, err))
}

// turn lets every task process some of its records. It returns whether any did, and else how long nothing
// will be due.
func (w *worker) turn(ctx context.Context) (busy bool, wait time.Duration) {
	wait = idleWait
	for _, e := range w.tasks {
		if e.dead || e.held {
			continue
		}
		begin := time.Now()
		ms := begin.UnixMilli()
		if len(e.numbers) > 1 {
			for tp, n := range e.numbers {
				if e.task.Buffered(n) == 0 {
					lag, known := w.client.Lag(tp)
					if !known {
						lag = -1
					}
					e.task.SetLag(n, lag)
				}
			}
		}
		steps, full := 0, false
		for !full && e.task.Step(ms) {
			steps++
			full = steps == stepsPerTurn || looks(steps) && time.Since(begin) > turnTime
		}
		fired := e.task.Punctuate(ms)
		if err := w.send(ctx, e); err != nil {
			w.recover(ctx, err)
			return true, 0
		}
		if steps > 0 {
			e.stats.processed(steps, time.Since(begin))
		}
		if err := e.task.Err(); err != nil {
			e.dead = true
			w.fail(err)
			continue
		}
		busy = busy || steps > 0 || fired
		if full {
			wait = 0
		}
		w.resume(e)
		if at, ok := e.task.NextPunctuation(); ok {
			wait = min(wait, max(0, time.Duration(at-ms)*time.Millisecond))
		}
		for _, n := range e.numbers {
			if steps == 0 && e.task.Buffered(n) > 0 {
				wait = min(wait, waitForInput)
			}
		}
	}
	return busy, wait
}

// looks tells after which steps of a turn the clock is read: after every one would cost as much as a light step
// itself, and slow ones are found out at once.
func looks(steps int) bool { return steps&(steps-1) == 0 || steps%32 == 0 }

// resume lets inputs that were full be read again.
func (w *worker) resume(e *entry) {
	for tp, p := range e.paused {
		if p && e.task.Buffered(e.numbers[tp]) < resumeBelow {
			delete(e.paused, tp)
			w.client.Resume([]record.TopicPartition{tp})
		}
	}
}

// send has a task's outputs written in the background. Exactly once, the first of them begins a transaction.
func (w *worker) send(ctx context.Context, e *entry) error {
	if e.task.Unsent() == 0 {
		return nil
	}
	x := e.sending
	if w.exactly && !w.open {
		x.begins, w.open = true, true
	}
	if w.refusals.some() {
		return w.sendSuspects(ctx, e.task, x)
	}
	w.sender.send(e.task, x)
	return nil
}

// sendSuspects is send while some outputs are known that may not be taken: each of those goes in a batch of its own.
func (w *worker) sendSuspects(ctx context.Context, t *task.Task, x sending) error {
	w.sender.wait()
	x.Outgoing = new(task.Outgoing)
	t.Take(x.Outgoing)
	if !x.begin() {
		return nil
	}
	for i := range x.Outputs {
		k, done := x.output(i)
		suspect := w.refusals.suspect(&x.Outputs[i])
		if suspect {
			if err := w.client.Flush(ctx); err != nil {
				return err
			}
		}
		w.client.Produce(ctx, &k, done)
		if suspect {
			if err := w.client.Flush(ctx); err != nil {
				return err
			}
		}
	}
	x.stats.sent(x.Outputs)
	return nil
}
