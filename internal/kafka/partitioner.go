package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// partitioner sends each record where its production says: to an explicit partition (a changelog record goes to
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
	p, ok := r.Context.(*production)
	return ok && (p.partition >= 0 || p.hashed)
}

// Partition implements kgo.TopicPartitioner.
func (t topicPartitioner) Partition(r *kgo.Record, n int) int {
	p, ok := r.Context.(*production)
	switch {
	case ok && p.partition >= 0:
		return int(p.partition)
	case ok && p.hashed:
		return int(p.hash) % n
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
