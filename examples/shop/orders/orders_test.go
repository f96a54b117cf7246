package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/streamtest"
)

func TestOrders(t *testing.T) {
	topo, err := orders().Build()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{})
	in, out := streamtest.Input(d, shop.Checkouts), streamtest.Output(d, shop.Orders)
	in.Pipe("1", shop.Checkout{Customer: "ada", Items: []shop.Item{{Product: "tea", Quantity: 2, Price: 350}, {Product: "pot", Quantity: 1, Price: 1999}}})
	in.Pipe("2", shop.Checkout{Customer: "ada"})
	want := map[string]shop.Order{"1": {Customer: "ada", Cents: 2699}}
	if diff := cmp.Diff(want, streamtest.Map(out)); diff != "" {
		t.Error(diff)
	}
}
