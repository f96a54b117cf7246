package task

import (
	"time"

	"github.com/leatstream/leat/processor"
)

// schedules are the punctuators of a task. There are few, so they are searched one by one.
type schedules []*schedule

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
	t.schedules = append(t.schedules, s)
	return &s.Punctuation
}

// due returns the schedule that is to fire first, moved on to its next time; nil if none is due.
func (q *schedules) due(kind processor.PunctuationKind, now int64) *schedule {
	var best *schedule
	kept := (*q)[:0]
	for _, s := range *q {
		if s.Cancelled() {
			continue
		}
		kept = append(kept, s)
		if s.kind == kind && s.at <= now && (best == nil || s.at < best.at) {
			best = s
		}
	}
	clear((*q)[len(kept):])
	*q = kept
	if best == nil || now < 0 {
		return nil
	}
	next := best.at + best.interval
	if next <= now { // missed ones are passed over; the phase stays
		next = best.at + ((now-best.at)/best.interval+1)*best.interval
	}
	best.at = next
	return best
}

func (q schedules) next(kind processor.PunctuationKind) (int64, bool) {
	at, ok := int64(0), false
	for _, s := range q {
		if s.kind == kind && !s.Cancelled() && (!ok || s.at < at) {
			at, ok = s.at, true
		}
	}
	return at, ok
}
