package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clockValue is the size of the values of the records whose processing is timed.
const clockValue = 9

// clock feeds every task a record at a steady rate, and notes when each was processed.
type clock struct {
	client *kgo.Client
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu sync.Mutex
	// ticks are the times at which tasks processed their records.
	ticks [partitions][]time.Time
	err   error
}

func startClock(ctx context.Context, brokers []string, rate int) (*clock, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumeTopics(outTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &clock{client: client, stop: stop}
	c.wg.Go(func() { c.feed(ctx, rate) })
	c.wg.Go(func() { c.watch(ctx) })
	return c, nil
}

func (c *clock) close() {
	c.stop()
	c.wg.Wait()
	c.client.Close()
}

func (c *clock) feed(ctx context.Context, rate int) {
	t := time.NewTicker(time.Second / time.Duration(rate))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for p := range int32(partitions) {
			r := &kgo.Record{Topic: inTopic, Partition: p, Key: fmt.Appendf(nil, "clock-%d", p), Value: make([]byte, clockValue)}
			c.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					c.fail(err)
				}
			})
		}
	}
}

func (c *clock) watch(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := c.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil && ctx.Err() == nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			at := time.Unix(0, int64(binary.BigEndian.Uint64(r.Value)))
			c.ticks[r.Key[len(r.Key)-1]-'0'] = append(c.ticks[r.Key[len(r.Key)-1]-'0'], at)
		})
		c.mu.Unlock()
	}
}

func (c *clock) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// quiet waits until every task has, for as long as settle, processed without a pause.
func (c *clock) quiet(ctx context.Context, from time.Time, settle time.Duration) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		now := time.Now()
		c.mu.Lock()
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return err
		}
		steady := now.Sub(from) > settle
		for p := range partitions {
			steady = steady && c.gap(p, now.Add(-settle), now) < settle/2
		}
		if steady {
			return nil
		}
	}
}

// gap returns the longest time between two records of a task, or from the last one, within [from, to].
func (c *clock) gap(partition int, from, to time.Time) time.Duration {
	c.mu.Lock()
	times := slices.Clone(c.ticks[partition])
	c.mu.Unlock()
	slices.SortFunc(times, time.Time.Compare)
	return longest(times, from, to)
}

// longest returns the longest time in [from, to] without one of the times, which are in order: the one that from
// lies in counts as a whole.
func longest(times []time.Time, from, to time.Time) (d time.Duration) {
	last := from
	for _, t := range times {
		switch {
		case t.Before(from):
			last = t
		case t.After(to):
			return max(d, to.Sub(last))
		default:
			d = max(d, t.Sub(last))
			last = t
		}
	}
	return max(d, to.Sub(last))
}
