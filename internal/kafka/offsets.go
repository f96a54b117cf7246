package kafka

import (
	"context"

	"github.com/leatstream/leat/record"
)

// Offset is a position to commit, or one that was committed.
type Offset struct {
	// Next is the offset of the first record that is not processed yet.
	Next int64
	// Metadata is a text of the application's kept beside the offset.
	Metadata string
}

// StartOffsets returns the offset of the first record that each partition still has.
func (a *Admin) StartOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	panic("draft")
}

// EndOffsets returns for each partition the offset after the last record that consumers reading
// uncommitted data may see (the high watermark).
func (a *Admin) EndOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	panic("draft")
}

// CommittedEndOffsets returns for each partition the last stable offset: the offset of the first record of
// the oldest open transaction, or the high watermark when none is open.
func (a *Admin) CommittedEndOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	panic("draft")
}

// DeleteRecords deletes what lies before the given offset of each partition. Partitions that failed are in
// the joined error; the others are done.
func (a *Admin) DeleteRecords(ctx context.Context, before map[record.TopicPartition]int64) error {
	panic("draft")
}

// GroupOffsets returns what group has committed; a partition without a commit is not in the result. With
// requireStable it waits, as long as ctx allows, until no transaction that has offsets of the group pending
// is open, and otherwise fails with kind [Retriable].
func (a *Admin) GroupOffsets(ctx context.Context, group string, requireStable bool) (map[record.TopicPartition]Offset, error) {
	panic("draft")
}
