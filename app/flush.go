package app

import (
	"cmp"
	"context"
	"time"
)

// flushInterval bounds what a crash loses of the local state, and so the tail that is read again.
const flushInterval = 10 * time.Second

// keepFlushed is the goroutine that brings the local state to disk: every now and then, and at once when a task
// has been restored, for until then a crash would cost it the whole restore and not a tail. It waits for nothing
// but the disk: brokers that do not answer must not make the tail longer.
func (in *instance) keepFlushed(ctx context.Context) {
	due := time.NewTicker(cmp.Or(in.cfg.flushInterval, flushInterval))
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		case <-in.state.unsafe:
		}
		in.state.flush()
	}
}

// flushSoon has the state flushed without waiting for it.
func (d *stateDir) flushSoon() {
	select {
	case d.unsafe <- struct{}{}:
	default: // the flush that is due takes this in
	}
}

// flush brings what has been committed to disk.
func (d *stateDir) flush() {
	if d.db == nil {
		return
	}
	if err := d.db.Flush(); err != nil {
		d.log.Warn("flush the local state", "err", err)
	}
}
