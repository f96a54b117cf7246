package kafkatest

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// UniqueName returns prefix with a random suffix, for the topics, groups, application ids and transactional ids
// of one test on a shared cluster.
func UniqueName(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:12])
}

// NewTopic creates a topic of a unique name on the shared cluster and returns the name. partitions is the number
// of partitions; 0 takes the cluster's own number, 4 where this package started it. The topic is deleted when
// the test ends.
func NewTopic(tb testing.TB, prefix string, partitions int) string {
	tb.Helper()
	return NewTopicOn(tb, Brokers(tb), prefix, partitions)
}

// NewTopicOn is [NewTopic] on the cluster of the given addresses.
func NewTopicOn(tb testing.TB, brokers []string, prefix string, partitions int) string {
	tb.Helper()
	cl := NewClient(tb, brokers)
	adm := kadm.NewClient(cl)
	count := int32(-1)
	if partitions > 0 {
		count = int32(partitions)
	}
	topic := UniqueName(prefix)
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	if _, err := adm.CreateTopic(ctx, count, -1, nil, topic); err != nil {
		tb.Fatalf("create topic %q: %v", topic, err)
	}
	// A client that is told to give up early could not work with the topic before its partitions have leaders.
	for {
		meta, err := metadata(ctx, cl, topic)
		if err == nil && led(meta) {
			break
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("create topic %q: no leaders: %v: %v", topic, ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	tb.Cleanup(func() {
		// The cluster may have been stopped by the test: what cannot be deleted then is gone anyway.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := adm.DeleteTopic(ctx, topic); err != nil {
			tb.Logf("delete topic %q: %v", topic, err)
		}
	})
	return topic
}

// led tells whether each partition of the only topic in meta has a leader.
func led(meta *kmsg.MetadataResponse) bool {
	if len(meta.Topics) != 1 || meta.Topics[0].ErrorCode != 0 || len(meta.Topics[0].Partitions) == 0 {
		return false
	}
	return !slices.ContainsFunc(meta.Topics[0].Partitions, func(p kmsg.MetadataResponseTopicPartition) bool {
		return p.ErrorCode != 0 || p.Leader < 0
	})
}

// NewClient returns a franz-go client of the cluster, closed when the test ends. Unlike franz-go's own default a
// produced record that cannot be delivered fails after a minute, so that a test fails rather than hangs.
func NewClient(tb testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordDeliveryTimeout(time.Minute)}, opts...)...)
	if err != nil {
		tb.Fatalf("make client: %v", err)
	}
	tb.Cleanup(cl.Close)
	return cl
}
