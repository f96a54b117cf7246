package statestore

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
)

// heldSegments are the segments of a window or session store that are held whole, typed and by key: of each it
// is known what it has, and so what it has not. Reads of one key in them cost neither serialization nor a look
// at the engine; range scans go through the layers below, to which dirty entries are staged first.
//
// Every segment from floor on is held: one that is not in the list has no entries. Those that the engine had
// when the store was opened are before floor and are read in when they are first asked for, but not if they
// have more than heldLoad rows. When there are more entries than the cache's limit, the oldest segments are
// given up; from then on the typed cache by single entries stands in for them.
type heldSegments[K comparable, V any] struct {
	// list has the segments that have entries, by their start; last is the one that was used last.
	list []*heldSegment[K, V]
	last *heldSegment[K, V]
	// floor is where the segments begin that are held; of those before it only the ones after given are tried.
	floor, given int64
	entries      int
	// dirty are the segments that have dirty slots, behind those that have some that are behind.
	dirty, behind []*heldSegment[K, V]
	spare         []*heldSegment[K, V]
	// copies tells that values are not shared with callers, who might change what they point to.
	copies bool
	buf    []byte
}

const (
	heldLoad = 1 << 16 // rows that are read in at once: some tens of milliseconds
	heldIdle = 2       // empty segments that are kept for the next ones
)

func newHeld[K comparable, V any](m windowMeta, off bool) heldSegments[K, V] {
	h := heldSegments[K, V]{given: -1, copies: !immutable(reflect.TypeFor[V]())}
	switch {
	case off:
		h.floor, h.given = math.MaxInt64, math.MaxInt64
	case m.observed >= 0:
		h.floor = after(m.observed-m.observed%m.segment, m.segment)
	}
	return h
}

// after is the start of the segment after the one that begins at start.
func after(start, segment int64) int64 {
	if start > math.MaxInt64-segment {
		return math.MaxInt64
	}
	return start + segment
}

// immutable reports whether a copy of a value of this type shares nothing that could be changed.
func immutable(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k >= reflect.Bool && k <= reflect.Complex128 && k != reflect.Uintptr, k == reflect.String:
		return true
	case k == reflect.Array:
		return immutable(t.Elem())
	case k == reflect.Struct:
		for field := range t.Fields() {
			if !immutable(field.Type) {
				return false
			}
		}
		return true
	}
	return false
}

// place returns where in the list a segment is, or would be.
func (h *heldSegments[K, V]) place(start int64) (int, bool) {
	n := len(h.list)
	if n == 0 || h.list[n-1].start < start {
		return n, false
	}
	return slices.BinarySearchFunc(h.list, start, func(g *heldSegment[K, V], start int64) int {
		switch {
		case g.start < start:
			return -1
		case g.start > start:
			return 1
		}
		return 0
	})
}

// heldAt returns the segment that begins at start. all reports whether it is held; it is nil if it is and has no
// entries.
func (s *segmented[K, V]) heldAt(start int64) (g *heldSegment[K, V], all bool) {
	h := &s.held
	if h.last != nil && h.last.start == start {
		return h.last, true
	}
	if i, ok := h.place(start); ok {
		h.last = h.list[i]
		return h.last, true
	}
	if start >= h.floor {
		return nil, true
	}
	if start <= h.given || start < s.meta.live || s.failed {
		return nil, false
	}
	return s.load(start)
}

// begin adds an empty segment.
func (h *heldSegments[K, V]) begin(start int64) *heldSegment[K, V] {
	var g *heldSegment[K, V]
	if n := len(h.spare); n > 0 {
		g, h.spare = h.spare[n-1], h.spare[:n-1]
	} else {
		g = &heldSegment[K, V]{keys: make(map[K]uint32)}
	}
	g.start = start
	i, _ := h.place(start)
	h.list = slices.Insert(h.list, i, g)
	h.last = g
	return g
}

// load reads a segment in. The typed cache has nothing of it: that stands in only for segments that are not tried.
func (s *segmented[K, V]) load(start int64) (g *heldSegment[K, V], all bool) {
	h := &s.held
	s.share(h.entries+s.slots.len(), heldLoad)
	most := min(heldLoad, s.limit-h.entries)
	m := s.merge(s.segmentKey(start), appendSegment(nil, after(start, s.keys.segment)), false)
	for m.next() {
		if most--; most < 0 {
			break
		}
		if g == nil {
			g = h.begin(start)
		}
		k, err := s.keys.Decode(m.key)
		if err != nil {
			s.fail("read a key", err)
			break
		}
		v, err := s.values.Decode(m.value)
		if err != nil {
			s.fail("read a value", err)
			break
		}
		sl := &g.slots[g.add(k)]
		sl.value, sl.timestamp, sl.state = v, m.timestamp, slotUsed|slotPresent
		h.entries++
	}
	if err := m.close(); err != nil {
		s.fail("iterate", err)
	}
	if most < 0 || s.failed {
		h.given = max(h.given, start)
		if g != nil {
			i, _ := h.place(start)
			s.release(i, i+1)
		}
		return nil, false
	}
	if g == nil {
		g = h.begin(start) // it is before floor: its being empty must be known
	}
	return g, true
}

// putHeld writes an entry of a segment that is held; present false deletes it.
func (s *segmented[K, V]) putHeld(g *heldSegment[K, V], k windowKey[K], value V, timestamp int64, present bool) {
	if s.failed {
		return
	}
	if present && s.null.IsNull(&value) {
		present = false
	}
	h := &s.held
	if g == nil {
		g = h.begin(s.keys.start(k.time))
	}
	i, ok := g.find(&k)
	switch {
	case present && !ok:
		i = g.add(k)
		h.entries++
	case !present && ok:
		// A deletion is a slot like another until it has been staged, but reads have nothing to pass over.
		g.remove(&k)
		h.entries--
	case !present:
		i = g.slot(k)
	}
	s.assign(h.touch(g, i), value, timestamp, present)
	s.bound()
}

// touch returns a slot that is about to become dirty.
func (h *heldSegments[K, V]) touch(g *heldSegment[K, V], i uint32) *slot[windowKey[K], V] {
	sl := &g.slots[i]
	if sl.state&slotDirty == 0 {
		if len(g.dirty) == 0 {
			h.dirty = append(h.dirty, g)
		}
		g.dirty = append(g.dirty, i)
	}
	return sl
}

// bound gives segments up if there are more entries than the limit.
func (s *segmented[K, V]) bound() {
	if s.held.entries <= s.limit {
		return
	}
	if s.full(s.held.entries + s.slots.len()); s.held.entries > s.limit {
		s.giveUp()
	}
}

// appendHeld adds a new entry to a segment that is held.
func (s *segmented[K, V]) appendHeld(g *heldSegment[K, V], sl *slot[windowKey[K], V]) {
	h := &s.held
	if h.copies {
		if !s.serialize(sl) {
			return
		}
		var err error
		if sl.value, err = s.values.Decode(s.valBuf[rowHead:]); err != nil {
			s.fail("read a value", err)
			return
		}
	}
	if g == nil {
		g = h.begin(s.keys.start(sl.key.time))
	}
	sl.state |= slotUsed | slotDirty
	*h.touch(g, g.add(sl.key)) = *sl
	h.entries++
	s.bound()
}

// readHeld appends the entries of one key with times in [from, to].
func (s *segmented[K, V]) readHeld(entries []windowEntry[K, V], g *heldSegment[K, V], key K, from, to int64) []windowEntry[K, V] {
	r, ok := g.run(key)
	if !ok {
		return entries
	}
	run := g.runs[r]
	for _, i := range run[g.search(run, from, math.MinInt64):] {
		sl := &g.slots[i]
		if sl.key.time > to {
			break
		}
		e := windowEntry[K, V]{key: sl.key, value: sl.value, timestamp: sl.timestamp}
		if s.held.copies {
			var err error
			if s.held.buf, err = s.values.Append(s.held.buf[:0], sl.value); err != nil {
				s.fail("serialize a value", err)
				break
			}
			if e.value, err = s.values.Decode(s.held.buf); err != nil {
				s.fail("read a value", err)
				break
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// stageAllHeld stages every dirty slot.
func (s *segmented[K, V]) stageAllHeld() {
	for _, g := range s.held.dirty {
		s.stageHeld(g)
	}
	s.held.clean()
}

func (s *segmented[K, V]) stageHeld(g *heldSegment[K, V]) {
	for _, i := range g.dirty {
		sl := &g.slots[i]
		s.stage(sl)
		if sl.state&slotPresent == 0 {
			g.discard(i)
		}
	}
	g.dirty = g.dirty[:0]
}

// dropHeld drops the segments that have expired.
func (s *segmented[K, V]) dropHeld() {
	n, _ := s.held.place(s.meta.live)
	s.release(0, n)
}

// giveUp drops the oldest segments until there are no more entries than the limit allows, and goes on with what
// is below.
func (s *segmented[K, V]) giveUp() {
	h := &s.held
	n, left := 0, h.entries
	for n < len(h.list) && left > s.limit {
		left -= h.list[n].size()
		h.given = max(h.given, h.list[n].start)
		n++
	}
	h.floor = max(h.floor, after(h.given, s.keys.segment))
	s.release(0, n)
}

// release stages and drops the segments [from, to) of the list.
func (s *segmented[K, V]) release(from, to int) {
	if from == to {
		return
	}
	h := &s.held
	h.last = nil
	for _, g := range h.list[from:to] {
		h.entries -= g.size()
		s.stageHeld(g)
		if s.flushed || g.start >= s.meta.live { // else it has expired by the next commit, and need not be written
			s.freezeHeld(g)
		}
		g.behind = g.behind[:0]
		if len(h.spare) < heldIdle {
			clear(g.keys)
			clear(g.slots)
			g.runs, g.slots, g.free = g.runs[:0], g.slots[:0], g.free[:0]
			h.spare = append(h.spare, g)
		}
	}
	h.list = slices.Delete(h.list, from, to)
	h.unlist()
}

// keyed serializes a key for the layers below.
func (s *segmented[K, V]) keyed(key K) bool {
	var err error
	if s.keys.raw, err = s.keys.of.Append(s.keys.raw[:0], key); err != nil {
		s.fail("serialize a key", err)
		return false
	}
	return true
}

// readBelow appends the entries of one key in one segment that is not held.
func (s *segmented[K, V]) readBelow(entries []windowEntry[K, V], key K, segment, from, to int64) []windowEntry[K, V] {
	if !s.keyed(key) {
		return entries
	}
	s.lo = s.keys.prefix(s.lo[:0], segment, s.keys.raw)
	s.hi = append(s.hi[:0], s.lo...)
	s.lo = binary.BigEndian.AppendUint64(s.lo, uint64(max(from, segment)))
	s.hi = binary.BigEndian.AppendUint64(s.hi, uint64(to)+1)
	m := s.merge(s.lo, s.hi, false)
	for m.next() {
		e := windowEntry[K, V]{key: windowKey[K]{key: key}, timestamp: m.timestamp}
		e.key.time, e.key.sub = s.keys.times(m.key)
		var err error
		if e.value, err = s.values.Decode(m.value); err != nil {
			s.fail("read a value", err)
			break
		}
		entries = append(entries, e)
	}
	if err := m.close(); err != nil {
		s.fail("iterate", err)
	}
	return entries
}
