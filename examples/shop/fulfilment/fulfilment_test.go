package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

func TestFulfilment(t *testing.T) {
	topo, err := fulfilment().Build()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{})
	streamtest.Input(d, shop.Customers).Pipe("ada", shop.Customer{Name: "Ada Lovelace", City: "London"}, 0)
	orders, payments := streamtest.Input(d, shop.Orders), streamtest.Input(d, shop.Payments)
	at := func(d time.Duration) int64 { return d.Milliseconds() }

	orders.Pipe("1", shop.Order{Customer: "ada", Cents: 100}, at(0))
	payments.Pipe("1", shop.Payment{Cents: 100}, at(time.Second))
	payments.Pipe("2", shop.Payment{Cents: 20}, at(61*time.Second)) // its order is slow
	orders.Pipe("2", shop.Order{Customer: "ada", Cents: 20}, at(59*time.Second))
	orders.Pipe("3", shop.Order{Customer: "ada", Cents: 3}, at(62*time.Second)) // never paid
	orders.Pipe("4", shop.Order{Customer: "ada", Cents: 4000}, at(63*time.Second))
	payments.Pipe("4", shop.Payment{Cents: 4000}, at(64*time.Second+10*time.Minute)) // too late
	orders.Pipe("5", shop.Order{Customer: "nobody", Cents: 5}, at(65*time.Second))
	payments.Pipe("5", shop.Payment{Cents: 5}, at(65*time.Second))

	want := map[window.Key[string]]shop.Total{
		{Key: "ada", Start: 0, End: 60_000}:       {Name: "Ada Lovelace", Orders: 1, Cents: 100},
		{Key: "ada", Start: 60_000, End: 120_000}: {Name: "Ada Lovelace", Orders: 1, Cents: 20},
	}
	if diff := cmp.Diff(want, streamtest.Map(streamtest.Output(d, shop.Totals))); diff != "" {
		t.Error(diff)
	}
}
