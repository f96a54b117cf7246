package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fed is what has been written.
type fed struct {
	// seqs are the records of each key that were written to be counted.
	seqs []uint64
	// pairs is the number of pairs that were written to be joined.
	pairs int64
}

func (f fed) counted() (n int64) {
	for _, seq := range f.seqs {
		n += int64(seq)
	}
	return n
}

// feeder writes the input at a steady rate. Key n goes to partition n modulo their number, so that it is known
// where each came from.
type feeder struct {
	client  *kgo.Client
	keys    int
	perTick float64
	random  *rand.Rand

	// written counts the records to be counted.
	written atomic.Int64
	fed     fed
	// every is how many of those come between two pairs.
	every int64

	mu  sync.Mutex
	err error
}

// tick is the time between two writes.
const tick = 10 * time.Millisecond

func newFeeder(addresses []string, s settings) (*feeder, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(200_000))
	if err != nil {
		return nil, err
	}
	return &feeder{
		client: client, keys: s.keys, fed: fed{seqs: make([]uint64, s.keys)}, every: int64(s.pairs), random: rand.New(rand.NewPCG(s.seed, 1)),
		perTick: float64(s.records) / s.duration.Seconds() * tick.Seconds(),
	}, nil
}

// run writes until done is closed, and as many records as are wanted have been written, then waits until all of
// them are acknowledged.
func (f *feeder) run(ctx context.Context, wanted int64, done <-chan struct{}) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	due := 0.0
	for finished := false; !finished || f.written.Load() < wanted; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			finished, done = true, nil
		case <-t.C:
		}
		for due += f.perTick; due >= 1; due-- {
			f.write(ctx)
		}
	}
	if err := f.client.Flush(ctx); err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *feeder) write(ctx context.Context) {
	key := f.random.IntN(f.keys)
	seqs := f.fed.seqs
	seqs[key]++
	now := time.Now()
	f.produce(ctx, inTopic, key%partitions, keyName(key), event{ID: eventID(key, seqs[key], f.keys), Seq: seqs[key]}, now)
	if f.written.Add(1)%f.every != 0 {
		return
	}
	n := f.fed.pairs
	f.fed.pairs++
	e, partition, name := event{ID: uint64(n), Seq: 1}, int(n%partitions), pairName(n)
	apart := time.Duration(f.random.Int64N(int64(joinWithin)))
	f.produce(ctx, leftTopic, partition, name, e, now.Add(-apart))
	f.produce(ctx, rightTopic, partition, name, e, now)
}

func (f *feeder) produce(ctx context.Context, topic string, partition int, key string, e event, at time.Time) {
	value, _ := eventSerde{}.Append(nil, e) // it never fails
	f.client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(partition), Key: []byte(key), Value: value, Timestamp: at},
		func(_ *kgo.Record, err error) {
			if err != nil {
				f.mu.Lock()
				f.err = fmt.Errorf("write the input: %w", err)
				f.mu.Unlock()
			}
		})
}

// eventID is the ID of a key's record.
func eventID(key int, seq uint64, keys int) uint64 { return (seq-1)*uint64(keys) + uint64(key) }

func (f *feeder) close() { f.client.Close() }
