package task

import (
	"cmp"
	"slices"
	"time"

	"github.com/leatstream/leat/processor"
)

// schedules are the punctuators of a task by kind, each kind a binary heap by the time at which they are due. Those
// that are due at one time fire in the order in which the heap gives them: that of Kafka Streams' queue, whose sifting
// this is.
type schedules [2][]*schedule

type schedule struct {
	processor.Punctuation
	node     string
	kind     processor.PunctuationKind
	at       int64
	interval int64
	f        func(int64) error
}

// Schedule implements processor.Task. Source: KIP-138.
func (t *Task) Schedule(node string, interval time.Duration, kind processor.PunctuationKind, f func(int64) error) *processor.Punctuation {
	s := &schedule{node: node, kind: kind, interval: max(interval.Milliseconds(), 1), f: f}
	if kind == processor.WallClockTime {
		s.at = t.now + s.interval
	} // by stream time the first is due as soon as that is known, whatever it is
	t.schedules.add(s)
	return &s.Punctuation
}

// due takes out the schedule that is to fire first; nil if none is due. Once it has fired, again puts it back.
func (q *schedules) due(kind processor.PunctuationKind, now int64) *schedule {
	s := q.first(kind)
	if s == nil || s.at > now || now < 0 {
		return nil
	}
	q.take(kind)
	return s
}

// again adds a schedule for the time after now at which it is due next.
func (q *schedules) again(s *schedule, now int64) {
	if s.Cancelled() {
		return
	}
	next := s.at + s.interval
	if next <= now { // missed ones are passed over; the phase stays
		next = s.at + ((now-s.at)/s.interval+1)*s.interval
	}
	s.at = next
	q.add(s)
}

func (q *schedules) next(kind processor.PunctuationKind) (int64, bool) {
	s := q.first(kind)
	if s == nil {
		return 0, false
	}
	return s.at, true
}

// first returns the schedule that is due first and drops those before it that have been cancelled.
func (q *schedules) first(kind processor.PunctuationKind) *schedule {
	for len(q[kind]) > 0 {
		if s := q[kind][0]; !s.Cancelled() {
			return s
		}
		q.take(kind)
	}
	return nil
}

// manySchedules is how many there are before cancelled ones are looked for that are not due yet.
const manySchedules = 64

func (q *schedules) add(s *schedule) {
	h := q[s.kind]
	if len(h) >= manySchedules && len(h) == cap(h) {
		h = slices.DeleteFunc(h, func(s *schedule) bool { return s.Cancelled() })
		slices.SortStableFunc(h, func(a, b *schedule) int { return cmp.Compare(a.at, b.at) })
	}
	h = append(h, s)
	i := len(h) - 1
	for i > 0 && s.at < h[(i-1)/2].at {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = s
	q[s.kind] = h
}

func (q *schedules) take(kind processor.PunctuationKind) {
	h := q[kind]
	last := len(h) - 1
	s := h[last]
	h[last] = nil
	h = h[:last]
	q[kind] = h
	i := 0
	for child := 1; child < last; child = 2*i + 1 {
		if child+1 < last && h[child+1].at < h[child].at {
			child++
		}
		if s.at <= h[child].at {
			break
		}
		h[i] = h[child]
		i = child
	}
	if last > 0 {
		h[i] = s
	}
}
