package stream_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

// known is a value, or "nothing" for the absent side of a join.
func known(v *string) string {
	if v == nil {
		return "nothing"
	}
	return *v
}

// Records without a partner come when their time is over: stream time has passed them by the window and its grace.
func ExampleOuterJoin() {
	demonstrate(func(d *streamtest.Driver) {
		d.Advance(time.Second) // what is over is looked for once a second
		streamtest.Input(d, in).Pipe("a", "asked", 1000)
		streamtest.Input(d, in2).Pipe("b", "answered", 2000)
		d.Advance(time.Second)
		streamtest.Input(d, in).Pipe("c", "asked", 9000)
	}, func(b *stream.Builder) {
		both := stream.OuterJoin(stream.From(b, in), stream.From(b, in2), stream.Within(time.Second),
			func(l, r *string) string { return known(l) + ", " + known(r) })
		stream.To(both, out)
	})
	// Output:
	// a asked, nothing
	// b nothing, answered
}

func ExampleLeftJoinTable() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "ann=oslo")
		feed(d, in, "ann=clicks", "bob=clicks")
	}, func(b *stream.Builder) {
		homes := stream.TableFrom(b, in2, nil)
		joined := stream.LeftJoinTable(stream.From(b, in), homes, func(action string, city *string) string {
			return action + " in " + known(city)
		})
		stream.To(joined, out)
	})
	// Output:
	// ann clicks in oslo
	// bob clicks in nothing
}

// A joiner that sees the key, and may fail.
func ExampleTryJoinTable() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "ann=oslo")
		feed(d, in, "ann=clicks")
	}, func(b *stream.Builder) {
		homes := stream.TableFrom(b, in2, nil)
		joined := stream.TryJoinTable(stream.From(b, in), homes, func(_ context.Context, name, action, city string) (string, error) {
			return name + " " + action + " in " + city, nil
		})
		stream.To(joined, out)
	})
	// Output: ann ann clicks in oslo
}

// The price is the one of the order's time, though a newer one is known: the table keeps its history.
func ExampleStore_WithHistory() {
	prices := stream.NewStore("prices", serde.String, serde.String).WithHistory(time.Hour)
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in2).Pipe("tea", "2 €", 1000)
		streamtest.Input(d, in2).Pipe("tea", "3 €", 5000)
		streamtest.Input(d, in).Pipe("tea", "a cup", 4999)
		streamtest.Input(d, in).Pipe("tea", "a pot", 5000)
	}, func(b *stream.Builder) {
		priced := stream.JoinTable(stream.From(b, in), stream.TableFrom(b, in2, prices), func(order, price string) string {
			return order + " for " + price
		})
		stream.To(priced, out)
	})
	// Output:
	// tea a cup for 2 €
	// tea a pot for 3 €
}

// An order that is a second ahead of the prices waits for them.
func ExampleGracePeriod() {
	prices := stream.NewStore("prices", serde.String, serde.String).WithHistory(time.Hour)
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in2).Pipe("tea", "2 €", 1000)
		streamtest.Input(d, in).Pipe("tea", "a cup", 4000)
		streamtest.Input(d, in2).Pipe("tea", "3 €", 3000) // comes later, and is of an earlier time
		streamtest.Input(d, in).Pipe("tea", "a pot", 9000)
	}, func(b *stream.Builder) {
		priced := stream.JoinTable(stream.From(b, in), stream.TableFrom(b, in2, prices), func(order, price string) string {
			return order + " for " + price
		}, stream.GracePeriod(time.Second))
		stream.To(priced, out)
	})
	// Output: tea a cup for 3 €
}

// Each instance has the whole of a global table, so that a stream is joined with it by any key.
func ExampleJoinGlobal() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "no=Norway")
		feed(d, in, "ann=no/oslo", "bob=it/rome")
	}, func(b *stream.Builder) {
		countries := stream.GlobalTableFrom(b, in2, nil)
		joined := stream.JoinGlobal(stream.From(b, in), countries,
			func(_, home string) string { return home[:2] },
			func(home, country string) string { return home[3:] + " in " + country })
		stream.To(joined, out)
	})
	// Output: ann oslo in Norway
}

func ExampleLeftJoinGlobal() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "no=Norway")
		feed(d, in, "ann=no/oslo", "bob=it/rome")
	}, func(b *stream.Builder) {
		countries := stream.GlobalTableFrom(b, in2, nil)
		joined := stream.LeftJoinGlobal(stream.From(b, in), countries,
			func(_, home string) string { return home[:2] },
			func(home string, country *string) string { return home[3:] + " in " + known(country) })
		stream.To(joined, out)
	})
	// Output:
	// ann oslo in Norway
	// bob rome in nothing
}

func ExampleGlobalTableFrom() {
	countries := stream.NewStore("countries", serde.String, serde.String)
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "no=Norway", "it=Italy", "it")
		for code, c := range streamtest.Timestamped(d, countries).All() {
			fmt.Println(code, c.Value)
		}
	}, func(b *stream.Builder) {
		stream.GlobalTableFrom(b, in, countries)
	})
	// Output: no Norway
}

// rows feeds two tables: a row on the left, its partner, the end of the left row, the end of its partner.
func rows(d *streamtest.Driver) {
	feed(d, in, "ann=oslo")
	feed(d, in2, "ann=blue")
	feed(d, in, "ann")
	feed(d, in2, "ann")
}

func ExampleJoinTables() {
	demonstrate(rows, func(b *stream.Builder) {
		both := stream.JoinTables(stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil),
			func(city, colour string) string { return city + ", " + colour }, nil)
		stream.To(stream.ToStream(both), out)
	})
	// Output:
	// ann oslo, blue
	// ann deleted
}

func ExampleOuterJoinTables() {
	demonstrate(rows, func(b *stream.Builder) {
		either := stream.OuterJoinTables(stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil),
			func(city, colour *string) string { return known(city) + ", " + known(colour) }, nil)
		stream.To(stream.ToStream(either), out)
	})
	// Output:
	// ann oslo, nothing
	// ann oslo, blue
	// ann nothing, blue
	// ann deleted
}

// twoTables feeds a table of customers' orders and one of customers, then a customer's new name.
func twoTables(d *streamtest.Driver) {
	feed(d, in2, "c1=ann")
	feed(d, in, "o1=c1 tea", "o2=c1 milk", "o3=c2 nuts")
	feed(d, in2, "c1=anna")
}

func whoseOrder(_, order string) (string, bool) {
	id, _, ok := strings.Cut(order, " ")
	return id, ok
}

// A right row's update comes out for every left row that refers to it.
func ExampleJoinByForeignKey() {
	demonstrate(twoTables, func(b *stream.Builder) {
		named := stream.JoinByForeignKey(stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil), whoseOrder,
			func(order, name string) string { return order[3:] + " for " + name }, nil)
		stream.To(stream.ToStream(named), out)
	})
	// Output:
	// o1 tea for ann
	// o2 milk for ann
	// o1 tea for anna
	// o2 milk for anna
}

func ExampleLeftJoinByForeignKey() {
	demonstrate(twoTables, func(b *stream.Builder) {
		named := stream.LeftJoinByForeignKey(stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil), whoseOrder,
			func(order string, name *string) string { return order[3:] + " for " + known(name) }, nil)
		stream.To(stream.ToStream(named), out)
	})
	// Output:
	// o1 tea for ann
	// o2 milk for ann
	// o3 nuts for nothing
	// o1 tea for anna
	// o2 milk for anna
}
