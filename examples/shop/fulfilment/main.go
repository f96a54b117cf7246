// Command fulfilment joins orders with their payments and their customers, and adds up what each customer has bought
// in each minute.
package main

import (
	"time"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// grace is for how long a service may be away: what it writes when it is back still counts.
const grace = time.Hour

var totals = stream.NewStore("totals", serde.String, serde.JSON[shop.Total]())

func fulfilment() *stream.Builder {
	b := stream.New()
	orders := stream.From(b, shop.Orders)
	payments := stream.From(b, shop.Payments)
	customers := stream.TableFrom(b, shop.Customers, stream.NewStore("customers", serde.String, serde.JSON[shop.Customer]()))

	// An order is paid if its payment comes within ten minutes.
	paid := stream.Join(orders, payments, stream.Within(10*time.Minute).WithGrace(grace),
		func(o shop.Order, _ shop.Payment) shop.Order { return o },
		stream.KeptIn(stream.JoinStores{Name: "paid"}))

	// From here on it is about customers: records move to the task that has the row of theirs.
	byCustomer := stream.SelectKey(paid, func(_ string, o shop.Order) string { return o.Customer })
	sales := stream.JoinTable(byCustomer, customers,
		func(o shop.Order, c shop.Customer) shop.Sale { return shop.Sale{Customer: c, Cents: o.Cents} },
		stream.Named("sales"), stream.Values(serde.JSON[shop.Order]()))

	minutes := stream.WindowedBy(stream.GroupByKey(sales), window.Tumbling(time.Minute).Grace(grace))
	sums := stream.AggregateWindows(minutes, func() shop.Total { return shop.Total{} }, add, totals)
	stream.To(stream.ToStream(sums), shop.Totals)
	return b
}

func add(_ string, s shop.Sale, t shop.Total) shop.Total {
	return shop.Total{Name: s.Customer.Name, Orders: t.Orders + 1, Cents: t.Cents + s.Cents}
}

func main() { shop.Run("shop-fulfilment", fulfilment()) }
