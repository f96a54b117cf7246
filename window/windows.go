package window

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Windows are tumbling, hopping, sliding or unlimited windows. The zero value is none of them, and invalid.
type Windows struct {
	kind                 kind
	size, advance, grace time.Duration
	start                int64 // of the unlimited window
}

type kind uint8

const (
	aligned kind = iota + 1
	sliding
	unlimited
)

// Tumbling returns windows [start, start+size), one after another.
func Tumbling(size time.Duration) Windows { return Windows{kind: aligned, size: size, advance: size} }

// Hopping returns windows [start, start+size), one each advance: those of an advance below the size overlap.
func Hopping(size, advance time.Duration) Windows {
	return Windows{kind: aligned, size: size, advance: advance}
}

// Sliding returns windows [start, start+difference] that are made where records are: one that ends with each
// record, and one that begins right behind it, if it has any.
func Sliding(difference time.Duration) Windows {
	return Windows{kind: sliding, size: difference, advance: time.Millisecond}
}

// Unlimited returns the one window [start, ∞), which never closes and is kept for ever: what comes from start on
// is aggregated for each key, under a windowed key. Records from before start are left out. start counts in whole
// milliseconds; [time.UnixMilli](0) is Kafka Streams' default.
//
// Source: org.apache.kafka.streams.kstream.UnlimitedWindows.
func Unlimited(start time.Time) Windows { return Windows{kind: unlimited, start: start.UnixMilli()} }

// Grace returns the windows with a grace period: how long after its end a window takes late records. An unlimited
// window has none.
func (w Windows) Grace(d time.Duration) Windows {
	w.grace = d
	return w
}

// Validate reports everything that is wrong with the windows. Durations count in whole milliseconds.
func (w Windows) Validate() error {
	var errs []error
	switch w.kind {
	case aligned:
		if w.size.Milliseconds() <= 0 {
			errs = append(errs, fmt.Errorf("window size %v: must be at least a millisecond", w.size))
		} else {
			errs = append(errs, checkWhole("window size", w.size))
		}
		if a := w.advance.Milliseconds(); a <= 0 {
			errs = append(errs, fmt.Errorf("advance %v: must be at least a millisecond", w.advance))
		} else if a > w.size.Milliseconds() {
			errs = append(errs, fmt.Errorf("advance %v: is above the window size %v, so that records between windows would be lost", w.advance, w.size))
		} else {
			errs = append(errs, checkWhole("advance", w.advance))
		}
	case sliding:
		if w.size < 0 {
			errs = append(errs, fmt.Errorf("time difference %v of sliding windows: must not be negative", w.size))
		}
		errs = append(errs, checkWhole("time difference", w.size))
	case unlimited:
		if w.start < 0 {
			errs = append(errs, fmt.Errorf("start %v of the unlimited window: must not be before the Unix epoch", time.UnixMilli(w.start).UTC()))
		}
		if w.grace != 0 {
			errs = append(errs, fmt.Errorf("grace period %v of the unlimited window: it never closes; leave Grace out", w.grace))
		}
		return errors.Join(errs...)
	default:
		return errors.New("the windows are of no kind; make them with window.Tumbling, Hopping, Sliding or Unlimited")
	}
	return errors.Join(append(errs, checkGrace(w.grace))...)
}

// checkWhole reports durations whose fractions of a millisecond would be lost.
func checkWhole(what string, d time.Duration) error {
	if d%time.Millisecond != 0 {
		return fmt.Errorf("%s %v: times count in whole milliseconds", what, d)
	}
	return nil
}

func checkGrace(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("grace period %v: must not be negative", d)
	}
	return checkWhole("grace period", d)
}

// IsSliding reports whether the windows are sliding ones.
func (w Windows) IsSliding() bool { return w.kind == sliding }

// IsUnlimited reports whether there is one window without an end.
func (w Windows) IsUnlimited() bool { return w.kind == unlimited }

// Start is where the unlimited window begins, in milliseconds since the Unix epoch; 0 for windows of other kinds.
func (w Windows) Start() int64 { return w.start }

// Size is the length of a window in milliseconds; for sliding windows the time difference, for the unlimited one
// the greatest number there is.
func (w Windows) Size() int64 {
	if w.kind == unlimited {
		return math.MaxInt64
	}
	return w.size.Milliseconds()
}

// Advance is the distance between the starts of tumbling or hopping windows, in milliseconds.
func (w Windows) Advance() int64 { return w.advance.Milliseconds() }

// GracePeriod is how long windows take late records, in milliseconds.
func (w Windows) GracePeriod() int64 { return w.grace.Milliseconds() }

// Retention is how long windows must be kept at least, in milliseconds, counted from their start; the greatest
// number there is means for ever.
func (w Windows) Retention() int64 {
	if w.kind == sliding {
		return add(add(w.Size(), w.Size()), w.GracePeriod())
	}
	return add(w.Size(), w.GracePeriod())
}

// First is the start of the earliest tumbling or hopping window that timestamp t is in. The others begin one
// advance after another, up to t.
func (w Windows) First(t int64) int64 {
	a := w.Advance()
	return max(0, t-w.Size()+a) / a * a
}

// End is the end of the window that begins at start. See [Window] for whether it is part of it.
func (w Windows) End(start int64) int64 { return add(start, w.Size()) }

// Sessions are session windows. The zero value is invalid.
type Sessions struct {
	gap, grace time.Duration
	set        bool
}

// Session returns windows that end when no record of a key has come for longer than gap. A session reaches
// from its first record to its last, [start, end].
func Session(gap time.Duration) Sessions { return Sessions{gap: gap, set: true} }

// Grace returns the sessions with a grace period: how long after the gap a session takes late records.
func (s Sessions) Grace(d time.Duration) Sessions {
	s.grace = d
	return s
}

// Validate reports everything that is wrong with the sessions.
func (s Sessions) Validate() error {
	if !s.set {
		return errors.New("the sessions have no gap; make them with window.Session")
	}
	var errs []error
	if s.gap.Milliseconds() <= 0 {
		errs = append(errs, fmt.Errorf("session gap %v: must be at least a millisecond", s.gap))
	} else {
		errs = append(errs, checkWhole("session gap", s.gap))
	}
	return errors.Join(append(errs, checkGrace(s.grace))...)
}

// Gap is the inactivity that ends a session, in milliseconds.
func (s Sessions) Gap() int64 { return s.gap.Milliseconds() }

// GracePeriod is how long sessions take late records, in milliseconds.
func (s Sessions) GracePeriod() int64 { return s.grace.Milliseconds() }

// Retention is how long sessions must be kept at least, in milliseconds, counted from their end.
func (s Sessions) Retention() int64 { return add(s.Gap(), s.GracePeriod()) }

// add is the sum of two times, at most the latest there is.
func add(a, b int64) int64 {
	if s := a + b; s >= a || b < 0 {
		return s
	}
	return math.MaxInt64
}
