package kafkatest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/integration/kafkatest"
)

// roundTrip shows that a cluster does what leat needs: topics of four partitions, produced and consumed records,
// and transactions, of which a reader of committed records sees the committed one alone.
func roundTrip(t *testing.T, brokers []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	topic := kafkatest.NewTopicOn(t, brokers, "round-trip", 0)
	produced := map[string]bool{}

	plain := kafkatest.NewClient(t, brokers, kgo.DefaultProduceTopic(topic))
	for i := range 20 {
		v := fmt.Sprintf("plain-%d", i)
		if err := plain.ProduceSync(ctx, kgo.KeyStringRecord(v, v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		produced[v] = true
	}

	id := kafkatest.UniqueName("txn")
	txn := kafkatest.NewClient(t, brokers, kgo.DefaultProduceTopic(topic), kgo.TransactionalID(id), kgo.TransactionTimeout(10*time.Second))
	for _, end := range []struct {
		name   string
		commit kgo.TransactionEndTry
	}{{"aborted", kgo.TryAbort}, {"committed", kgo.TryCommit}} {
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			v := fmt.Sprintf("%s-%d", end.name, i)
			if err := txn.ProduceSync(ctx, kgo.KeyStringRecord(v, v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if end.commit == kgo.TryCommit {
				produced[v] = true
			}
		}
		if err := txn.EndTransaction(ctx, end.commit); err != nil {
			t.Fatalf("end transaction: %v", err)
		}
	}

	details, err := kadm.NewClient(plain).ListTopics(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(details[topic].Partitions); got != 4 {
		t.Errorf("topic has %d partitions, want 4", got)
	}

	reader := kafkatest.NewClient(
		t, brokers, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	seen := map[string]int{}
	for len(seen) < len(produced) {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("consume: %v; %d of %d records so far", err, len(seen), len(produced))
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
	}
	for v, n := range seen {
		if !produced[v] || n != 1 {
			t.Errorf("record %q came %d times; written and committed: %v", v, n, produced[v])
		}
	}
}
