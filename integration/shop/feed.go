package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// totals are by customer and minute.
type totals map[window.Key[string]]shop.Total

// feeder writes customers and checkouts, and does the services' sums in its head.
type feeder struct {
	client    *kgo.Client
	id        string
	random    *rand.Rand
	customers map[string]bool
	orders    int64
	totals    totals
}

func newFeeder(client *kgo.Client, begin time.Time) *feeder {
	return &feeder{
		client: client, id: strconv.FormatInt(begin.UnixMilli(), 36), random: rand.New(rand.NewPCG(uint64(begin.UnixNano()), 0)), //nolint:gosec // made up
		customers: make(map[string]bool), totals: make(totals),
	}
}

const customers = 20

func (f *feeder) customer(n int) string { return fmt.Sprintf("customer-%s-%d", f.id, n) }
func name(customer string) string       { return "the one of " + customer }

// run writes the customers, then the checkouts. A payment does not come later than its order, so neither do the
// totals that both lead to.
func (f *feeder) run(ctx context.Context, checkouts int, rate float64) error {
	failed := make(chan error, 1)
	for n := range customers {
		c := f.customer(n)
		f.customers[c] = true
		if err := write(ctx, f, shop.Customers, c, shop.Customer{Name: name(c), City: "Millbrook"}, time.Now(), failed); err != nil {
			return err
		}
	}
	if err := f.client.Flush(ctx); err != nil {
		return err
	}
	begin := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < checkouts; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-tick.C:
		}
		for due := min(checkouts, int(time.Since(begin).Seconds()*rate)); n < due; n++ {
			if err := f.checkout(ctx, n, failed); err != nil {
				return err
			}
		}
	}
	if err := f.client.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// checkout writes one. Some have nothing in them, and some cost more than customers can pay.
func (f *feeder) checkout(ctx context.Context, n int, failed chan error) error {
	now := time.Now()
	c := shop.Checkout{Customer: f.customer(f.random.IntN(customers))}
	var cents int64
	for range f.random.IntN(4) {
		item := shop.Item{Product: "flour", Quantity: 1 + f.random.Int64N(5), Price: 1 + f.random.Int64N(10_000)}
		c.Items = append(c.Items, item)
		cents += item.Quantity * item.Price
	}
	if cents > 0 && cents <= 500_00 {
		start := now.Truncate(time.Minute).UnixMilli()
		k := window.Key[string]{Key: c.Customer, Start: start, End: start + time.Minute.Milliseconds()}
		f.totals[k] = shop.Total{Name: name(c.Customer), Orders: f.totals[k].Orders + 1, Cents: f.totals[k].Cents + cents}
		f.orders++
	}
	return write(ctx, f, shop.Checkouts, fmt.Sprintf("%s-%d", f.id, n), c, now, failed)
}

func write[V any](ctx context.Context, f *feeder, topic stream.Topic[string, V], key string, value V, at time.Time, failed chan error) error {
	k, err := topic.Keys().Append(nil, key)
	if err != nil {
		return err
	}
	v, err := topic.Values().Append(nil, value)
	if err != nil {
		return err
	}
	f.client.Produce(ctx, &kgo.Record{Topic: topic.Name(), Key: k, Value: v, Timestamp: at}, func(_ *kgo.Record, err error) {
		if err != nil {
			select {
			case failed <- fmt.Errorf("write to %s: %w", topic.Name(), err):
			default: // one is enough
			}
		}
	})
	return nil
}
