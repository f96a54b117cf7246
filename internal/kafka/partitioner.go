package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"
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
		return int(PartitionFor(w.key, int32(n)))
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

// PartitionFor returns the partition of a key among n, as Kafka's own clients choose it: the murmur2 hash of
// its bytes, without the sign bit, modulo n. An empty key has a partition too; null ones have none. n must be
// positive.
func PartitionFor(key []byte, n int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % n
}

// murmur2 is Austin Appleby's MurmurHash2 with the seed that Kafka uses.
func murmur2(b []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := 0x9747b28c ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h = h*m ^ k
	}
	if len(b) > 0 {
		for i := len(b) - 1; i >= 0; i-- {
			h ^= uint32(b[i]) << (8 * i)
		}
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
