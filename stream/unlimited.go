package stream

import (
	"math"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// unlimitedFold aggregates the one window that has a start and no end. It never closes, so no record is late.
type unlimitedFold[K comparable, V, A any] struct {
	windowBase[K, V, A]
	start int64
}

// Process implements processor.Receiver.
func (u *unlimitedFold[K, V, A]) Process(r record.Record[K, V]) {
	switch {
	case r.Null.Key():
		u.task.Drop(u.name, processor.DropNullKey)
	case r.Timestamp < u.start:
		u.task.Drop(u.name, processor.DropBeforeStart) // Kafka Streams does not count them
	default:
		u.update(&r, u.start)
	}
}

// end is the end of a window, at most the latest time there is.
func end(start, size int64) int64 {
	if e := start + size; e >= start {
		return e
	}
	return math.MaxInt64
}
