// Package docs holds the code of the guide: its pages quote these files.
package docs_test

import (
	"fmt"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
)

type Order struct {
	Customer string `json:"customer"`
	Country  string `json:"country,omitempty"`
	Cents    int64  `json:"cents"`
}

type Payment struct {
	Method string `json:"method"`
	Cents  int64  `json:"cents"`
}

type Customer struct {
	Name string `json:"name"`
	City string `json:"city"`
}

var (
	orders    = stream.NewTopic("orders", serde.String, serde.JSON[Order]())       // by order id
	payments  = stream.NewTopic("payments", serde.String, serde.JSON[Payment]())   // by order id
	customers = stream.NewTopic("customers", serde.String, serde.JSON[Customer]()) // by customer id
	texts     = stream.NewTopic("texts", serde.String, serde.String)
	totals    = stream.NewTopic("totals", serde.String, serde.Int64)
)

// build returns the topology, or stops the example.
func build(b *stream.Builder) *topology.Topology {
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	return t
}

func open(b *stream.Builder) *streamtest.Driver { return openWith(b, streamtest.Config{}) }

func openWith(b *stream.Builder, cfg streamtest.Config) *streamtest.Driver {
	d, err := streamtest.Open(build(b), cfg)
	if err != nil {
		panic(err)
	}
	return d
}

// show prints what a topic has got.
func show[K, V any](d *streamtest.Driver, topic stream.Topic[K, V]) {
	for _, r := range streamtest.Output(d, topic).ReadAll() {
		if r.Null.Value() {
			fmt.Println(r.Key, "deleted")
		} else {
			fmt.Println(r.Key, r.Value)
		}
	}
}
