package main

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

const (
	// payWithin is how far apart an order and its payment may be.
	payWithin = 10 * time.Second
	// shopGrace is how long a record may be late, by the times of the others: an instance that was away has as
	// long to catch up.
	shopGrace = 10 * time.Minute
)

// Amounts of money are in cents.
type (
	order struct {
		Customer string `json:"customer"`
		Cents    int64  `json:"cents"`
	}
	payment struct {
		Cents int64 `json:"cents"`
	}
	customer struct {
		Name string `json:"name"`
		City string `json:"city"`
	}
	// sale is an order that was paid in time, with its customer.
	sale struct {
		customer
		Cents int64 `json:"cents"`
	}
	// total is what a customer bought in a minute.
	total struct {
		customer
		Orders int64 `json:"orders"`
		Cents  int64 `json:"cents"`
	}
)

// shopTopics are the topics of the application.
type shopTopics struct {
	orders    stream.Topic[string, order]    // by order
	payments  stream.Topic[string, payment]  // by order
	customers stream.Topic[string, customer] // by customer
	totals    stream.Topic[window.Key[string], total]
}

func newShopTopics(appID string) shopTopics {
	return shopTopics{
		orders:    stream.NewTopic(appID+"-orders", serde.String, serde.JSON[order]()),
		payments:  stream.NewTopic(appID+"-payments", serde.String, serde.JSON[payment]()),
		customers: stream.NewTopic(appID+"-customers", serde.String, serde.JSON[customer]()),
		totals:    stream.NewTopic(appID+"-totals", window.Keys(serde.String, time.Minute.Milliseconds()), serde.JSON[total]()),
	}
}

// shopTopology is the application: orders that are paid in time, with their customers, added up a minute and
// customer.
func shopTopology(appID string) (*topology.Topology, error) {
	topics := newShopTopics(appID)
	b := stream.New()
	orders := stream.From(b, topics.orders)
	payments := stream.From(b, topics.payments)
	customers := stream.TableFrom(b, topics.customers, stream.NewStore("customers", serde.String, serde.JSON[customer]()))

	paid := stream.Join(orders, payments, stream.Within(payWithin).WithGrace(shopGrace), func(o order, _ payment) order { return o },
		stream.KeptIn(stream.JoinStores{Name: "paid"}))
	byCustomer := stream.SelectKey(paid, func(_ string, o order) string { return o.Customer })
	sales := stream.JoinTable(byCustomer, customers, func(o order, c customer) sale { return sale{c, o.Cents} },
		stream.Named("sales"), stream.Values(serde.JSON[order]()))
	minutes := stream.WindowedBy(stream.GroupByKey(sales), window.Tumbling(time.Minute).Grace(shopGrace))
	totals := stream.AggregateWindows(minutes, func() total { return total{} }, func(_ string, s sale, t total) total {
		return total{s.customer, t.Orders + 1, t.Cents + s.Cents}
	}, stream.NewStore("totals", serde.String, serde.JSON[total]()))
	stream.To(stream.ToStream(totals), topics.totals)

	t, err := b.Build()
	if err != nil {
		// Of all that Build checks, only the names of the topics depend on the command line: one too long.
		return nil, usageError{fmt.Errorf("demo shop: --app-id %q: %w", appID, err)}
	}
	return t, nil
}
