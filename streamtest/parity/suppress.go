package parity

import (
	"time"

	"github.com/leatstream/leat/stream"
)

// suppress without a time limit waits until windows close, with an unbounded buffer.
func (b *builder) suppress(op *Op) error {
	if t, ok := b.windowed[op.In]; ok {
		if op.TimeLimitMs == nil {
			b.windowed[op.ID] = stream.SuppressUntilWindowCloses(t, stream.Buffer{}, op.named()...)
			return nil
		}
		b.windowed[op.ID] = stream.SuppressUntilTimeLimit(t, op.timeLimit(), op.buffer(), op.named()...)
		return nil
	}
	t, err := b.tableFrom(op.In)
	if err != nil {
		return err
	}
	if op.TimeLimitMs == nil {
		return notYet("suppress", "until windows close of a table without windows")
	}
	b.tables[op.ID] = stream.SuppressUntilTimeLimit(t, op.timeLimit(), op.buffer(), op.named()...)
	return nil
}

func (op *Op) timeLimit() time.Duration { return time.Duration(*op.TimeLimitMs) * time.Millisecond }

func (op *Op) buffer() stream.Buffer {
	var b stream.Buffer
	if op.MaxRecords != nil {
		b.MaxRecords, b.EmitEarly = *op.MaxRecords, true
	}
	return b
}
