package main

import (
	"container/heap"
	"math/rand/v2"
	"strconv"
	"time"
)

// traffic makes up orders and their payments. Most are paid within seconds, some before the order has arrived,
// some too late for the join, and some never.
type traffic struct {
	random *rand.Rand
	// run is what the keys of the run's orders begin with, so that those of another run are not theirs.
	run     string
	start   time.Time
	every   time.Duration // between two orders
	orders  int64         // made up so far
	waiting arrivals
}

// purchase is an order with its payment.
type purchase struct {
	id    string
	by    registered
	cents int64
	// ordered and paid are when the two happened, in milliseconds. They may arrive later and in any order.
	ordered, paid int64
	// arrived is how many of them have: 0 to 2.
	arrived int
}

// inTime reports whether the join takes the payment for the order.
func (p *purchase) inTime() bool {
	return max(p.paid-p.ordered, p.ordered-p.paid) <= payWithin.Milliseconds()
}

// arrival is an order, or its payment, that gets to the shop at a time.
type arrival struct {
	at time.Time
	*purchase
	payment bool
}

// newTraffic begins at start with rate orders a second.
func newTraffic(seed uint64, start time.Time, rate float64) *traffic {
	return &traffic{
		random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a shop that is made up
		run:    strconv.FormatInt(start.UnixMilli(), 36), start: start, every: time.Duration(float64(time.Second) / rate),
	}
}

// arrive returns what has arrived up to now and has not been returned before, in order.
func (t *traffic) arrive(now time.Time) (got []arrival) {
	for at := t.due(); !at.After(now); at = t.due() {
		t.makeUp(at)
	}
	for len(t.waiting) > 0 && !t.waiting[0].at.After(now) {
		got = append(got, heap.Pop(&t.waiting).(arrival))
	}
	return got
}

// due is when the next order is made.
func (t *traffic) due() time.Time { return t.start.Add(time.Duration(t.orders) * t.every) }

func (t *traffic) makeUp(at time.Time) {
	p := &purchase{
		id:      t.run + "-" + strconv.FormatInt(t.orders, 10),
		by:      shopCustomers[t.random.IntN(len(shopCustomers))],
		cents:   100 + t.random.Int64N(20_000),
		ordered: at.UnixMilli(),
	}
	t.orders++
	arrives, delay := at, t.between(0, 4*time.Second)
	switch chance := t.random.IntN(100); {
	case chance < 5:
		heap.Push(&t.waiting, arrival{arrives, p, false})
		return // it is never paid
	case chance < 8:
		delay = payWithin + t.between(time.Second, 5*time.Second)
	case chance < 18: // the order is slow
		arrives = at.Add(t.between(0, 2*time.Second))
	}
	paid := at.Add(delay)
	p.paid = paid.UnixMilli()
	heap.Push(&t.waiting, arrival{arrives, p, false})
	heap.Push(&t.waiting, arrival{paid, p, true})
}

func (t *traffic) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.random.Int64N(int64(to-from)))
}

// arrivals is a heap, the earliest first.
type arrivals []arrival

// Len implements heap.Interface.
func (a arrivals) Len() int { return len(a) }

// Less implements heap.Interface.
func (a arrivals) Less(i, j int) bool { return a[i].at.Before(a[j].at) }

// Swap implements heap.Interface.
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *arrivals) Push(x any) { *a = append(*a, x.(arrival)) }

// Pop implements heap.Interface.
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
