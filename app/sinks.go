package app

import (
	"context"
	"strconv"

	"github.com/leatstream/leat/internal/kafka"
)

// sinks is what a worker knows of the topics that its tasks write to. It asks the broker once for each.
type sinks struct {
	admin *kafka.Admin
	known map[string]sink
}

type sink struct {
	partitions int32
	// limit is the largest record, in bytes, that the topic and the client take.
	limit int
}

// batchLimit is the client's own limit for a batch, and so for a record.
const batchLimit = 1_000_012

// find returns what is known of a topic. It blocks for the first record to each.
func (s *sinks) find(ctx context.Context, topic string) (sink, bool) {
	if k, ok := s.known[topic]; ok {
		return k, true
	}
	found, err := s.admin.Topics(ctx, topic)
	if err != nil || found[topic].Missing {
		return sink{}, false // producing to it will say what is wrong
	}
	k := sink{partitions: found[topic].Partitions, limit: batchLimit}
	if configs, err := s.admin.TopicConfigs(ctx, topic); err == nil {
		if n, err := strconv.Atoi(configs[topic]["max.message.bytes"]); err == nil {
			k.limit = min(k.limit, n)
		}
	}
	if s.known == nil {
		s.known = make(map[string]sink)
	}
	s.known[topic] = k
	return k, true
}

// forget has the broker asked again.
func (s *sinks) forget(topic string) { delete(s.known, topic) }

// partitions tells partitioners how many partitions a topic has.
func (s *sinks) partitions(ctx context.Context, topic string) (int32, bool) {
	k, ok := s.find(ctx, topic)
	return k.partitions, ok
}

func (s *sinks) limit(ctx context.Context, topic string) (int, bool) {
	k, ok := s.find(ctx, topic)
	return k.limit, ok
}
