package processor

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// Context is a processor's way to its task and to the nodes after it. It is used only while the processor is
// called (Init, Process, punctuators, Close), never from another goroutine.
type Context[K, V any] struct {
	Task
	node string
	out  *Outlet[K, V]
	err  error
}

// NewContext returns the context of one node.
func NewContext[K, V any](t Task, node string, out *Outlet[K, V]) *Context[K, V] {
	return &Context[K, V]{Task: t, node: node, out: out}
}

// Node is the name of the processor's node.
func (c *Context[K, V]) Node() string { return c.node }

// Forward hands r to every child and returns when all that follows from it is done.
func (c *Context[K, V]) Forward(r record.Record[K, V]) {
	if c.check(r.Timestamp) {
		c.out.Forward(r)
	}
}

// ForwardTo hands r to the child of this name only. An unknown child is an error of the record in process.
func (c *Context[K, V]) ForwardTo(child string, r record.Record[K, V]) {
	if c.check(r.Timestamp) {
		if err := c.out.ForwardTo(child, r); err != nil && c.err == nil {
			c.err = err
		}
	}
}

// Schedule calls f every interval with the current time of that kind in milliseconds. Intervals that were
// missed are passed over, keeping the phase. An error goes to the processing error policy. The interval must
// be at least a millisecond.
func (c *Context[K, V]) Schedule(interval time.Duration, kind PunctuationKind, f func(now int64) error) *Punctuation {
	return c.Task.Schedule(c.node, interval, kind, func(now int64) error {
		if err := f(now); err != nil {
			return err
		}
		return c.TakeError()
	})
}

// Store returns the store of this name, which the processor must be connected to. Typed handles wrap it.
func (c *Context[K, V]) Store(name string) (statestore.Store, error) {
	return c.Task.Store(c.node, name)
}

// TakeError returns and forgets what went wrong in forwarding since the last call.
func (c *Context[K, V]) TakeError() error {
	err := c.err
	c.err = nil
	return err
}

func (c *Context[K, V]) check(ts int64) bool {
	if ts < 0 && c.err == nil {
		c.err = fmt.Errorf("forward a record with timestamp %d: it must not be negative; set Record.Timestamp", ts)
	}
	return ts >= 0 && !c.Failed()
}
