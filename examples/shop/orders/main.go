// Command orders makes orders of checkouts.
package main

import (
	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/stream"
)

func orders() *stream.Builder {
	b := stream.New()
	checkouts := stream.From(b, shop.Checkouts)
	priced := stream.MapValues(checkouts, price)
	valid := stream.Filter(priced, func(_ string, o shop.Order) bool { return o.Cents > 0 })
	stream.To(valid, shop.Orders)
	return b
}

func price(c shop.Checkout) shop.Order {
	o := shop.Order{Customer: c.Customer}
	for _, item := range c.Items {
		o.Cents += item.Quantity * item.Price
	}
	return o
}

func main() { shop.Run("shop-orders", orders()) }
