// Package shop is what the services of a shop share: the records that they exchange, the topics, and how they run.
//
//	checkouts ─► orders ─► orders topic ─┬──────────► fulfilment ─► totals
//	                                     └► payments ─►  ▲
//	customers ───────────────────────────────────────────┘
//
// Each service is a program of one file; run.sh runs all of them. Start a service several times, with a STATE_DIR each
// if on one machine, and its instances share the work.
package shop

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// Checkout is what the web shop writes when a customer buys.
type Checkout struct {
	Customer string
	Items    []Item
}

// Item is a line of a checkout. Prices are in cents.
type Item struct {
	Product  string
	Quantity int64
	Price    int64
}

// Order is a checkout that makes sense, with what it costs.
type Order struct {
	Customer string
	Cents    int64
}

// Payment says that an order has been paid.
type Payment struct{ Cents int64 }

// Customer is a row of the table of customers.
type Customer struct{ Name, City string }

// Sale is an order that has been paid, with its customer.
type Sale struct {
	Customer Customer
	Cents    int64
}

// Total is what a customer has bought in a minute.
type Total struct {
	Name   string
	Orders int64
	Cents  int64
}

// The topics. Checkouts, orders and payments are keyed by the order's number, customers by the customer's.
var (
	Checkouts = stream.NewTopic("checkouts", serde.String, serde.JSON[Checkout]())
	Orders    = stream.NewTopic("orders", serde.String, serde.JSON[Order]())
	Payments  = stream.NewTopic("payments", serde.String, serde.JSON[Payment]())
	Customers = stream.NewTopic("customers", serde.String, serde.JSON[Customer]())
	Totals    = stream.NewTopic("totals", window.Keys(serde.String, time.Minute.Milliseconds()), serde.JSON[Total]())
)

// Run runs a service until it is told to stop. BROKERS is host:port,…
func Run(service string, b *stream.Builder) {
	topo, err := b.Build()
	if err != nil {
		log.Fatal(err)
	}
	a, err := app.New(app.Config{
		Application:    service,
		Topology:       topo,
		Brokers:        strings.Split(os.Getenv("BROKERS"), ","),
		StateDir:       os.Getenv("STATE_DIR"),
		Guarantee:      app.ExactlyOnce,
		SessionTimeout: 10 * time.Second, // a service that was killed is missed so soon
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := a.Run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}
