package stream

import (
	"errors"
	"fmt"
	"time"
)

// JoinWindow says how far apart in time two records may be to be joined: one of the right stream joins one of
// the left if its timestamp is in [left-Before, left+After]. Either may be negative, as long as the two do not
// rule out every record: with Before -1 s and After 5 s the right record comes one to five seconds later.
//
// Grace is how long after that a record may still come, by the time of the records of both streams. Records
// without a partner are known to be so, and appear in left and outer joins, only when Grace is over. Times count
// in whole milliseconds.
//
// As in Kafka Streams, a record is kept for less than Before + After + Grace. Where these add up to nothing, none
// is kept and none finds a partner, not even one of its own time: give such a window a Grace of a millisecond.
type JoinWindow struct {
	Before, After, Grace time.Duration
}

// Within returns the window of records that are at most d apart, without grace.
func Within(d time.Duration) JoinWindow { return JoinWindow{Before: d, After: d} }

// WithGrace returns the window with another grace.
func (w JoinWindow) WithGrace(d time.Duration) JoinWindow {
	w.Grace = d
	return w
}

// Validate reports everything that is wrong with the window.
func (w JoinWindow) Validate() error {
	var errs []error
	for _, d := range []struct {
		name string
		time.Duration
	}{{"Before", w.Before}, {"After", w.After}, {"Grace", w.Grace}} {
		if d.Duration%time.Millisecond != 0 {
			errs = append(errs, fmt.Errorf("%s is %v; times count in whole milliseconds", d.name, d.Duration))
		}
	}
	if w.Before+w.After < 0 {
		errs = append(errs, fmt.Errorf("no record can match: Before (%v) and After (%v) add up to less than nothing; a right record must be in [left-Before, left+After]", w.Before, w.After))
	}
	if w.Grace < 0 {
		errs = append(errs, fmt.Errorf("the window's Grace is %v; it must not be negative", w.Grace))
	}
	return errors.Join(errs...)
}

// span is the window in milliseconds, as one of the sides sees it.
type span struct{ before, after, grace int64 }

func (w JoinWindow) span() span {
	return span{w.Before.Milliseconds(), w.After.Milliseconds(), w.Grace.Milliseconds()}
}

func (s span) reversed() span { return span{s.after, s.before, s.grace} }

// retention is how long a record is kept for those of the other side. It is 0 for windows of one point without
// grace, whose records no other finds.
func (s span) retention() int64 { return s.before + s.after + s.grace }

// around is where the partners of a record are.
func (s span) around(timestamp int64) (from, to int64) {
	return max(0, timestamp-s.before), max(0, timestamp+s.after)
}
