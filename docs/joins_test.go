package docs_test

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func Example_streamStream() {
	b := stream.New()
	within := stream.JoinWindow{Before: 0, After: time.Hour, Grace: 5 * time.Minute}
	paid := stream.LeftJoin(stream.From(b, orders), stream.From(b, payments), within,
		func(o Order, p *Payment) string {
			if p == nil {
				return o.Customer + " has not paid"
			}
			return o.Customer + " paid by " + p.Method
		}, stream.KeptIn(stream.JoinStores{Name: "order-payment"}))
	stream.To(paid, texts)

	d := openWith(b, streamtest.Config{EmitInterval: -1})
	hour := time.Hour.Milliseconds()
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "ann"}, 1000)
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "bob"}, 2000)
	streamtest.Input(d, payments).Pipe("o-1", Payment{Method: "card"}, 5000)
	streamtest.Input(d, payments).Pipe("o-3", Payment{Method: "card"}, 2*hour)
	show(d, texts)
	// Output:
	// o-1 ann paid by card
	// o-2 bob has not paid
}

func Example_streamTable() {
	b := stream.New()
	known := stream.TableFrom(b, customers, nil)
	byCustomer := stream.SelectKey(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	named := stream.JoinTable(byCustomer, known, func(o Order, c Customer) string {
		return fmt.Sprintf("%d cents from %s", o.Cents, c.Name)
	}, stream.Named("order-customer"))
	stream.To(named, texts)

	d := open(b)
	streamtest.Input(d, customers).Pipe("c-1", Customer{Name: "Ann"}, 5000)
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "c-1", Cents: 250}, 1000) // joined whatever its time
	show(d, texts)
	// Output: c-1 250 cents from Ann
}

func Example_versioned() {
	b := stream.New()
	history := stream.NewStore("customers", serde.String, serde.JSON[Customer]()).WithHistory(24 * time.Hour)
	known := stream.TableFrom(b, customers, history)
	byCustomer := stream.SelectKey(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	shipped := stream.JoinTable(byCustomer, known, func(_ Order, c Customer) string { return "to " + c.City },
		stream.GracePeriod(time.Minute))
	stream.To(shipped, texts)

	d := open(b)
	streamtest.Input(d, customers).Pipe("c-1", Customer{City: "Oslo"}, 1000)
	streamtest.Input(d, customers).Pipe("c-1", Customer{City: "Rome"}, 9000)
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "c-1"}, 8000)   // when it was Oslo
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "c-1"}, 90_000) // a minute later: o-1 goes on
	show(d, texts)
	// Output: c-1 to Oslo
}

func Example_tableTable() {
	b := stream.New()
	latest := stream.TableFrom(b, orders, nil)
	last := stream.TableFrom(b, payments, nil)
	due := stream.LeftJoinTables(latest, last, func(o Order, p *Payment) int64 {
		if p == nil {
			return o.Cents
		}
		return o.Cents - p.Cents
	}, stream.NewStore("due", serde.String, serde.Int64))
	stream.To(stream.ToStream(due), totals)

	d := open(b)
	streamtest.Input(d, orders).Pipe("o-1", Order{Cents: 250})
	streamtest.Input(d, payments).Pipe("o-1", Payment{Cents: 200})
	streamtest.Input(d, orders).PipeNull("o-1")
	show(d, totals)
	// Output:
	// o-1 250
	// o-1 50
	// o-1 deleted
}

func Example_foreignKey() {
	b := stream.New()
	placed := stream.TableFrom(b, orders, nil)
	known := stream.TableFrom(b, customers, nil)
	addressed := stream.JoinByForeignKey(placed, known,
		func(_ string, o Order) (string, bool) { return o.Customer, o.Customer != "" },
		func(o Order, c Customer) string { return fmt.Sprintf("%d cents, %s", o.Cents, c.City) },
		nil, stream.Named("order-customer"))
	stream.To(stream.ToStream(addressed), texts)

	d := open(b)
	streamtest.Input(d, customers).Pipe("c-1", Customer{City: "Oslo"})
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "c-1", Cents: 1})
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "c-1", Cents: 2})
	streamtest.Input(d, customers).Pipe("c-1", Customer{City: "Rome"})
	show(d, texts)
	// Output:
	// o-1 1 cents, Oslo
	// o-2 2 cents, Oslo
	// o-1 1 cents, Rome
	// o-2 2 cents, Rome
}

func Example_global() {
	countries := stream.NewTopic("countries", serde.String, serde.String) // by code
	b := stream.New()
	names := stream.GlobalTableFrom(b, countries, stream.NewStore("countries", serde.String, serde.String))
	sent := stream.JoinGlobal(stream.From(b, orders), names,
		func(_ string, o Order) string { return o.Country },
		func(o Order, country string) string { return o.Customer + " in " + country })
	stream.To(sent, texts)

	d := open(b)
	streamtest.Input(d, countries).Pipe("no", "Norway")
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "ann", Country: "no"})
	show(d, texts)
	// Output: o-1 ann in Norway
}
