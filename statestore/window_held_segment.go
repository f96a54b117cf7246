package statestore

import "slices"

// heldSegment is one segment. Keys have runs, lists of slots in the order of time and sub; a slot that deletes
// is in none and is free once it has been staged.
type heldSegment[K comparable, V any] struct {
	start int64
	keys  map[K]uint32
	runs  [][]uint32
	slots []slot[windowKey[K], V]
	free  []uint32
	// dirty are the slots that have changed since they were flushed, behind those whose flushed values are neither
	// frozen nor in the engine. One that is no longer so, or now of another entry, may still be listed.
	dirty, behind []uint32
	// recent is the key that was asked for last, and recentRun its run: a key is mostly read and then written.
	recent    K
	recentRun uint32
}

// run returns the number of a key's run.
func (g *heldSegment[K, V]) run(key K) (uint32, bool) {
	if len(g.runs) > 0 && g.recent == key {
		return g.recentRun, true
	}
	r, ok := g.keys[key]
	if ok {
		g.recent, g.recentRun = key, r
	}
	return r, ok
}

// find returns the slot of an entry.
func (g *heldSegment[K, V]) find(k *windowKey[K]) (uint32, bool) {
	r, ok := g.run(k.key)
	if !ok {
		return 0, false
	}
	run := g.runs[r]
	i := g.search(run, k.time, k.sub)
	if i == len(run) || g.differs(run[i], k) {
		return 0, false
	}
	return run[i], true
}

func (g *heldSegment[K, V]) differs(i uint32, k *windowKey[K]) bool {
	at := &g.slots[i].key
	return at.time != k.time || at.sub != k.sub
}

// search returns the place of the first slot of a run that is not before a time and sub.
func (g *heldSegment[K, V]) search(run []uint32, time, sub int64) int {
	before := func(i uint32) bool {
		k := &g.slots[i].key
		return k.time < time || k.time == time && k.sub < sub
	}
	n := len(run)
	if n == 0 || before(run[n-1]) { // most are put in the order of time
		return n
	}
	lo, hi := 0, n-1
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); before(run[mid]) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// add returns the slot of an entry, a new one if there is none.
func (g *heldSegment[K, V]) add(k windowKey[K]) uint32 {
	r, ok := g.run(k.key)
	if !ok {
		r = uint32(len(g.runs))
		if len(g.runs) < cap(g.runs) {
			g.runs = g.runs[:r+1]
			g.runs[r] = g.runs[r][:0]
		} else {
			g.runs = append(g.runs, nil)
		}
		g.keys[k.key] = r
		g.recent, g.recentRun = k.key, r
	}
	at := g.search(g.runs[r], k.time, k.sub)
	if at < len(g.runs[r]) && !g.differs(g.runs[r][at], &k) {
		return g.runs[r][at]
	}
	i := g.slot(k)
	g.runs[r] = slices.Insert(g.runs[r], at, i)
	return i
}

// slot returns a slot that is in no run.
func (g *heldSegment[K, V]) slot(k windowKey[K]) uint32 {
	var i uint32
	if n := len(g.free); n > 0 {
		i, g.free = g.free[n-1], g.free[:n-1]
	} else {
		i = uint32(len(g.slots))
		g.slots = append(g.slots, slot[windowKey[K], V]{})
	}
	g.slots[i].key, g.slots[i].state = k, slotUsed
	return i
}

// remove takes a slot out of its run.
func (g *heldSegment[K, V]) remove(k *windowKey[K]) {
	r, _ := g.run(k.key)
	at := g.search(g.runs[r], k.time, k.sub)
	g.runs[r] = slices.Delete(g.runs[r], at, at+1)
}

// size is the number of entries.
func (g *heldSegment[K, V]) size() (n int) {
	for i := range g.slots {
		if g.slots[i].state&slotPresent != 0 {
			n++
		}
	}
	return n
}
