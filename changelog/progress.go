package changelog

import (
	"math"
	"time"
)

// Progress follows the restore of one store from its changelog partition: see [NewProgress]. It has no
// clock: callers say what time it is, and times must not go backwards. It must not be used by two goroutines
// at a time.
type Progress struct {
	start, now, older, newer sample
	end                      int64
}

// sample is how far the restore was at a time.
type sample struct {
	at       time.Time
	position int64
	records  int64
}

// rateSpan is how far back rates look, at least: long enough to ride out a pause between two fetches.
const rateSpan = 10 * time.Second

// NewProgress begins a restore at offset from of a changelog that ends at offset end, the offset after its
// last record. It is done at once if there is nothing to read: the changelog is empty, or the store is
// complete already.
func NewProgress(from, end int64, now time.Time) Progress {
	s := sample{at: now, position: from}
	return Progress{start: s, now: s, older: s, newer: s, end: end}
}

// Advance notes that the position is now next, the offset of the first record that has not been read, and
// that records were applied on the way. A position also moves without records: over transactions' markers,
// aborted records and what compaction took away. It never moves back; an older one is ignored.
func (p *Progress) Advance(next int64, records int, now time.Time) {
	if now.Sub(p.newer.at) >= rateSpan {
		p.older, p.newer = p.newer, p.now
	}
	p.now = sample{at: now, position: max(p.now.position, next), records: p.now.records + int64(records)}
}

// Extend moves the end forward: the changelog of a standby grows, or an open transaction in front of its end
// has been resolved. An earlier end is ignored.
func (p *Progress) Extend(end int64) { p.end = max(p.end, end) }

// Done reports whether every record before the end has been read. It is a matter of position alone.
func (p *Progress) Done() bool { return p.now.position >= p.end }

// Position returns the offset of the first record that has not been read.
func (p *Progress) Position() int64 { return p.now.position }

// End returns the offset after the last record to read.
func (p *Progress) End() int64 { return p.end }

// Status is how far a restore is.
type Status struct {
	// Start, Position and End are offsets: where the restore began, the first one not read, and the one
	// after the last to read.
	Start, Position, End int64
	// Remaining is how many offsets are left; at most so many records.
	Remaining int64
	// Records is how many records have been applied.
	Records int64
	// Elapsed is the time since the restore began, or that it took if it is done.
	Elapsed time.Duration
	// Rate is how many records were applied per second: over the last 10 seconds or some more, or over all
	// the time if that is shorter or the restore is done. It is zero while nobody can tell.
	Rate float64
	// Left is the time until the end at the same pace: zero if done, negative if nobody can tell. It goes by
	// offsets: a compacted changelog has fewer records than offsets.
	Left time.Duration
	Done bool
}

// Status returns how far the restore is at a time. Once it is done, the time does not matter any more.
func (p *Progress) Status(now time.Time) Status {
	s := Status{
		Start: p.start.position, Position: p.now.position, End: p.end, Remaining: max(p.end-p.now.position, 0),
		Records: p.now.records, Done: p.Done(),
	}
	since := p.older
	if s.Done {
		now, since = p.now.at, p.start
	}
	s.Elapsed = now.Sub(p.start.at)
	seconds := now.Sub(since.at).Seconds()
	if seconds > 0 {
		s.Rate = float64(s.Records-since.records) / seconds
	}
	s.Left = timeLeft(s.Remaining, s.Position-since.position, seconds)
	return s
}

// timeLeft returns how long the remaining offsets take if so many took so many seconds; negative if that
// cannot be told or is centuries.
func timeLeft(remaining, offsets int64, seconds float64) time.Duration {
	if remaining == 0 {
		return 0
	}
	left := float64(remaining) / float64(offsets) * seconds * float64(time.Second)
	if offsets == 0 || seconds <= 0 || left >= math.MaxInt64 {
		return -1
	}
	return time.Duration(left)
}
