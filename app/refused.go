package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

// The broker refuses outputs when the records that led to them have been processed, and what comes after them
// too: it cannot be made undone in the open transaction, nor in the state. So the worker gives the work since
// the last commit up, as after any other failure that passes (worker.recover), and knows better the next time:
//
//   - A topic that takes nothing (it is gone, or writing is not permitted) is tried again as often as the
//     production policy says. Then its outputs are left to the policy as they are made, for refusedFresh.
//   - A refused batch does not tell which of its records was to blame. All become suspects, which are sent one
//     by one the next time. One that is refused alone is condemned: it is left to the policy the next time.
//
// Outputs are known again by their Cause.

// refusedFresh is how long a topic is taken to refuse everything before it is tried again.
const refusedFresh = time.Minute

// maxVerdicts bounds what is known of single outputs. What is forgotten is found out again.
const maxVerdicts = 1 << 20

// refusals are what a worker knows of outputs that are not taken.
type refusals struct {
	outputs map[kafka.Cause]*verdict
	topics  map[string]*verdict
}

// unwritten collects the errors of one client's outputs. Its goroutine adds to them.
type unwritten struct {
	mu   sync.Mutex
	errs []error
}

func (u *unwritten) add(err error) {
	u.mu.Lock()
	u.errs = append(u.errs, err)
	u.mu.Unlock()
}

func (u *unwritten) all() []error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.errs
}

// verdict is what is known of an output, or of a topic.
type verdict struct {
	err error
	// tries counts how often it was refused, on its own.
	tries int
	// condemned leaves it to the production policy.
	condemned bool
	// met tells that it came up again since the last commit.
	met bool
	// until is when a topic is tried again.
	until time.Time
}

// letterError is about a dead letter: there is nowhere to put it, so that no policy applies.
type letterError struct{ error }

func (e letterError) Unwrap() error { return e.error }

func causeOf(c processor.Cause) kafka.Cause {
	return kafka.Cause{TopicPartition: c.Source.TopicPartition, Offset: c.Source.Offset, Number: c.Number}
}

// refused implements task.Config.Refused.
func (w *worker) refused(topic string, cause processor.Cause) error {
	r := &w.refusals
	if v := r.topics[topic]; v != nil && v.condemned {
		if time.Now().Before(v.until) {
			return v.err
		}
		v.condemned, v.tries = false, 0
	}
	if len(r.outputs) == 0 {
		return nil
	}
	if v := r.outputs[causeOf(cause)]; v != nil && v.condemned {
		v.met = true
		return v.err
	}
	return nil
}

// some tells whether there are outputs to look out for.
func (r *refusals) some() bool { return len(r.outputs) > 0 }

// suspect tells whether an output is to be sent in a batch of its own.
func (r *refusals) suspect(o *processor.Output) bool {
	if o.Store > 0 {
		return false
	}
	v := r.outputs[causeOf(o.Cause)]
	if v != nil {
		v.met = true
	}
	return v != nil
}

// committed forgets what the commit has settled.
func (r *refusals) committed() {
	for c, v := range r.outputs {
		if v.met {
			delete(r.outputs, c)
		}
	}
	for topic, v := range r.topics {
		if !v.condemned {
			delete(r.topics, topic)
		}
	}
}

// released forgets what is known of a task's outputs.
func (r *refusals) released(inputs []record.TopicPartition) {
	for c := range r.outputs {
		for _, tp := range inputs {
			if c.TopicPartition == tp {
				delete(r.outputs, c)
			}
		}
	}
}

// learn works out what the outputs mean that were not written, err being the first of them. It reports whether
// doing the work again leads on, and how long to wait before.
func (w *worker) learn(ctx context.Context, err error) (delay time.Duration, ok bool) {
	if _, refusal := kafka.Refusal(err); !refusal || errors.As(err, new(letterError)) {
		return 0, false
	}
	found := w.unwritten.all()
	if w.smallerBatches(ctx, found) {
		return 0, true
	}
	r, p := &w.refusals, &w.in.cfg.Production
	if r.outputs == nil || len(r.outputs) > maxVerdicts {
		r.outputs, r.topics = make(map[kafka.Cause]*verdict), make(map[string]*verdict)
	}
	judge := func(v *verdict, err error) {
		v.err, v.met = err, false
		v.tries++
		if v.condemned = v.tries > p.Retries; !v.condemned {
			delay = max(delay, p.Delay(v.tries))
		}
	}
	alone := make(map[string]int)
	for _, err := range found {
		if e, is := errors.AsType[*kafka.Error](err); is {
			alone[e.Topic]++
		}
	}
	counted := make(map[string]bool)
	for _, err := range found {
		whole, refusal := kafka.Refusal(err)
		e, _ := errors.AsType[*kafka.Error](err)
		c, known := kafka.CauseOf(err)
		switch {
		case !refusal: // it came to nothing along with the others
		case errors.As(err, new(storeError)):
			return 0, false
		case whole && p.Retries == 0 && p.Then == task.Fail && p.Handler == nil:
			return 0, false // the error names the topic; no record is to blame
		case whole:
			ok = true
			if v := valueOf(r.topics, e.Topic); !counted[e.Topic] {
				counted[e.Topic] = true
				judge(v, err)
				v.until = time.Now().Add(refusedFresh)
			}
		case !known: // it would not be known again; but perhaps it is not the one to blame
		case r.outputs[c] != nil, alone[e.Topic] == 1:
			ok = true
			judge(valueOf(r.outputs, c), err)
		default:
			ok = true
			valueOf(r.outputs, c).err = err
		}
	}
	return delay, ok
}

// valueOf returns the verdict of a key, a new one if there was none.
func valueOf[K comparable](m map[K]*verdict, k K) *verdict {
	if m[k] == nil {
		m[k] = new(verdict)
	}
	return m[k]
}

// storeError is about a change record. State without it would be lost, so no policy applies.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// smallerBatches makes the next client's batches no larger than the topics take that have refused some for
// their size. It reports whether that is what was wrong.
func (w *worker) smallerBatches(ctx context.Context, found []error) bool {
	smaller := false
	for _, err := range found {
		e, is := errors.AsType[*kafka.Error](err)
		if !is || e.Kind != kafka.TooLarge {
			continue
		}
		w.sinks.forget(e.Topic) // its limit may be another by now
		if limit, ok := w.sinks.limit(ctx, e.Topic); ok && limit < w.batchLimit {
			w.batchLimit, smaller = limit, true
			w.in.log.Warn("batches are larger than a topic takes; from now on they are smaller", "worker", w.number,
				"topic", e.Topic, "bytes", limit)
		}
	}
	return smaller
}
