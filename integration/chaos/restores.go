package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/leatstream/leat/app"
)

// durableAfter is the time after which state that an instance had complete must be on its disk: it is flushed
// every ten seconds.
const durableAfter = 25 * time.Second

// blankFor is how long after an instance has found a store's changelog empty another may take the store over from
// it before it has committed anything, and so has anything.
const blankFor = 10 * time.Second

// restores tells apart how the restores of all instances began.
type restores struct {
	mu sync.Mutex
	// had are, by instance and store, when the instance had the store complete; the zero time if it was killed
	// before that had to be on its disk.
	had map[int]map[string]time.Time
	// blank are, by store and instance, when the instance found the changelog empty.
	blank map[string]map[int]time.Time
	// empty tells whose directory has been deleted.
	empty map[int]bool
	// doubtful are restores from the beginning of what should have been there. They are wrong if there was
	// anything to read: a task whose transactions all failed has no state.
	doubtful map[int]map[string]bool
	n        restoreCounts
	wrong    []string
}

// restoreCounts are restores of one store of one task each, and the change records that they read.
type restoreCounts struct {
	// tail: from where the local state ended. complete: there was nothing to read.
	tail, complete int
	// first: the instance has not had the task before. wipedAway: its state was deleted. young: it was killed
	// before the state had to be on its disk.
	first, wipedAway, young int
	// rebuilt: from the beginning although the state should have been there.
	rebuilt int

	tailRecords, scratchRecords int64

	// copies are standbys and warm-ups that began from what was there, and from nothing; promoted those that
	// became active.
	copiesTail, copiesScratch, promoted int
}

func (c restoreCounts) scratch() int { return c.first + c.wipedAway + c.young + c.rebuilt }

func newRestores() *restores {
	return &restores{
		had: make(map[int]map[string]time.Time), blank: make(map[string]map[int]time.Time), empty: make(map[int]bool),
		doubtful: make(map[int]map[string]bool),
	}
}

// started tells of a new process.
func (r *restores) started(instance int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.had[instance] == nil {
		r.had[instance] = make(map[string]time.Time)
	}
	r.doubtful[instance] = make(map[string]bool)
}

// killed tells that a process was killed: what was not on disk yet is as if it had not been.
func (r *restores) killed(instance int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for store, at := range r.had[instance] {
		if time.Since(at) < durableAfter {
			r.had[instance][store] = time.Time{}
		}
	}
}

// wiped tells that an instance's directory was deleted.
func (r *restores) wiped(instance int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.had[instance] = make(map[string]time.Time)
	r.empty[instance] = true
}

// seen takes note of what an instance reports.
func (r *restores) seen(instance int, e *app.RestoreEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := e.Task + "/" + e.Store
	switch e.Phase {
	case app.RestoreStart:
		r.begins(instance, key, e)
		return
	case app.UpdateStart:
		before := r.n
		r.begins(instance, key, e)
		r.n = before
		if e.Position > 0 {
			r.n.copiesTail++
		} else {
			r.n.copiesScratch++
		}
		return
	case app.UpdatePromoted:
		r.n.promoted++
	}
	if r.doubtful[instance][key] && e.Records > 0 {
		delete(r.doubtful[instance], key)
		r.n.rebuilt++
		r.wrong = append(r.wrong, fmt.Sprintf("instance %d: %s of task %s was there, but is restored from the beginning", instance, e.Store, e.Task))
	}
	if e.Phase == app.UpdateBatch {
		if at, had := r.had[instance][key]; !had || at.IsZero() {
			r.had[instance][key] = time.Now()
		}
	}
	if e.Phase != app.RestoreDone {
		return
	}
	r.moved(instance, key)
	if e.Position == 0 {
		if e.Records == 0 {
			r.nobodyHas(key, instance)
		}
		r.blank[key] = map[int]time.Time{instance: time.Now()}
	}
	delete(r.doubtful[instance], key)
	at, had := r.had[instance][key]
	switch {
	case e.Records == 0:
		r.n.complete++
	case had && !at.IsZero():
		r.n.tailRecords += e.Records
	default:
		r.n.scratchRecords += e.Records
	}
	if !had || at.IsZero() {
		r.had[instance][key] = time.Now()
	}
}

// moved takes note that an instance has a store that others may have had. The caller holds mu.
func (r *restores) moved(instance int, key string) {
	for other, at := range r.blank[key] {
		if other != instance && time.Since(at) < blankFor {
			delete(r.had[other], key)
		}
	}
	delete(r.blank, key)
}

// nobodyHas takes note that an instance has found a store's changelog empty, however long after another had found it
// so: nothing has been committed in between, and no other has anything. The caller holds mu.
func (r *restores) nobodyHas(key string, but int) {
	for other, had := range r.had {
		if other != but {
			delete(had, key)
		}
	}
}

// begins takes note of where a restore begins. The caller holds mu.
func (r *restores) begins(instance int, key string, e *app.RestoreEvent) {
	at, had := r.had[instance][key]
	switch {
	case e.Position > 0:
		r.n.tail++
		if !had || at.IsZero() { // it was killed before it could tell, or after the state had reached the disk
			r.had[instance][key] = time.Now()
		}
		return
	case !had && r.empty[instance]:
		r.n.wipedAway++
	case !had:
		r.n.first++
	case at.IsZero(), time.Since(at) < durableAfter:
		r.n.young++
	default:
		r.doubtful[instance][key] = true
	}
	delete(r.had[instance], key)
}

func (r *restores) counts() (restoreCounts, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n, r.wrong
}
