package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/partition"
)

// partitioner sends each record where its routing says: to an explicit partition (a changelog record goes to
// its task's), by the hash of its key, or, without a key, to any partition, the same one for a whole batch.
// A key's partition must not change while a partition is not writable, so only the last kind may avoid those.
type partitioner struct{}

// ForTopic implements kgo.Partitioner.
func (partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{sticky: kgo.StickyPartitioner().ForTopic(topic)}
}

type topicPartitioner struct{ sticky kgo.TopicPartitioner }

// RequiresConsistency implements kgo.TopicPartitioner.
func (topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	w, ok := r.Context.(*routing)
	return ok && (w.partition >= 0 || w.key != nil)
}

// Partition implements kgo.TopicPartitioner.
func (t topicPartitioner) Partition(r *kgo.Record, n int) int {
	w, ok := r.Context.(*routing)
	switch {
	case ok && w.partition >= 0:
		return int(w.partition)
	case ok && w.key != nil:
		return int(partition.Of(w.key, int32(n)))
	default:
		return t.sticky.Partition(r, n)
	}
}

// OnNewBatch implements kgo.TopicPartitionerOnNewBatch.
func (t topicPartitioner) OnNewBatch() {
	if s, ok := t.sticky.(kgo.TopicPartitionerOnNewBatch); ok {
		s.OnNewBatch()
	}
}
