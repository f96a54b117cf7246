package kafka

import (
	"context"
	"sync"
	"time"
)

// maxBufferedBytes bounds the bytes of keys and values that wait to be acknowledged.
const maxBufferedBytes = 64 << 20

// gate holds producers back while too much waits to be acknowledged. franz-go can do that too, but the
// context with which it lets a producer give up waiting is also the record's, so that ending it would throw
// away records that were accepted long ago.
type gate struct {
	maxRecords int
	maxBytes   int

	mu      sync.Mutex
	records int
	bytes   int
	room    chan struct{} // closed when something left; nil while nobody waits
}

// enter waits for room for a record of that size. One record is always let in.
func (g *gate) enter(ctx context.Context, size int) error {
	for {
		g.mu.Lock()
		if g.records == 0 || g.records < g.maxRecords && g.bytes+size <= g.maxBytes {
			g.records++
			g.bytes += size
			g.mu.Unlock()
			return nil
		}
		if g.room == nil {
			g.room = make(chan struct{})
		}
		room := g.room
		g.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave(size int) {
	g.mu.Lock()
	g.records--
	g.bytes -= size
	room := g.room
	g.room = nil
	g.mu.Unlock()
	if room != nil {
		close(room)
	}
}

// deadlines gives records a context that ends when their delivery timeout has passed. Records of an eighth
// of the timeout share one, so that there is no timer a record.
//
// franz-go's own delivery timeout counts from the record's timestamp, which is event time: a record that
// tells of last year would time out before it is sent, and one of tomorrow never.
type deadlines struct {
	timeout time.Duration

	mu      sync.Mutex
	parent  context.Context
	current context.Context
	cancel  context.CancelFunc
	renewAt time.Time
}

func newDeadlines(timeout time.Duration) *deadlines {
	parent, cancel := context.WithCancel(context.Background())
	return &deadlines{timeout: timeout, parent: parent, cancel: cancel}
}

// next returns the context for a record that is produced now.
func (d *deadlines) next() context.Context {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil || !now.Before(d.renewAt) {
		d.renewAt = now.Add(d.timeout / 8)
		d.current = d.until(d.renewAt.Add(d.timeout))
	}
	return d.current
}

// until returns a context that ends then. What it holds is freed when it ends, by itself or with its parent.
func (d *deadlines) until(end time.Time) context.Context {
	ctx, cancel := context.WithDeadline(d.parent, end)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// close ends all contexts.
func (d *deadlines) close() { d.cancel() }
