package topology

import (
	"errors"
	"fmt"

	"github.com/leatstream/leat/processor"
)

// DecodeError is what [Head.Decode] returns for a record whose bytes the serde refuses. The deserialization
// policy decides about the record.
type DecodeError struct {
	// Part is "key" or "value".
	Part string
	// Err is the serde's error, or a processor.PanicError.
	Err error
}

func (e *DecodeError) Error() string { return "deserialize " + e.Part + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// TimestampError is what [Head.Decode] returns for a record without a usable timestamp. No policy but the
// source's own [TimestampPolicy] decides about it, so it ends the application.
type TimestampError struct {
	// Timestamp is the one that was refused; if the extractor panicked, Kafka's.
	Timestamp int64
	Err       error
}

func (e *TimestampError) Error() string {
	return fmt.Sprintf("extract timestamp (%d): %v", e.Timestamp, e.Err)
}

// Unwrap returns the cause.
func (e *TimestampError) Unwrap() error { return e.Err }

var (
	errNegativeTimestamp = errors.New("it is negative; extract it from the record, or choose SkipInvalidTimestamp or UsePartitionTime for the source")
	errNoPartitionTime   = errors.New("it is negative and no earlier record of the partition has a timestamp to fall back to")
)

// EncodeError is what a sink hands to processor.Task.Refuse for a record that the serde cannot write.
type EncodeError struct {
	// Topic is the full name of the topic to be written.
	Topic string
	// Part is "key" or "value".
	Part string
	// Err is the serde's error, or a processor.PanicError.
	Err error
}

func (e *EncodeError) Error() string {
	return fmt.Sprintf("serialize %s for topic %q: %v", e.Part, e.Topic, e.Err)
}

// Unwrap returns the cause.
func (e *EncodeError) Unwrap() error { return e.Err }

// Recover makes a panic a processor.PanicError in *err. It is to be deferred directly in a method that does no more
// than call the user's function, never around Forward:
//
//	func (n *node) apply(v V) (out V2, err error) {
//		defer topology.Recover(&err)
//		return n.f(v), nil
//	}
func Recover(err *error) {
	if v := recover(); v != nil {
		*err = processor.Panicked(v)
	}
}
