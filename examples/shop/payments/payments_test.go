package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/streamtest"
)

func TestPayments(t *testing.T) {
	topo, err := payments().Build()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{})
	in, out := streamtest.Input(d, shop.Orders), streamtest.Output(d, shop.Payments)
	in.Pipe("1", shop.Order{Customer: "ada", Cents: limit})
	in.Pipe("2", shop.Order{Customer: "ada", Cents: limit + 1})
	if diff := cmp.Diff(map[string]shop.Payment{"1": {Cents: limit}}, streamtest.Map(out)); diff != "" {
		t.Error(diff)
	}
}
