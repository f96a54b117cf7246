package app

import (
	"sync/atomic"

	"github.com/leatstream/leat/statestore"
)

// cacheMemory is the part of Config.Memory that the typed caches of all tasks' stores share. Methods may be
// called from any goroutine.
type cacheMemory struct {
	total        int64
	used, stores atomic.Int64
}

// cacheShare is what Config.Memory has for typed caches; the rest is the database's.
func cacheShare(memory int64) int64 { return memory / 2 }

// taskCaches are those of one running task. Share is called by the task's goroutine, which is also the one
// that closes.
type taskCaches struct {
	of     *cacheMemory
	held   int64
	stores int64
}

var _ statestore.Budget = (*taskCaches)(nil)

// task gives a task's stores their part, until close.
func (m *cacheMemory) task(stores int) *taskCaches {
	m.stores.Add(int64(stores))
	return &taskCaches{of: m, stores: int64(stores)}
}

// Share implements statestore.Budget. A store that has taken what others had no use for gives it back when
// they ask.
func (c *taskCaches) Share(held, delta int64) int64 {
	c.held += delta
	used := c.of.used.Add(delta)
	return max(c.of.total/max(1, c.of.stores.Load()), held+c.of.total-used)
}

func (c *taskCaches) close() {
	if c == nil {
		return
	}
	c.of.used.Add(-c.held)
	c.of.stores.Add(-c.stores)
	c.held, c.stores = 0, 0
}
