package task

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/processor"
)

// Action is what becomes of a record that went wrong.
type Action uint8

const (
	// Fail stops the application with an error that names the record. Nothing after it is committed.
	Fail Action = iota
	// Skip leaves the record out, counts it and goes on.
	Skip
	// DeadLetter writes the record as it was read, with headers that say what went wrong, to the policy's
	// dead-letter topic, counts it and goes on. Under exactly once the letter is part of the transaction.
	DeadLetter
)

// ErrorPolicy says what to do when a record cannot be read, user code returns an error or panics, or an output
// is refused. Its zero value fails at the first error.
type ErrorPolicy struct {
	// Retries is how often a Try operator or a processor is called again, or the work since the last commit is
	// done again because the broker refused an output of it, before Then applies. Bytes that cannot be read do
	// not change: deserialization is not retried.
	Retries int
	// Backoff is the time before the first retry; it doubles with each, up to MaxBackoff. Zero means 100 ms
	// and 10 s.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// Then applies when there are no retries left.
	Then Action
	// DeadLetterTopic is where [DeadLetter] writes to. It must exist.
	DeadLetterTopic string
	// Handler, if set, decides in place of Then. It is called from the worker that runs the task.
	Handler func(RecordError) Action
}

func (p *ErrorPolicy) decide(e RecordError) Action {
	if p.Handler != nil {
		return p.Handler(e)
	}
	return p.Then
}

// Delay returns the time to wait before a retry, given the number of tries so far.
func (p *ErrorPolicy) Delay(tries int) time.Duration {
	d, most := p.Backoff, p.MaxBackoff
	if d <= 0 {
		d = 100 * time.Millisecond
	}
	if most <= 0 {
		most = 10 * time.Second
	}
	for ; tries > 1 && d < most; tries-- {
		d *= 2
	}
	return min(d, most)
}

// RecordError is an error in processing one record, or a punctuator, in which case Source is empty.
type RecordError struct {
	Task   string
	Node   string
	Source processor.Source
	// Timestamp is that of the record, in milliseconds.
	Timestamp int64
	Err       error
}

func (e RecordError) Error() string {
	if e.Source.Topic == "" {
		if e.Node == "" {
			return fmt.Sprintf("task %s: %v", e.Task, e.Err)
		}
		return fmt.Sprintf("task %s: node %q: %v", e.Task, e.Node, e.Err)
	}
	if e.Node == "" {
		return fmt.Sprintf("task %s: %s[%d]@%d: %v", e.Task, e.Source.Topic, e.Source.Partition, e.Source.Offset, e.Err)
	}
	return fmt.Sprintf("task %s: node %q: %s[%d]@%d: %v", e.Task, e.Node, e.Source.Topic, e.Source.Partition, e.Source.Offset, e.Err)
}

func (e RecordError) Unwrap() error { return e.Err }

func (t *Task) recordError(node string, err error) RecordError {
	e := RecordError{Task: t.id, Node: node, Timestamp: t.timestamp, Err: err}
	if t.hasSource {
		e.Source = t.source
	}
	return e
}

func (t *Task) describe(node string, err error) error { return t.recordError(node, err) }
