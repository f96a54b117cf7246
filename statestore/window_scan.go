package statestore

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"slices"
)

// windowEntry is an entry that was read for an iteration.
type windowEntry[K comparable, V any] struct {
	key       windowKey[K]
	value     V
	timestamp int64
	// row is the row's key, where entries are put in order by it.
	row []byte
}

// fetch calls yield for the entries of one key with times in [from, to], in the order of time and sub, until
// it returns false. They are all read first, so yield may use the store.
func (s *segmented[K, V]) fetch(key K, from, to int64, reverse bool, yield func(k *windowKey[K], v V, timestamp int64) bool) {
	from, to = max(from, s.meta.oldest(&s.spec)), min(to, s.meta.observed)
	if from > to || s.failed {
		return
	}
	entries := s.borrow()
	entries = s.readKey(entries, key, from, to)
	if reverse {
		slices.Reverse(entries)
	}
	for i := range entries {
		if e := &entries[i]; !yield(&e.key, e.value, e.timestamp) {
			break
		}
	}
	s.giveBack(entries)
}

// borrow returns a slice for entries; iterations may lie inside each other, so there may be several.
func (s *segmented[K, V]) borrow() []windowEntry[K, V] {
	if n := len(s.entries); n > 0 {
		e := s.entries[n-1]
		s.entries = s.entries[:n-1]
		return e
	}
	return nil
}

func (s *segmented[K, V]) giveBack(e []windowEntry[K, V]) {
	const most = 1 << 12 // more would be kept for the sake of one large iteration
	if cap(e) > 0 && cap(e) <= most {
		clear(e)
		s.entries = append(s.entries, e[:0])
	}
}

// fewSegments is the number of segments that are looked into one by one, without asking which ones there are.
const fewSegments = 8

func (s *segmented[K, V]) readKey(entries []windowEntry[K, V], key K, from, to int64) []windowEntry[K, V] {
	last := s.keys.start(to)
	segment := s.keys.start(from)
	if segment <= s.held.given {
		s.cached.lowerAll() // before the key is serialized, since this does so with others
	}
	for ; segment <= last && segment < s.held.floor && !s.failed; segment += s.keys.segment {
		if (min(last, s.held.floor)-segment)/s.keys.segment > fewSegments {
			var ok bool
			if segment, ok = s.nextSegment(segment, last, false); !ok {
				return entries
			}
		}
		if g, all := s.heldAt(segment); all {
			if g != nil {
				entries = s.readHeld(entries, g, key, from, to)
			}
			continue
		}
		entries = s.readBelow(entries, key, segment, from, to)
	}
	if segment == last { // the usual case: one that was used a moment ago
		if g, _ := s.heldAt(segment); g != nil {
			entries = s.readHeld(entries, g, key, from, to)
		}
		return entries
	}
	for i, _ := s.held.place(segment); i < len(s.held.list) && s.held.list[i].start <= last && !s.failed; i++ {
		entries = s.readHeld(entries, s.held.list[i], key, from, to)
	}
	return entries
}

// nextSegment returns the first segment in [from, last] that has a row, expired or not; in
// reverse the last.
func (s *segmented[K, V]) nextSegment(from, last int64, reverse bool) (segment int64, ok bool) {
	s.lowerAll()
	m := s.merge(appendSegment(nil, from), appendSegment(nil, last+s.keys.segment), reverse)
	if ok = m.next(); ok {
		segment = int64(binary.BigEndian.Uint64(m.key))
	}
	if err := m.close(); err != nil {
		s.fail("iterate", err)
		return 0, false
	}
	return segment, ok
}

// keyRange bounds keys as they stand escaped in rows, both ends included; nil is no bound.
type keyRange struct{ first, last []byte }

func (r keyRange) holds(esc []byte) bool {
	return (r.first == nil || bytes.Compare(r.first, esc) <= 0) && (r.last == nil || bytes.Compare(esc, r.last) <= 0)
}

// keyRange returns the bounds of the keys from first to last; ok is false if there are none between them.
func (s *segmented[K, V]) keyRange(first, last K) (r keyRange, ok bool) {
	for _, b := range [...]struct {
		key K
		to  *[]byte
	}{{first, &r.first}, {last, &r.last}} {
		raw, err := s.keys.of.Append(nil, b.key)
		if err != nil {
			s.fail("serialize a key", err)
			return r, false
		}
		*b.to = append(escape(nil, raw), 0x00, 0x01)
	}
	return r, bytes.Compare(r.first, r.last) <= 0
}

// scan calls yield for the entries of the keys in a range with times in [from, to], in the store's order, until
// it returns false. Nothing is held open meanwhile, so yield may use the store.
func (s *segmented[K, V]) scan(keys keyRange, from, to int64, reverse bool, yield func(k *windowKey[K], v V, timestamp int64) bool) {
	order := s.spec.Order
	if order == ByTimeAndStart {
		order = ByKey
	}
	s.scanIn(order, keys, max(from, s.meta.oldest(&s.spec)), to, reverse, yield)
}

func (s *segmented[K, V]) scanIn(order WindowOrder, keys keyRange, from, to int64, reverse bool, yield func(k *windowKey[K], v V, timestamp int64) bool) {
	to = min(to, s.meta.observed)
	if from > to {
		return
	}
	span := s.keys.segment
	if order == ByKey {
		span = s.spec.stretch()
	}
	first, last := from-from%span, to-to%span
	for first <= last && !s.failed {
		if (last-first)/span > fewSegments {
			next, ok := s.nextSegment(s.keys.start(first), s.keys.start(last+span-1), reverse)
			if !ok {
				return
			}
			// A segment may reach into the stretches on both sides of the bound that it was found by.
			if next -= next % span; reverse {
				last = min(last, next+span*((s.keys.segment+span-1)/span))
			} else {
				first = max(first, next)
			}
		}
		at := first
		if reverse {
			at = last
			last -= span
		} else {
			first += span
		}
		if !s.scanGroup(order, keys, max(from, at), min(to, at+span-1), reverse, yield) {
			return
		}
	}
}

// scanGroup scans one such stretch.
func (s *segmented[K, V]) scanGroup(order WindowOrder, keys keyRange, from, to int64, reverse bool, yield func(k *windowKey[K], v V, timestamp int64) bool) bool {
	h := &cursors[K, V]{reverse: reverse}
	for segment := s.keys.start(from); segment <= to; segment += s.keys.segment {
		c := &segmentCursor[K, V]{
			s: s, keys: keys, from: from, to: to, reverse: reverse, size: 16,
			lo: appendSegment(nil, segment), hi: appendSegment(nil, segment+s.keys.segment),
		}
		if c.fill() {
			h.list = append(h.list, c)
		}
	}
	if order != ByKey && !s.grid {
		return s.sorted(order, h, reverse, yield)
	}
	heap.Init(h)
	for len(h.list) > 0 && !s.failed {
		c := h.list[0]
		e := &c.entries[c.next]
		k, v, timestamp := e.key, e.value, e.timestamp
		if c.next++; c.next < len(c.entries) || c.fill() {
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
		}
		if !yield(&k, v, timestamp) {
			return false
		}
	}
	return true
}

// sorted reads whole segments and puts their entries in the order of time.
func (s *segmented[K, V]) sorted(order WindowOrder, h *cursors[K, V], reverse bool, yield func(k *windowKey[K], v V, timestamp int64) bool) bool {
	entries := s.borrow()
	for _, c := range h.list {
		entries = append(entries, c.entries...)
		for c.next = len(c.entries); c.fill(); c.next = len(c.entries) {
			entries = append(entries, c.entries...)
		}
	}
	slices.SortFunc(entries, func(a, b windowEntry[K, V]) int {
		d := cmp.Compare(a.key.time, b.key.time)
		if d == 0 && order == ByTimeAndStart {
			d = cmp.Compare(a.key.sub, b.key.sub)
		}
		if d == 0 {
			d = bytes.Compare(a.row[8:], b.row[8:])
		}
		if reverse {
			return -d
		}
		return d
	})
	more := true
	for i := range entries {
		if e := &entries[i]; !yield(&e.key, e.value, e.timestamp) {
			more = false
			break
		}
	}
	s.giveBack(entries)
	return more
}

// segmentCursor walks over the entries of one segment in chunks.
type segmentCursor[K comparable, V any] struct {
	s        *segmented[K, V]
	keys     keyRange
	from, to int64
	reverse  bool
	lo, hi   []byte
	size     int
	end      bool
	entries  []windowEntry[K, V]
	next     int
}

// fill reads the next chunk and reports whether there is one.
func (c *segmentCursor[K, V]) fill() bool {
	s := c.s
	c.entries, c.next = c.entries[:0], 0
	if c.end || s.failed {
		return false
	}
	c.end = true
	s.lowerAll()
	m := s.merge(c.lo, c.hi, c.reverse)
	for m.next() {
		time, _ := s.keys.times(m.key)
		esc, err := s.keys.escaped(m.key)
		if err == nil && (time < c.from || time > c.to || !c.keys.holds(esc)) {
			continue
		}
		var e windowEntry[K, V]
		e.row = bytes.Clone(m.key)
		e.timestamp = m.timestamp
		if e.key, err = s.keys.Decode(m.key); err == nil {
			e.value, err = s.values.Decode(m.value)
		}
		if err != nil {
			s.fail("iterate", err)
			break
		}
		if c.entries = append(c.entries, e); len(c.entries) == c.size {
			c.end = false
			break
		}
	}
	if err := m.close(); err != nil {
		s.fail("iterate", err)
	}
	if n := len(c.entries); n > 0 {
		if row := c.entries[n-1].row; c.reverse {
			c.hi = append(c.hi[:0], row...)
		} else {
			c.lo = append(append(c.lo[:0], row...), 0)
		}
	}
	c.size = min(c.size*4, 1024)
	return len(c.entries) > 0 && !s.failed
}

// cursors are those of several segments as a heap by the keys of their next entries.
type cursors[K comparable, V any] struct {
	list    []*segmentCursor[K, V]
	reverse bool
}

func (h *cursors[K, V]) Len() int { return len(h.list) }

func (h *cursors[K, V]) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	d := bytes.Compare(a.entries[a.next].row[8:], b.entries[b.next].row[8:])
	if h.reverse {
		return d > 0
	}
	return d < 0
}

func (h *cursors[K, V]) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }

// Push implements heap.Interface.
func (h *cursors[K, V]) Push(x any) {
	h.list = append(h.list, x.(*segmentCursor[K, V])) //nolint:forcetypeassert // only cursors are pushed
}

// Pop implements heap.Interface.
func (h *cursors[K, V]) Pop() any {
	n := len(h.list) - 1
	c := h.list[n]
	h.list = h.list[:n]
	return c
}
