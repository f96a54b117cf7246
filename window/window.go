// Package window says which windows of time a record belongs to.
//
// [Tumbling] and [Hopping] windows lie on a grid that begins at the Unix epoch: [start, start+size). [Sliding]
// windows are made by the records: two records of a key are in a common window if they are at most so far
// apart, [start, start+difference]. [Session] windows grow with the records of a key as long as the next one
// comes within a gap, [first, last]. [Unlimited] is one window that has a start alone. All times are in milliseconds.
//
// A window closes when stream time is past its end by the grace period: tumbling and hopping windows, which do not
// include their end, as soon as stream time reaches end + grace, sliding windows and sessions, which do, only after
// that. Records that come later are late, and are dropped and counted. Without [Windows.Grace] the grace period is
// zero.
//
// The package owns the arithmetic, the windowed key and its serdes. It keeps no state and knows no clock. What
// makes no sense, such as a window of no size, is refused by Validate, which package stream calls.
//
// Source: KIP-138, KIP-328 (grace), KIP-450 (sliding windows), KIP-633 (no default grace).
package window

// Window is a span of time. Whether End belongs to it depends on its kind: not for tumbling and hopping
// windows, but for sliding ones and sessions.
type Window struct{ Start, End int64 }

// Key is a key within one of its windows: what windowed tables are keyed by. See [Window] for End.
type Key[K comparable] struct {
	Key        K
	Start, End int64
}

// Window is the key's window.
func (k Key[K]) Window() Window { return Window{k.Start, k.End} }
