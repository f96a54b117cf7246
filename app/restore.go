package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// restorer brings the local state of tasks up to their changelogs before their workers run them. It reads
// all of them at the same time; a task is handed over as soon as its own stores are complete. Those of
// standbys it goes on reading until they are cancelled.
type restorer struct {
	in     *instance
	client *kafka.Restorer
	wake   chan struct{}
	keep   tombstones

	// mu guards what follows, and is held while change records are applied: a task that is cancelled is not
	// touched afterwards.
	mu    sync.Mutex
	fresh []*entry
	// known are the tasks that have been added and are neither cancelled nor handed over.
	known map[*entry]*restoring
	byTP  map[record.TopicPartition]*restoringStore
}

// restoring is a task on its way.
type restoring struct {
	entry *entry
	left  int
	// standby tells that there is no end, and no worker that waits for the task; begun, that it is being read.
	standby, begun bool
	// batches hold what has been taken in but not committed, of the stores that are ahead.
	batches map[statestore.Backend]statestore.Batch
	ahead   []*restoringStore
}

func newRestorer(in *instance) (*restorer, error) {
	client, err := kafka.NewRestorer(in.cfg.kafka(), kafka.ReadConfig{ReadCommitted: in.cfg.Guarantee == ExactlyOnce})
	if err != nil {
		return nil, err
	}
	return &restorer{
		in: in, client: client, wake: make(chan struct{}, 1),
		known: make(map[*entry]*restoring), byTP: make(map[record.TopicPartition]*restoringStore),
	}, nil
}

func (r *restorer) close() { r.client.Close() }

// add begins to restore a task.
func (r *restorer) add(e *entry) { r.begins(&restoring{entry: e}) }

func (r *restorer) begins(re *restoring) {
	r.mu.Lock()
	r.known[re.entry] = re
	r.fresh = append(r.fresh, re.entry)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// cancel stops restoring a task and reports whether it was still here; else its worker has it. What has been
// restored stays.
func (r *restorer) cancel(e *entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[e] == nil {
		return false
	}
	re := r.known[e]
	standby := re.standby
	r.keepOf(re)
	delete(r.known, e)
	for tp, s := range r.byTP {
		if s.of.entry == e {
			r.client.Cancel(tp)
			delete(r.byTP, tp)
		}
	}
	if !standby {
		r.in.mu.Lock()
		r.in.restoring--
		r.in.mu.Unlock()
	}
	return true
}

// run is the restorer's goroutine.
func (r *restorer) run(ctx context.Context) {
	refresh := time.NewTicker(refreshInterval)
	defer refresh.Stop()
	defer r.keepAll()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-r.client.Ready():
		case <-refresh.C:
			if err := r.refresh(ctx); err != nil {
				r.fail(ctx, err)
				return
			}
		}
		r.mu.Lock()
		fresh := r.fresh
		r.fresh = nil
		r.mu.Unlock()
		if len(fresh) > 0 {
			if err := r.begin(ctx, fresh); err != nil {
				r.fail(ctx, err)
				return
			}
		}
		for {
			got, err := r.client.Poll(looked, restoreRecords)
			if err != nil {
				r.fail(ctx, err)
				return
			}
			if len(got) == 0 {
				break
			}
			finished, err := r.apply(got)
			if err == nil {
				err = r.finish(ctx, finished)
			}
			if err != nil {
				r.fail(ctx, err)
				return
			}
			for i := range got {
				r.client.GiveBack(got[i].Records)
			}
		}
	}
}

func (r *restorer) fail(ctx context.Context, err error) {
	if ctx.Err() == nil {
		r.in.fail(fmt.Errorf("restore: %w", err))
	}
}

// begin works out what is to be read for new tasks.
//
// A restore ends at the log's end, whatever the isolation: what a transaction has open there is waited for.
// Were it the last stable offset, a transaction that is being committed would be missing from the state.
func (r *restorer) begin(ctx context.Context, fresh []*entry) error {
	r.in.fenceDead(ctx)
	var logs, sources []record.TopicPartition
	for _, e := range fresh {
		for _, s := range e.stores {
			if s.logged {
				logs = append(logs, s.changelog)
				if s.spec.Source != "" {
					sources = append(sources, s.changelog)
				}
			}
		}
	}
	var starts, ends map[record.TopicPartition]int64
	var committed map[record.TopicPartition]kafka.Offset
	var keep map[string]time.Duration
	var asked int64
	err := r.in.retry(ctx, "look up changelog offsets", func() (err error) {
		if keep, err = r.keep.of(ctx, r.in.admin, logs); err != nil {
			return err
		}
		asked = now()
		if starts, err = r.in.admin.StartOffsets(ctx, logs); err != nil {
			return err
		}
		if ends, err = r.in.admin.EndOffsets(ctx, logs); err != nil {
			return err
		}
		if len(sources) > 0 {
			committed, err = r.in.admin.GroupOffsets(ctx, r.in.cfg.Application, true, sources...)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, tp := range sources { // what has not been processed is not part of the state
		o, ok := committed[tp]
		if !ok {
			o.Next = starts[tp]
		}
		ends[tp] = min(ends[tp], o.Next)
	}
	r.mu.Lock()
	var ready []*restoring
	var ranges []kafka.Range
	for _, e := range fresh {
		re := r.known[e]
		if re == nil {
			continue // cancelled
		}
		for _, s := range e.stores {
			if !s.logged { // what is here is all there is
				continue
			}
			rs := &restoringStore{entryStore: s, of: re}
			rg, err := rs.plan(r.in, starts[s.changelog], ends[s.changelog], asked, keep[s.changelog.Topic])
			if err != nil {
				r.mu.Unlock()
				return err
			}
			if re.standby {
				r.byTP[s.changelog] = rs
				ranges = append(ranges, rs.follow(r.in, rg)...)
				continue
			}
			if rg.From == rg.End {
				r.in.event(RestoreEvent{Task: e.id.String(), Store: s.spec.Name, TopicPartition: s.changelog, Phase: RestoreDone, Position: rg.End, End: rg.End})
				continue
			}
			re.left++
			r.byTP[s.changelog] = rs
			ranges = append(ranges, rg)
			r.in.log.Info("restore begins", "task", e.id.String(), "store", s.spec.Name, "topic", s.changelog.Topic,
				"partition", s.changelog.Partition, "offset", rg.From, "end", rg.End)
			r.in.event(RestoreEvent{Task: e.id.String(), Store: s.spec.Name, TopicPartition: s.changelog, Phase: RestoreStart, Position: rg.From, End: rg.End})
		}
		re.begun = true
		if re.left == 0 && !re.standby {
			ready = append(ready, re)
		}
	}
	r.client.Add(ranges...)
	r.mu.Unlock()
	return r.finish(ctx, ready)
}

// apply takes change records into the local state, tasks side by side, and returns the tasks that are complete.
func (r *restorer) apply(got []kafka.Restored) ([]*restoring, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	byTask := make(map[*restoring][]*kafka.Restored)
	for i := range got {
		if s := r.byTP[got[i].TopicPartition]; s != nil {
			byTask[s.of] = append(byTask[s.of], &got[i])
		}
	}
	var (
		wg    sync.WaitGroup
		errMu sync.Mutex
		errs  []error
	)
	limit := min(restoreBatch, int(r.in.cfg.Memory)/restoreShare/max(1, len(r.known)))
	for re, parts := range byTask {
		wg.Go(func() {
			if err := r.applyTask(re, parts, limit); err != nil {
				errMu.Lock()
				errs = append(errs, err)
				errMu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var finished []*restoring
	for re, parts := range byTask {
		for _, p := range parts {
			s := r.byTP[p.TopicPartition]
			s.report(r.in, p)
			if p.Err != nil { // read again from the start
				end := s.progress.End()
				if re.standby && s.spec.Source == "" {
					end = kafka.NoEnd
				}
				r.client.Add(kafka.Range{TopicPartition: p.TopicPartition, From: p.Next, End: end})
				continue
			}
			if p.Done && !re.standby {
				delete(r.byTP, p.TopicPartition)
				re.left--
			}
		}
		if re.left == 0 && !re.standby {
			finished = append(finished, re)
		}
	}
	return finished, nil
}

// finish looks up where the inputs of complete tasks begin, and hands the tasks to their workers.
func (r *restorer) finish(ctx context.Context, done []*restoring) error {
	if len(done) == 0 {
		return nil
	}
	var inputs []record.TopicPartition
	for _, re := range done {
		inputs = append(inputs, re.entry.inputs...)
	}
	var committed map[record.TopicPartition]kafka.Offset
	err := r.in.retry(ctx, "look up committed offsets", func() (err error) {
		committed, err = r.in.admin.GroupOffsets(ctx, r.in.cfg.Application, true, inputs...)
		return err
	})
	if err != nil {
		return err
	}
	for _, re := range done {
		e := re.entry
		start := make(map[record.TopicPartition]kafka.Offset, len(e.inputs))
		for _, tp := range e.inputs {
			o, ok := committed[tp]
			if !ok {
				if o.Next, err = r.in.resetOffset(ctx, e.sub, tp, nil); err != nil {
					return fmt.Errorf("task %s: %w", e.id, err)
				}
			}
			start[tp] = o
		}
		r.mu.Lock()
		if r.known[e] != nil {
			delete(r.known, e)
			e.start = start
			e.worker.add(e)
		}
		r.mu.Unlock()
	}
	r.in.state.flushSoon()
	return nil
}

// started tells that a task is with its worker.
func (in *instance) started(e *entry) {
	e.stats.running()
	e.running.Store(true)
	in.mu.Lock()
	in.restoring--
	in.mu.Unlock()
	in.settle()
}
