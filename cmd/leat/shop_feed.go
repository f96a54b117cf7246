package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/stream"
)

// feeder writes what arrives at the shop.
type feeder struct {
	client *kafka.Client
	topics shopTopics

	mu     sync.Mutex
	failed error
	fed    fed
}

// fed is what has been written.
type fed struct {
	orders, payments int64
	// due are the totals that it must lead to.
	due totals
}

func newFeeder(cfg kafka.Config, topics shopTopics) (*feeder, error) {
	client, err := kafka.NewClient(cfg, kafka.ClientConfig{Linger: 5 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	return &feeder{client: client, topics: topics, fed: fed{due: totals{}}}, nil
}

// customers writes the table of customers and waits until it is acknowledged.
func (f *feeder) customers(ctx context.Context, now time.Time) error {
	for _, c := range shopCustomers {
		if err := write(ctx, f, f.topics.customers, c.key, c.customer, now.UnixMilli()); err != nil {
			return err
		}
	}
	return f.flush(ctx)
}

// feedInterval is the time between two looks at what has arrived.
const feedInterval = 10 * time.Millisecond

// run writes what arrives until ctx ends, and waits until all of it is acknowledged.
func (f *feeder) run(ctx context.Context, t *traffic) error {
	tick := time.NewTicker(feedInterval)
	defer tick.Stop()
	all := context.WithoutCancel(ctx) // what has been made up is written
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			for _, a := range t.arrive(now) {
				if err := f.write(all, a); err != nil {
					return err
				}
			}
		}
	}
	return f.flush(all)
}

func (f *feeder) write(ctx context.Context, a arrival) (err error) {
	if a.payment {
		err = write(ctx, f, f.topics.payments, a.id, payment{a.cents}, a.paid)
	} else {
		err = write(ctx, f, f.topics.orders, a.id, order{a.by.key, a.cents}, a.ordered)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.payment {
		f.fed.payments++
	} else {
		f.fed.orders++
	}
	if a.arrived++; a.arrived == 2 {
		f.fed.due.add(a.purchase)
	}
	return err
}

// write hands a record to the client. Errors come out of a later write, or of flush.
func write[V any](ctx context.Context, f *feeder, topic stream.Topic[string, V], key string, value V, at int64) error {
	k, err := topic.Keys().Append(nil, key)
	if err != nil {
		return err
	}
	v, err := topic.Values().Append(nil, value)
	if err != nil {
		return err
	}
	f.client.Produce(ctx, &kafka.Output{Topic: topic.Name(), Partition: -1, Key: k, Value: v, Timestamp: at}, func(_ int32, _ int64, err error) {
		if err == nil {
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.failed == nil {
			f.failed = fmt.Errorf("write to %s: %w", topic.Name(), err)
		}
	})
	return f.failure()
}

func (f *feeder) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *feeder) flush(ctx context.Context) error {
	if err := f.client.Flush(ctx); err != nil {
		return err
	}
	return f.failure()
}

// figures returns how much has been written, with totals of the caller's own.
func (f *feeder) figures() fed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fed{f.fed.orders, f.fed.payments, f.fed.due.plus(nil)}
}

func (f *feeder) close() { f.client.Close() }
