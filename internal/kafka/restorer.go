package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

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
	// End is the end of the log as the broker last said it (the Range's End while it has said nothing).
	// For a standby, End minus Next is what it lags behind.
	End int64
	// Done tells that the Range has been read to its end and is no longer read. It is decided by position:
	// a changelog whose tail is empty, compacted away or made of transaction markers ends too.
	Done bool
	// Err stops the Range, which is no longer read. [OffsetOutOfRange]: what From continues is no longer
	// in the log (or never was in this log); wipe and restore from the start.
	Err error
}

// Restorer reads changelogs in bulk, many partitions at the same time. Its methods may be called
// concurrently, but only one Poll at a time.
type Restorer struct {
	cl *kgo.Client
	f  *fetcher
}

// NewRestorer makes a Restorer. The cluster need not be reachable yet. It takes
// more at a time than a Client, which makes larger batches for the local state.
func NewRestorer(cfg Config, rc ReadConfig) (*Restorer, error) {
	cc := ClientConfig{Read: rc}
	if err := cc.validate(); err != nil {
		return nil, err
	}
	cl, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Restorer{cl: cl, f: newFetcher(cl, cfg, rc.withDefaults(8<<20, 2<<20))}, nil
}

// Add starts reading ranges. A Range of a partition that is being read replaces what was there. A Range
// that is empty (From equals End) is done at once, without asking the broker; one that starts above its End
// is an error of kind [OffsetOutOfRange] unless the log has its From after all.
func (r *Restorer) Add(ranges ...Range) { r.f.assign(ranges...) }

// Cancel stops reading partitions; no later Poll returns anything of them.
func (r *Restorer) Cancel(tps ...record.TopicPartition) { r.f.unassign(tps) }

// Poll returns what has been read, and waits for it as long as ctx lasts, as [Client.Poll] does.
func (r *Restorer) Poll(ctx context.Context, limit int) ([]Restored, error) {
	ps, err := r.f.poll(ctx, limit, true)
	if err != nil || len(ps) == 0 {
		return nil, err
	}
	out := make([]Restored, len(ps))
	for i, p := range ps {
		out[i] = Restored{TopicPartition: p.tp, Records: p.records, Next: p.next, End: p.end, Done: p.done, Err: p.err}
	}
	return out, nil
}

// GiveBack is as [Client.GiveBack].
func (r *Restorer) GiveBack(records []record.Raw) { r.f.giveBack(records) }

// Ready is as [Client.Ready].
func (r *Restorer) Ready() <-chan struct{} { return r.f.ready }

// Close stops all reading. A Poll that waits returns.
func (r *Restorer) Close() {
	r.f.close()
	r.cl.Close()
}
