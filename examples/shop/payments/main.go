// Command payments has orders paid.
package main

import (
	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/stream"
)

// limit is the most, in cents, that customers can pay without being asked.
const limit = 500_00

func payments() *stream.Builder {
	b := stream.New()
	orders := stream.From(b, shop.Orders)
	accepted := stream.Filter(orders, func(_ string, o shop.Order) bool { return o.Cents <= limit })
	paid := stream.MapValues(accepted, func(o shop.Order) shop.Payment { return shop.Payment{Cents: o.Cents} })
	stream.To(paid, shop.Payments)
	return b
}

func main() { shop.Run("shop-payments", payments()) }
