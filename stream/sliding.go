package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// slidingFold aggregates sliding windows. Each record has a window that ends with it (its left one) and, once
// there is a record behind it, a window that begins right behind it (its right one); windows of the same
// records are one. What a window holds follows from the aggregates of windows that are there: no record is kept.
// The timestamp that is stored with an aggregate is that of its latest record, which tells whether the window
// has a record behind a given time.
//
// Records before the first difference of time since the epoch have no window that ends with them, since it
// would begin before; they share the window [0, difference].
type slidingFold[K comparable, V, A any] struct {
	windowBase[K, V, A]
	found []slidingWindow[A]
}

// slidingWindow is a window as it is stored.
type slidingWindow[A any] struct {
	start int64
	agg   record.Optional[A]
	// latest is the timestamp of its latest record.
	latest int64
}

// Process implements processor.Receiver.
func (s *slidingFold[K, V, A]) Process(r record.Record[K, V]) {
	if dropNull(s.node, r.Null) {
		return
	}
	s.observed = max(s.observed, r.Timestamp)
	closeTime := s.observed - s.grace
	switch {
	case r.Timestamp+s.size < closeTime:
		s.task.Drop(s.name, processor.DropLate)
		return
	case r.Timestamp < s.size:
		s.early(&r, closeTime)
		return // Kafka Streams looks for closed windows only behind the first difference
	}
	if !s.fit(&r, closeTime) {
		return
	}
	if last, ok := s.due(s.task, closeTime); ok {
		// The bounds are included, and the end of a window belongs to it.
		if to := closeTime - s.size - 1; to >= 0 {
			s.emit(&r, max(0, last-s.size), to, closeTime)
		}
	}
}

// fetch reads the stored windows of the record's key that begin in [from, to].
func (s *slidingFold[K, V, A]) fetch(r *record.Record[K, V], from, to int64, reverse bool) []slidingWindow[A] {
	s.found = s.found[:0]
	seq := s.store.Fetch(r.Key, from, to)
	if reverse {
		seq = s.store.FetchBackward(r.Key, from, to)
	}
	for start, v := range seq {
		s.found = append(s.found, slidingWindow[A]{start, record.Some(v.Value), v.Timestamp})
	}
	return s.found
}

// fit takes a record into the windows that it is in, latest first, and makes those that it brings about: the
// right one of the record before it, its own left one and its own right one.
func (s *slidingFold[K, V, A]) fit(r *record.Record[K, V], closeTime int64) bool {
	t := r.Timestamp
	var left, right *slidingWindow[A]
	leftThere, rightThere := false, false
	before := int64(-1) // the timestamp of the latest record before this one, where it is known
	// Windows reach one difference back, and so do those of the record before.
	found := s.fetch(r, max(0, t-2*s.size), t+1, true)
scan:
	for i := range found {
		w := &found[i]
		switch end := w.start + s.size; {
		case w.start == t+1:
			rightThere = true
		case end > t:
			if right == nil {
				right = w
			}
			if !s.update(r, *w, closeTime) {
				return false
			}
		case end == t:
			leftThere = true
			if !s.update(r, *w, closeTime) {
				return false
			}
			if w.latest >= t {
				return true // a record of this time has made all windows
			}
			before = w.latest
		default:
			left, before = w, w.latest
			break scan
		}
	}
	if before >= 0 && before+1+s.size >= t && !starts(found, before+1) && !s.create(r, before+1, closeTime) {
		return false
	}
	if !leftThere {
		if before >= 0 && t-s.size <= before {
			if !s.update(r, slidingWindow[A]{t - s.size, left.agg, t}, closeTime) {
				return false
			}
		} else if !s.create(r, t-s.size, closeTime) {
			return false
		}
	}
	if !rightThere {
		s.right(r, right)
	}
	return true
}

// early takes in a record from before the first difference.
func (s *slidingFold[K, V, A]) early(r *record.Record[K, V], closeTime int64) {
	t := r.Timestamp
	var combined, right *slidingWindow[A]
	rightThere := false
	before := int64(-1)
	found := s.fetch(r, 0, t+1, false)
	for i := range found {
		w := &found[i]
		switch {
		case w.start == 0:
			combined = w
			if w.latest < t {
				before = w.latest
			}
		case w.start <= t:
			right = w
			if !s.update(r, *w, closeTime) {
				return
			}
		default:
			rightThere = true
		}
	}
	// All records of the combined window that are not before this one are behind it, or there would be a
	// right window between.
	if right == nil && combined != nil && combined.latest > t {
		right = combined
	}
	if !rightThere {
		s.right(r, right)
	}
	if before >= 0 && !starts(found, before+1) && !s.create(r, before+1, closeTime) {
		return
	}
	if combined == nil {
		s.create(r, 0, closeTime)
		return
	}
	s.update(r, *combined, closeTime)
}

func starts[A any](found []slidingWindow[A], start int64) bool {
	for i := range found {
		if found[i].start == start {
			return true
		}
	}
	return false
}

// update takes a record into a window.
func (s *slidingFold[K, V, A]) update(r *record.Record[K, V], w slidingWindow[A], closeTime int64) bool {
	if w.start+s.size < closeTime {
		s.task.Drop(s.name, processor.DropLate)
		return true
	}
	sum, ok := s.fold.add(r.Key, r.Value, r.Null.Value(), w.agg)
	if !ok {
		return false
	}
	timestamp := r.Timestamp
	if w.agg.Valid {
		timestamp = max(timestamp, w.latest)
	}
	s.put(r, w.start, sum, w.agg, timestamp)
	return true
}

// create makes a window of the record alone.
func (s *slidingFold[K, V, A]) create(r *record.Record[K, V], start, closeTime int64) bool {
	agg, ok := s.fold.initial()
	return ok && s.update(r, slidingWindow[A]{start, agg, r.Timestamp}, closeTime)
}

// right makes the record's right window of one that holds the same records behind it, if there are any.
func (s *slidingFold[K, V, A]) right(r *record.Record[K, V], of *slidingWindow[A]) {
	if of != nil && of.latest > r.Timestamp {
		s.put(r, r.Timestamp+1, of.agg, record.Optional[A]{}, of.latest)
	}
}
