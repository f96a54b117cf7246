package main

import (
	"sync"
	"time"

	"github.com/leatstream/leat/app"
)

// restored adds up what instances restore. Its methods may be called concurrently.
type restored struct {
	mu sync.Mutex
	// records of restores that are over, and of those under way, by store.
	over  int64
	under map[restoredStore]int64
	// spent is the time during which at least one store was being restored, up to last.
	spent time.Duration
	last  time.Time
}

type restoredStore struct {
	instance    int
	task, store string
}

// observe takes an event of an instance's at a time.
func (r *restored) observe(instance int, e app.RestoreEvent, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.under) > 0 {
		r.spent += at.Sub(r.last)
	}
	r.last = at
	k := restoredStore{instance, e.Task, e.Store}
	switch e.Phase {
	case app.RestoreStart, app.RestoreBatch:
		if r.under == nil {
			r.under = make(map[restoredStore]int64)
		}
		if e.Phase == app.RestoreStart { // the one before, if any, was broken off: its task moved on
			r.over += r.under[k]
		}
		r.under[k] = e.Records
	case app.RestoreDone:
		r.over += e.Records
		delete(r.under, k)
	}
}

// figures returns the change records restored so far and the time that they took.
func (r *restored) figures() (records int64, spent time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	records = r.over
	for _, n := range r.under {
		records += n
	}
	return records, r.spent
}
