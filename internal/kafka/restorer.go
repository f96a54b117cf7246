package kafka

import (
	"context"

	"github.com/leatstream/leat/record"
)

// FromStart as a Range's From stands for the first offset that the broker still has.
const FromStart int64 = -2

// NoEnd as a Range's End makes a restore go on for ever: a standby.
const NoEnd int64 = -1

// Range is what to read of a changelog partition: [From, End).
type Range struct {
	record.TopicPartition
	// From is the first offset, or FromStart.
	From int64
	// End is the offset to stop before, or NoEnd. Take it from [Admin.CommittedEndOffsets] when the
	// changelog is written in transactions, else from [Admin.EndOffsets].
	End int64
}

// Restored is a part of a Range.
type Restored struct {
	record.TopicPartition
	// Records are in the order of their offsets, all below the Range's End. They belong to the caller, as
	// those of a [Fetch] do.
	Records []record.Raw
	// Next is the position: everything of the log before it is in this or an earlier Restored.
	Next int64
	// End is the Range's End, or the end of the log as the broker last said it for a Range without one.
	End int64
	// Done tells that the Range has been read to its end and is no longer read. It is decided by position:
	// a changelog whose tail is empty, compacted away or made of transaction markers ends too.
	Done bool
	// Err stops the Range, which is no longer read. [OffsetOutOfRange]: what From continues is no longer
	// in the log (or never was in this log); wipe and restore from the start.
	Err error
}

// Restorer reads changelogs in bulk, many partitions at the same time. Add, Cancel and Poll may be called
// concurrently.
type Restorer struct {
}

// NewRestorer makes a Restorer. The cluster need not be reachable yet. Zero fields of rc mean 100 ms, 32 MiB
// a response and 4 MiB a partition.
func NewRestorer(cfg Config, rc ReadConfig) (*Restorer, error) { panic("draft") }

// Add starts reading ranges. A Range of a partition that is being read replaces what was there.
func (r *Restorer) Add(ranges ...Range) { panic("draft") }

// Cancel stops reading partitions; no later Poll returns anything of them.
func (r *Restorer) Cancel(tps ...record.TopicPartition) { panic("draft") }

// Poll returns what has been read, and waits for it as long as ctx lasts, as [Client.Poll] does.
func (r *Restorer) Poll(ctx context.Context, max int) ([]Restored, error) { panic("draft") }

// Ready is as [Client.Ready].
func (r *Restorer) Ready() <-chan struct{} { panic("draft") }

// Close stops all reading. A Poll that waits returns.
func (r *Restorer) Close() { panic("draft") }
