package stream_test

import (
	"fmt"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

// A topic read as a table: each record replaces the value of its key, and a null deletes it.
func ExampleTableFrom() {
	homes := stream.NewStore("homes", serde.String, serde.String)
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "ann=oslo", "bob=rome", "ann=york", "bob")
		for name, home := range streamtest.Timestamped(d, homes).All() {
			fmt.Println(name, "lives in", home.Value, "since", home.Timestamp)
		}
	}, func(b *stream.Builder) {
		stream.TableFrom(b, in, homes)
	})
	// Output: ann lives in york since 2
}

func ExampleToTable() {
	demonstrateOn(func(b *stream.Builder) {
		loud := stream.MapValues(stream.From(b, in), func(v string) string { return v + "!" })
		latest := stream.ToTable(loud, stream.NewStore("latest", serde.String, serde.String))
		stream.To(stream.ToStream(latest), out)
	}, "a=one", "a=two", "a")
	// Output:
	// a one!
	// a two!
	// a deleted
}

// A table as a stream is the stream of its updates; a deletion has a null value.
func ExampleToStream() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.TableFrom(b, in, nil)), out)
	}, "a=one", "a=two", "a")
	// Output:
	// a one
	// a two
	// a deleted
}

func ExampleFilterTableNot() {
	demonstrateOn(func(b *stream.Builder) {
		open := stream.FilterTableNot(stream.TableFrom(b, in, nil), func(_, state string) bool { return state == "done" }, nil)
		stream.To(stream.ToStream(open), out)
	}, "a=new", "a=done")
	// Output:
	// a new
	// a deleted
}

func ExampleMapTable() {
	demonstrateOn(func(b *stream.Builder) {
		lengths := stream.MapTable(stream.TableFrom(b, in, nil), func(v string) int { return len(v) }, nil)
		stream.To(stream.MapValues(stream.ToStream(lengths), func(n int) string { return fmt.Sprint(n) }), out)
	}, "a=one", "a=three")
	// Output:
	// a 3
	// a 5
}

func ExampleMapTableWithKey() {
	demonstrateOn(func(b *stream.Builder) {
		addressed := stream.MapTableWithKey(stream.TableFrom(b, in, nil), func(k, v string) string { return k + ": " + v }, nil)
		stream.To(stream.ToStream(addressed), out)
	}, "a=one")
	// Output: a a: one
}

// byCity groups a table of people's homes by the city.
func byCity(b *stream.Builder) stream.GroupedTable[string, string] {
	homes := stream.TableFrom(b, in, nil)
	return stream.GroupTable(homes, func(name, city string) (string, string) { return city, name })
}

func ExampleCountTable() {
	demonstrateOn(func(b *stream.Builder) {
		counts := stream.CountTable(byCity(b), nil)
		stream.To(stream.MapValues(stream.ToStream(counts), decimal), out)
	}, "ann=oslo", "bob=oslo", "ann")
	// Output:
	// oslo 1
	// oslo 2
	// oslo 1
}

// A row that changes its group is first taken out of the old one, then put into the new one.
func ExampleAggregateTable() {
	demonstrateOn(func(b *stream.Builder) {
		names := stream.AggregateTable(byCity(b),
			func() string { return "" },
			func(_, name, names string) string { return names + "+" + name },
			func(_, name, names string) string { return names + "-" + name },
			nil)
		stream.To(stream.ToStream(names), out)
	}, "ann=oslo", "bob=oslo", "ann=rome")
	// Output:
	// oslo +ann
	// oslo +ann+bob
	// oslo +ann+bob-ann
	// rome +ann
}

// A row that changes within its group changes the group's value once.
func ExampleReduceTable() {
	demonstrate(func(d *streamtest.Driver) {
		stock := streamtest.Input(d, nums)
		stock.Pipe("oslo/nuts", 5)
		stock.Pipe("oslo/bolts", 2)
		stock.Pipe("oslo/nuts", 1)
	}, func(b *stream.Builder) {
		stock := stream.TableFrom(b, nums, nil)
		byPlace := stream.GroupTable(stock, func(thing string, n int64) (string, int64) { return thing[:4], n })
		pieces := stream.ReduceTable(byPlace,
			func(sum, n int64) int64 { return sum + n },
			func(sum, n int64) int64 { return sum - n },
			nil)
		stream.To(stream.MapValues(stream.ToStream(pieces), decimal), out)
	})
	// Output:
	// oslo 5
	// oslo 7
	// oslo 3
}

// One aggregate of streams of different types.
func ExampleAndCogroup() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "ann=looked", "ann=looked")
		streamtest.Input(d, nums).Pipe("ann", 250)
	}, func(b *stream.Builder) {
		looked := stream.GroupByKey(stream.From(b, in))
		paid := stream.GroupByKey(stream.From(b, nums))
		c := stream.Cogroup(looked, func(_, _ string, score int64) int64 { return score + 1 })
		c = stream.AndCogroup(c, paid, func(_ string, cents, score int64) int64 { return score + cents })
		scores := stream.AggregateCogroup(c, func() int64 { return 0 }, stream.NewStore("scores", serde.String, serde.Int64))
		stream.To(stream.MapValues(stream.ToStream(scores), decimal), out)
	})
	// Output:
	// ann 1
	// ann 2
	// ann 252
}
