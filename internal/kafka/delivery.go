package kafka

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadlines gives records a context that ends when their delivery timeout has passed. Records of an eighth
// of the timeout share one, so that there is no timer a record.
//
// franz-go's own delivery timeout counts from the record's timestamp, which is event time: a record that
// tells of last year would time out before it is sent, and one of tomorrow never.
type deadlines struct {
	timeout time.Duration
	parent  context.Context
	cancel  context.CancelFunc

	// current is the context that records get now, nil when a new one is due: a clock read for each record
	// would cost as much as looking up its partition.
	current atomic.Pointer[context.Context]
	mu      sync.Mutex // held by whoever makes a new one
}

func newDeadlines(timeout time.Duration) *deadlines {
	parent, cancel := context.WithCancel(context.Background())
	return &deadlines{timeout: timeout, parent: parent, cancel: cancel}
}

// next returns the context for a record that is produced now.
func (d *deadlines) next() context.Context {
	if ctx := d.current.Load(); ctx != nil {
		return *ctx
	}
	return d.renew()
}

// renew makes a context that serves for an eighth of the timeout. While nobody produces, nobody renews.
func (d *deadlines) renew() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx := d.current.Load(); ctx != nil { // somebody else was faster
		return *ctx
	}
	serves := d.timeout / 8
	ctx := d.until(time.Now().Add(serves + d.timeout))
	d.current.Store(&ctx)
	due := time.AfterFunc(serves, func() { d.current.CompareAndSwap(&ctx, nil) })
	context.AfterFunc(ctx, func() { due.Stop() })
	return ctx
}

// until returns a context that ends then. What it holds is freed when it ends, by itself or with its parent.
func (d *deadlines) until(end time.Time) context.Context {
	ctx, cancel := context.WithDeadline(d.parent, end)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// close ends all contexts.
func (d *deadlines) close() { d.cancel() }
