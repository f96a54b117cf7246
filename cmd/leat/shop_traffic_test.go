package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/streamtest"
)

// TestTraffic runs a minute of traffic through the application: what the traffic says that the totals must be is
// what they are, and what a recount of everything that has arrived gives.
func TestTraffic(t *testing.T) {
	topo, err := shopTopology("shop")
	if err != nil {
		t.Fatal(err)
	}
	topics := newShopTopics("shop")
	start := time.UnixMilli(1_700_000_000_000)
	d := streamtest.New(t, topo, streamtest.Config{})
	for _, c := range shopCustomers {
		streamtest.Input(d, topics.customers).Pipe(c.key, c.customer, start.UnixMilli())
	}
	orders, payments := streamtest.Input(d, topics.orders), streamtest.Input(d, topics.payments)

	due := totals{}
	tr := newTraffic(1, start, 50)
	ordered, paid := map[string]*purchase{}, map[string]*purchase{}
	var last time.Time
	early := 0 // payments that came before their orders
	for now := start; now.Before(start.Add(time.Minute)); now = now.Add(70 * time.Millisecond) {
		for _, a := range tr.arrive(now) {
			if a.at.Before(last) || a.at.After(now) {
				t.Fatalf("%s arrived at %v, after one of %v and when it was %v", a.id, a.at, last, now)
			}
			last = a.at
			if a.payment {
				if ordered[a.id] == nil {
					early++
				}
				payments.Pipe(a.id, payment{a.cents}, a.paid)
				paid[a.id] = a.purchase
			} else {
				orders.Pipe(a.id, order{a.by.key, a.cents}, a.ordered)
				ordered[a.id] = a.purchase
			}
			if a.arrived++; a.arrived == 2 {
				due.add(a.purchase)
			}
		}
	}
	recount := totals{}
	late := 0
	for id, p := range ordered {
		if paid[id] == nil {
			continue
		}
		if p.paid-p.ordered > payWithin.Milliseconds() {
			late++
			continue
		}
		k := minuteOf(p.by.key, p.paid)
		recount[k] = total{p.by.customer, recount[k].Orders + 1, recount[k].Cents + p.cents}
	}
	if diff := cmp.Diff(recount, due, cmp.AllowUnexported(total{})); diff != "" {
		t.Errorf("due (-recount +due):\n%s", diff)
	}
	got := totals(streamtest.Map(streamtest.Output(d, topics.totals)))
	if err := got.check(due); err != nil {
		t.Error(err)
	}
	if n, _ := due.sum(); len(ordered) < 2900 || late == 0 || early == 0 || n < 2000 || len(paid) > len(ordered)-50 {
		t.Errorf("%d orders, %d payments, %d of them early, %d late, %d in time: something is missing that a shop has", len(ordered), len(paid), early, late, n)
	}
}
