package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/partition"
	"github.com/leatstream/leat/record"
)

func TestPartitionOfAnOutput(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		const n = 6
		topic := e.topic(t, n)
		c := e.client(t, ClientConfig{})
		for _, x := range []struct {
			out  Output
			want int32
		}{
			{Output{Partition: 3, Key: []byte("foobar")}, 3},
			{Output{Partition: 0, PartitionKey: []byte("foobar")}, 0},
			{Output{Partition: -1, Key: []byte("foobar")}, partition.Of([]byte("foobar"), n)},
			{Output{Partition: -1, Key: []byte("window of abc"), PartitionKey: []byte("abc")}, partition.Of([]byte("abc"), n)},
			{Output{Partition: -1, Key: []byte{}}, partition.Of(nil, n)},
		} {
			x.out.Topic = topic
			got, offset, err := produce(t, c, x.out)
			if err != nil || got != x.want || offset < 0 {
				t.Errorf("%+v went to %d@%d, %v; want partition %d", x.out, got, offset, err, x.want)
			}
		}
		// Records without a key reach every partition, batch by batch.
		seen := map[int32]bool{}
		for i := 0; i < 500 && len(seen) < n; i++ {
			p, _, err := produce(t, c, Output{Topic: topic, Partition: -1, Value: []byte("x")})
			if err != nil {
				t.Fatal(err)
			}
			seen[p] = true
		}
		if len(seen) != n {
			t.Errorf("500 batches without keys reached only partitions %v", seen)
		}
	})
}

func TestProduceKeepsOrderAndReusesItsRecords(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		const n = 5000
		p := tp(e.topic(t, 1), 0)
		c := e.client(t, ClientConfig{MaxBuffered: 64})
		var mu sync.Mutex
		var offsets []int64
		for i := range n {
			// The Output is the caller's again at once, the bytes are not.
			out := Output{Topic: p.Topic, Partition: 0, Value: fmt.Append(nil, i), Headers: record.Headers{{Key: "i", Value: fmt.Append(nil, i)}}}
			c.Produce(t.Context(), &out, func(_ int32, offset int64, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				offsets = append(offsets, offset)
			})
			out = Output{}
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(offsets) != n || !slices.IsSorted(offsets) || offsets[n-1] != n-1 {
			t.Fatalf("%d acknowledged, last %d", len(offsets), last(offsets))
		}
		c.Assign(map[record.TopicPartition]int64{p: 0})
		i := 0
		for _, f := range collect(t, c, haveRecords(n)) {
			for _, r := range f.Records {
				if want := fmt.Sprint(i); string(r.Value) != want || string(r.Headers[0].Value) != want || len(r.Headers) != 1 {
					t.Fatalf("record %d: %s %v", i, r.Value, r.Headers)
				}
				i++
			}
		}
	})
}

func TestProduceErrorsNameTopicAndRemedy(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2, "max.message.bytes", "1000")
		c := e.client(t, ClientConfig{BatchMaxBytes: 100_000})
		_, offset, err := produce(t, c, Output{Topic: topic, Partition: 1, Value: make([]byte, 5000)})
		wantKind(t, err, TooLarge, "produce "+topic+"[1]", "5000 bytes", "max.message.bytes")
		if offset != -1 {
			t.Errorf("offset of a failed record: %d", offset)
		}
		_, _, err = produce(t, c, Output{Topic: topic, Partition: -1, Value: make([]byte, 200_000)})
		wantKind(t, err, TooLarge, topic, "200000 bytes")
		_, _, err = produce(t, c, Output{Topic: topic, Partition: 2, Value: []byte("x")})
		wantKind(t, err, UnknownTopic, topic+"[2]", "fewer partitions")
		missing := e.name(t, "missing")
		_, _, err = produce(t, c, Output{Topic: missing, Partition: -1, Value: []byte("x")})
		wantKind(t, err, UnknownTopic, "produce "+missing, "create topic")
		// None of it keeps the client from going on.
		if _, _, err := produce(t, c, Output{Topic: topic, Partition: 1, Value: []byte("x")}); err != nil {
			t.Error(err)
		}
	})
}

// The delivery timeout counts from Produce. What the record's timestamp says must not matter: event time may be
// years ago.
func TestDeliveryTimeout(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	c := e.client(t, ClientConfig{DeliveryTimeout: 400 * time.Millisecond})
	if _, _, err := produce(t, c, Output{Topic: topic, Timestamp: 1, Value: []byte("x")}); err != nil {
		t.Fatalf("a record of 1970: %v", err)
	}
	refuse := func(err *kerr.Error) {
		e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: err, Count: -1})
	}
	refuse(kerr.NotEnoughReplicas)
	for _, timestamp := range []int64{1, time.Now().Add(240 * time.Hour).UnixMilli()} {
		begin := time.Now()
		_, _, err := produce(t, c, Output{Topic: topic, Timestamp: timestamp, Value: []byte("x")})
		wantKind(t, err, Timeout, topic, "delivery timeout")
		if d := time.Since(begin); d < 400*time.Millisecond || d > 8*time.Second {
			t.Errorf("timed out after %v", d)
		}
	}
}

func TestDeliveryTimeoutWhenTheBrokerIsGone(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	c := e.client(t, ClientConfig{DeliveryTimeout: 500 * time.Millisecond})
	if _, _, err := produce(t, c, Output{Topic: topic, Value: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	e.fake.Close()
	begin := time.Now()
	_, _, err := produce(t, c, Output{Topic: topic, Value: []byte("x")})
	wantKind(t, err, Timeout, topic)
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("timed out after %v", d)
	}
}

func TestTheContextOfProduceEndsOnlyItsWaiting(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	c := e.client(t, ClientConfig{MaxBuffered: 1, Linger: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	c.Produce(ctx, &Output{Topic: topic, Value: []byte("accepted")}, func(_ int32, _ int64, err error) { first <- err })
	cancel()
	c.Produce(ctx, &Output{Topic: topic, Value: []byte("no room")}, func(_ int32, _ int64, err error) { second <- err })
	wantKind(t, <-second, Closed)
	if err := <-first; err != nil {
		t.Errorf("a record that was accepted before the context ended: %v", err)
	}
}

func TestFlushAndCloseWithUnacknowledgedRecords(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.NotEnoughReplicas, Count: -1})
	c := e.client(t, ClientConfig{})
	got := make(chan error, 1)
	c.Produce(t.Context(), &Output{Topic: topic, Value: []byte("x")}, func(_ int32, _ int64, err error) { got <- err })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantKind(t, c.Flush(ctx), Closed)
	c.Close()
	select {
	case err := <-got:
		wantKind(t, err, Closed, topic)
	case <-time.After(10 * time.Second):
		t.Error("Close left a record without an answer")
	}
}

func TestProduceDoesNotAllocateMuch(t *testing.T) {
	c := newFake(t, kfake.BlackholeProduce())
	topic := c.topic(t, 1)
	cl := c.client(t, ClientConfig{})
	key, value := []byte("key"), make([]byte, 50)
	out := Output{Topic: topic, Partition: -1, Key: key, Value: value}
	done := func(int32, int64, error) {}
	run := func() {
		for range 1000 {
			cl.Produce(t.Context(), &out, done)
		}
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run()
	// What is left is franz-go's and, in this process, the broker's: some a batch.
	if per := testing.AllocsPerRun(20, run) / 1000; per > 0.5 {
		t.Errorf("%.2f allocations a record", per)
	} else {
		t.Logf("%.2f allocations a record", per)
	}
}
