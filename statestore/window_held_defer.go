package statestore

import "slices"

// leaveHeld flushes the dirty slots as leave does. One that deletes is staged instead, for nothing would find it later.
func (s *segmented[K, V]) leaveHeld(left *sortedSlots[windowKey[K], V]) {
	if !s.defers {
		s.stageAllHeld()
		return
	}
	h := &s.held
	for _, g := range h.dirty {
		for _, i := range g.dirty {
			sl := &g.slots[i]
			if sl.state&slotPresent == 0 {
				s.stage(sl)
				g.discard(i)
				continue
			}
			if sl.state&slotBehind == 0 {
				if len(g.behind) == 0 {
					h.behind = append(h.behind, g)
				}
				g.behind = append(g.behind, i)
			}
			s.leaveSlot(sl, left)
		}
		g.dirty = g.dirty[:0]
	}
	h.clean()
}

// lowerAll brings what slots alone have to the layers below, for reads that go past them.
func (s *segmented[K, V]) lowerAll() {
	s.cached.lowerAll()
	s.stageAllHeld()
	for _, g := range s.held.behind {
		s.freezeHeld(g)
	}
	s.held.caughtUp()
}

// freezeHeld moves what was last flushed of a segment's slots to frozen.
func (s *segmented[K, V]) freezeHeld(g *heldSegment[K, V]) {
	for _, i := range g.behind {
		s.ifBehind(&g.slots[i], s.freeze)
	}
}

// eachHeldBehind calls f with the slots that are behind.
func (s *segmented[K, V]) eachHeldBehind(f func(*slot[windowKey[K], V])) {
	for _, g := range s.held.behind {
		for _, i := range g.behind {
			s.ifBehind(&g.slots[i], f)
		}
	}
}

// behindHeld is the number of slots that are behind, or were.
func (s *segmented[K, V]) behindHeld() (n int) {
	for _, g := range s.held.behind {
		n += len(g.behind)
	}
	return n
}

// pendingHeld is the number of dirty slots.
func (s *segmented[K, V]) pendingHeld() (n int) {
	for _, g := range s.held.dirty {
		n += len(g.dirty)
	}
	return n
}

// clean forgets the segments that had dirty slots.
func (h *heldSegments[K, V]) clean() {
	clear(h.dirty)
	h.dirty = h.dirty[:0]
}

// caughtUp forgets the segments that had slots that were behind.
func (h *heldSegments[K, V]) caughtUp() {
	for _, g := range h.behind {
		g.behind = g.behind[:0]
	}
	clear(h.behind)
	h.behind = h.behind[:0]
}

// unlist takes the segments that were released off both lists. One that is used again would be listed twice, and the
// memory of the others would not be free.
func (h *heldSegments[K, V]) unlist() {
	h.dirty = slices.DeleteFunc(h.dirty, func(g *heldSegment[K, V]) bool { return len(g.dirty) == 0 })
	h.behind = slices.DeleteFunc(h.behind, func(g *heldSegment[K, V]) bool { return len(g.behind) == 0 })
}

// discard empties a slot that is in no run.
func (g *heldSegment[K, V]) discard(i uint32) {
	g.slots[i] = slot[windowKey[K], V]{}
	g.free = append(g.free, i)
}
