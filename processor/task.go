package processor

import (
	"context"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// Task is what a node sees of the task that it runs in. Package task implements it; it is called only from
// the goroutine that runs the task.
type Task interface {
	// Application is the application id.
	Application() string
	// ID is the task's name, such as "0_3".
	ID() string
	// StreamTime is the highest timestamp that the task has processed, in milliseconds; -1 before the first.
	StreamTime() int64
	// WallClock is the time at which the current step began, in milliseconds since the Unix epoch.
	WallClock() int64
	// Source says where the record in process came from. ok is false in punctuators.
	Source() (s Source, ok bool)
	// Timestamp is that of the record in process; in a punctuator the time it was called with.
	Timestamp() int64
	// RequestCommit asks for a commit as soon as the record in process is done.
	RequestCommit()
	// Schedule calls f every interval of the given kind of time until it is cancelled.
	Schedule(node string, interval time.Duration, kind PunctuationKind, f func(now int64) error) *Punctuation
	// Store returns a store that the node is connected to.
	Store(node, name string) (statestore.Store, error)

	// Context ends when the instance stops; Try operators hand it to user code. It must not be kept.
	Context() context.Context
	// Partitions is the number of partitions of a topic that outputs go to, for partitioners; ok is false
	// where it is not known.
	Partitions(topic string) (n int32, ok bool)

	// Failed reports whether the task has failed: from then on nothing it does has an effect.
	Failed() bool
	// Fail ends the task with an error that no policy may pass over.
	Fail(node string, err error)
	// Refuse hands an error of user code (or of a value that it returned) to the processing error policy,
	// with the number of tries so far, and reports whether to try again. After false the record is dropped
	// at this node, or the task has failed.
	Refuse(node string, err error, tries int) (again bool)
	// Drop counts a record that an operator leaves out, by reason.
	Drop(node string, reason DropReason)
	// EmitInterval is the wall-clock time that an operator lets pass, in milliseconds, between two looks for
	// results that time has made final.
	EmitInterval() int64
	// KeptTime returns the time, in milliseconds, that was kept under a name last, by this task or, before a
	// restart, by the one that committed; ok is false if there is none. It must not be asked before the first
	// record.
	KeptTime(name string) (at int64, ok bool)
	// KeepTime keeps a time with the offsets of the next commit.
	KeepTime(name string, at int64)
	// Arena is where the bytes of outputs are laid down.
	Arena() *Arena
	// Send hands over one output record. Its bytes must stay unchanged.
	Send(out Output)
}

// Source is the place that a record was read from.
type Source struct {
	record.TopicPartition
	Offset int64
}

// Origin is the record in process as its task knows it.
type Origin struct {
	// Source is where it was read; Known is false in punctuators.
	Source Source
	Known  bool
	// Timestamp is the record's.
	Timestamp int64
}

// Recaller is implemented by tasks in which an operator can send on a record that it held back.
type Recaller interface {
	// Recall makes another record the one in process and returns the one that was, to be recalled when what
	// follows from the other is done.
	Recall(o Origin) (before Origin)
}

// Output is a record that a task wants written. Key and Value nil are null.
type Output struct {
	// Topic is the full name of the topic.
	Topic string
	// Partition is the partition to write to, or -1 for the one that the key's hash names, as Java's
	// default partitioner has it.
	Partition int32
	// Store is one more than the number of the store in its task if this is a change record of it; 0 else.
	Store int32
	Key   []byte
	Value []byte
	// PartitionKey is hashed in place of Key where it is not nil (windowed keys go where their inner key goes).
	PartitionKey []byte
	Timestamp    int64
	Headers      record.Headers
	// Cause says what led to an output of a sink, so that one that the broker refuses can be told again when
	// its record is processed anew. It is set by the task.
	Cause Cause
	// Letter tells that it is a dead letter.
	Letter bool
}

// Cause names an output by what it came from. Its zero value names none: what punctuators send, change records
// and dead letters have no cause.
type Cause struct {
	// Source is the record that was in process, Number how many outputs it had led to before, plus one.
	Source Source
	Number int32
}

// DropReason says why an operator left a record out. Each is one value of a metric's label.
type DropReason string

// The reasons for which records are dropped.
const (
	DropNullKey          DropReason = "null_key"
	DropNullValue        DropReason = "null_value"
	DropNullJoinKey      DropReason = "null_join_key"
	DropLate             DropReason = "late"
	DropExpired          DropReason = "expired"
	DropNegativeTime     DropReason = "negative_timestamp"
	DropDeserialize      DropReason = "deserialization_error"
	DropProcessing       DropReason = "processing_error"
	DropProduction       DropReason = "production_error"
	DropOutOfOrder       DropReason = "out_of_order"
	DropInvalidTimestamp DropReason = "invalid_timestamp"
	DropStaleAnswer      DropReason = "stale_answer"
	DropBeforeStart      DropReason = "before_window_start"
)

// PunctuationKind is the kind of time that a punctuator follows.
type PunctuationKind uint8

const (
	// StreamTime punctuators fire when records have moved stream time on: first as soon as it is known.
	StreamTime PunctuationKind = iota
	// WallClockTime punctuators fire by the clock, also while no records come: first one interval from now.
	WallClockTime
)

// Punctuation is a scheduled call. It is cancelled by the goroutine that runs the task, also from inside it.
type Punctuation struct{ cancelled bool }

// Cancel ends the schedule.
func (p *Punctuation) Cancel() { p.cancelled = true }

// Cancelled reports whether Cancel was called.
func (p *Punctuation) Cancelled() bool { return p.cancelled }
