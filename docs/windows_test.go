package docs_test

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

func Example_windows() {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders), func(_ string, o Order) string { return o.Customer }, stream.Named("by-customer"))

	perMinute := window.Tumbling(time.Minute).Grace(10 * time.Second)
	counts := stream.CountWindows(stream.WindowedBy(byCustomer, perMinute), stream.NewStore("per-minute", serde.String, serde.Int64))

	perCustomerAndMinute := stream.NewTopic("per-minute", window.Keys(serde.String, perMinute.Size()), serde.Int64)
	stream.To(stream.ToStream(counts), perCustomerAndMinute)

	d := open(b)
	in := streamtest.Input(d, orders)
	in.Pipe("o-1", Order{Customer: "ann"}, 59_999)
	in.Pipe("o-2", Order{Customer: "ann"}, 60_000)  // the next window: ends are not included
	in.Pipe("o-3", Order{Customer: "ann"}, 10_000)  // out of order, in the first one's grace
	in.Pipe("o-4", Order{Customer: "ann"}, 130_001) // closes [60000, 120000)
	in.Pipe("o-5", Order{Customer: "ann"}, 61_000)  // late
	show(d, perCustomerAndMinute)
	fmt.Println("late:", d.Dropped(processor.DropLate))
	// Output:
	// {ann 0 60000} 1
	// {ann 60000 120000} 1
	// {ann 0 60000} 2
	// {ann 120000 180000} 1
	// late: 1
}

func Example_sessions() {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	visits := stream.SessionsBy(byCustomer, window.Session(30*time.Minute).Grace(5*time.Minute))
	spent := stream.AggregateSessions(visits,
		func() int64 { return 0 },
		func(_ string, o Order, sum int64) int64 { return sum + o.Cents },
		func(_ string, a, b int64) int64 { return a + b },
		stream.NewStore("visits", serde.String, serde.Int64))
	perVisit := stream.NewTopic("per-visit", window.SessionKeys(serde.String), serde.Int64)
	stream.To(stream.ToStream(spent), perVisit)

	d := open(b)
	in := streamtest.Input(d, orders)
	in.Pipe("o-1", Order{Customer: "ann", Cents: 1}, 0)
	in.Pipe("o-2", Order{Customer: "ann", Cents: 2}, 30*time.Minute.Milliseconds()) // just in time
	show(d, perVisit)
	// Output:
	// {ann 0 0} 1
	// {ann 0 0} deleted
	// {ann 0 1800000} 3
}

func Example_emitOnClose() {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	minutes := stream.WindowedBy(byCustomer, window.Tumbling(time.Minute).Grace(10*time.Second), stream.EmitOnClose())
	final := stream.ToStream(stream.CountWindows(minutes, nil))
	stream.To(stream.SelectKey(final, func(k window.Key[string], _ int64) string { return k.Key }), totals)

	d := openWith(b, streamtest.Config{EmitInterval: -1}) // look at every record
	in := streamtest.Input(d, orders)
	in.Pipe("o-1", Order{Customer: "ann"}, 1000)
	in.Pipe("o-2", Order{Customer: "ann"}, 2000)
	in.Pipe("o-3", Order{Customer: "bob"}, 71_000)
	show(d, totals)
	// Output: ann 2
}

func Example_suppress() {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	minutes := stream.WindowedBy(byCustomer, window.Tumbling(time.Minute).Grace(10*time.Second))
	final := stream.SuppressUntilWindowCloses(stream.CountWindows(minutes, nil), stream.Buffer{MaxBytes: 64 << 20})
	often := stream.FilterTable(final, func(_ window.Key[string], n int64) bool { return n > 1 }, nil)
	stream.To(stream.SelectKey(stream.ToStream(often), func(k window.Key[string], _ int64) string { return k.Key }), totals)

	d := open(b)
	in := streamtest.Input(d, orders)
	in.Pipe("o-1", Order{Customer: "ann"}, 1000)
	in.Pipe("o-2", Order{Customer: "ann"}, 2000)
	in.Pipe("o-3", Order{Customer: "bob"}, 71_000)
	show(d, totals)
	// Output: ann 2
}

// Reading is a sensor's value and when it was taken, in seconds.
type Reading struct {
	At    int64 `json:"at"`
	Value int64 `json:"value"`
}

func Example_timestamp() {
	readings := stream.NewTopic("readings", serde.String, serde.JSON[Reading]())
	b := stream.New()
	read := stream.From(b, readings,
		stream.Timestamp(func(r record.Record[string, Reading], _ *record.Raw, partitionTime int64) int64 {
			if r.Value.At == 0 {
				return partitionTime // -1 if nothing was read before
			}
			return r.Value.At * 1000
		}),
		stream.InvalidTimestamp(topology.SkipInvalidTimestamp))
	stream.To(stream.MapValues(read, func(r Reading) int64 { return r.Value }), totals)

	d := open(b)
	in := streamtest.Input(d, readings)
	in.Pipe("s", Reading{0, 1})
	in.Pipe("s", Reading{7, 2})
	r := streamtest.Output(d, totals).Read()
	fmt.Println(r.Value, r.Timestamp, d.Dropped(processor.DropInvalidTimestamp))
	// Output: 2 7000 1
}
