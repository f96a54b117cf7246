package stream_test

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// at feeds records of the key a whose values are their times.
func at(times ...int64) func(d *streamtest.Driver) {
	return func(d *streamtest.Driver) {
		d.Advance(time.Second) // operators look once a second for windows that have closed
		for _, t := range times {
			streamtest.Input(d, in).Pipe("a", fmt.Sprint(t), t)
		}
		d.Advance(time.Second)
	}
}

// showWindows writes a table of windows to "out", a deletion as one.
func showWindows[V any](t stream.Table[window.Key[string], V], show func(V) string) {
	stream.To(stream.SelectKey(stream.MapValues(stream.ToStream(t), show), func(k window.Key[string], _ string) string {
		return fmt.Sprintf("%s %d-%d:", k.Key, k.Start, k.End)
	}), out)
}

func same(v string) string { return v }

func list(agg, v string) string { return agg + " " + v }

// A record counts in each window that it is in.
func ExampleWindowedBy() {
	demonstrate(at(300, 1200), func(b *stream.Builder) {
		byKey := stream.GroupByKey(stream.From(b, in))
		counts := stream.CountWindows(stream.WindowedBy(byKey, window.Hopping(2*time.Second, time.Second)), nil)
		showWindows(counts, decimal)
	})
	// Output:
	// a 0-2000: 1
	// a 0-2000: 2
	// a 1000-3000: 1
}

// Sliding windows include both ends, and there is one for each set of records that are at most so far apart.
func ExampleReduceWindows() {
	demonstrate(at(1000, 1500, 2000), func(b *stream.Builder) {
		byKey := stream.GroupByKey(stream.From(b, in))
		lists := stream.ReduceWindows(stream.WindowedBy(byKey, window.Sliding(500*time.Millisecond)), list, nil)
		showWindows(lists, same)
	})
	// Output:
	// a 500-1000: 1000
	// a 1001-1501: 1500
	// a 1000-1500: 1000 1500
	// a 1501-2001: 2000
	// a 1500-2000: 1500 2000
}

func ExampleAggregateWindows() {
	demonstrate(at(300, 900, 1200), func(b *stream.Builder) {
		seconds := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(time.Second))
		lengths := stream.AggregateWindows(seconds,
			func() int64 { return 0 },
			func(_, v string, sum int64) int64 { return sum + int64(len(v)) }, nil)
		showWindows(lengths, decimal)
	})
	// Output:
	// a 0-1000: 3
	// a 0-1000: 6
	// a 1000-2000: 4
}

// Each window comes once, when stream time has passed its end by the grace period. What comes later is dropped.
func ExampleEmitOnClose() {
	demonstrate(func(d *streamtest.Driver) {
		for _, t := range []int64{300, 1200, 900, 1500, 800} {
			d.Advance(time.Second)
			streamtest.Input(d, in).Pipe("a", "x", t)
		}
	}, func(b *stream.Builder) {
		seconds := window.Tumbling(time.Second).Grace(500 * time.Millisecond)
		counts := stream.CountWindows(stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), seconds, stream.EmitOnClose()), nil)
		showWindows(counts, decimal)
	})
	// Output: a 0-1000: 2
}

// The third record joins two sessions into one: both are deleted.
func ExampleSessionsBy() {
	demonstrate(at(1000, 1800, 1400), func(b *stream.Builder) {
		sessions := window.Session(500 * time.Millisecond).Grace(time.Minute)
		counts := stream.CountSessions(stream.SessionsBy(stream.GroupByKey(stream.From(b, in)), sessions), nil)
		showWindows(counts, decimal)
	})
	// Output:
	// a 1000-1000: 1
	// a 1800-1800: 1
	// a 1000-1000: deleted
	// a 1800-1800: deleted
	// a 1000-1800: 3
}

func ExampleReduceSessions() {
	demonstrate(at(1000, 1400, 3000), func(b *stream.Builder) {
		visits := stream.SessionsBy(stream.GroupByKey(stream.From(b, in)), window.Session(500*time.Millisecond))
		showWindows(stream.ReduceSessions(visits, list, nil), same)
	})
	// Output:
	// a 1000-1000: 1000
	// a 1000-1000: deleted
	// a 1000-1400: 1000 1400
	// a 3000-3000: 3000
}

func ExampleAggregateSessions() {
	demonstrate(at(1000, 1400), func(b *stream.Builder) {
		visits := stream.SessionsBy(stream.GroupByKey(stream.From(b, in)), window.Session(500*time.Millisecond))
		pages := stream.AggregateSessions(visits,
			func() int64 { return 0 },
			func(_, _ string, n int64) int64 { return n + 1 },
			func(_ string, a, b int64) int64 { return a + b }, nil)
		showWindows(pages, decimal)
	})
	// Output:
	// a 1000-1000: 1
	// a 1000-1000: deleted
	// a 1000-1400: 2
}

// lengthsAndNumbers is a cogroup of the lengths of one topic's values with another's numbers.
func lengthsAndNumbers(b *stream.Builder) stream.Cogrouped[string, int64] {
	c := stream.Cogroup(stream.GroupByKey(stream.From(b, in)), func(_, v string, sum int64) int64 { return sum + int64(len(v)) })
	return stream.AndCogroup(c, stream.GroupByKey(stream.From(b, nums)), func(_ string, n, sum int64) int64 { return sum + n })
}

func ExampleAggregateCogroupWindows() {
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in).Pipe("a", "xx", 300)
		streamtest.Input(d, nums).Pipe("a", 100, 400)
		streamtest.Input(d, nums).Pipe("a", 100, 1400)
	}, func(b *stream.Builder) {
		sums := stream.AggregateCogroupWindows(lengthsAndNumbers(b), window.Tumbling(time.Second), func() int64 { return 0 }, nil)
		showWindows(sums, decimal)
	})
	// Output:
	// a 0-1000: 2
	// a 0-1000: 102
	// a 1000-2000: 100
}

func ExampleAggregateCogroupSessions() {
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in).Pipe("a", "xx", 300)
		streamtest.Input(d, nums).Pipe("a", 100, 400)
	}, func(b *stream.Builder) {
		sums := stream.AggregateCogroupSessions(lengthsAndNumbers(b), window.Session(time.Second),
			func() int64 { return 0 }, func(_ string, a, b int64) int64 { return a + b }, nil)
		showWindows(sums, decimal)
	})
	// Output:
	// a 300-300: 2
	// a 300-300: deleted
	// a 300-400: 102
}

// The final count of each window, and nothing before.
func ExampleSuppressUntilWindowCloses() {
	demonstrate(at(300, 900, 1200, 2100), func(b *stream.Builder) {
		seconds := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(time.Second))
		final := stream.SuppressUntilWindowCloses(stream.CountWindows(seconds, nil), stream.Buffer{MaxRecords: 10_000})
		showWindows(final, decimal)
	})
	// Output:
	// a 0-1000: 2
	// a 1000-2000: 1
}

// At most one update of a key in a second of stream time.
func ExampleSuppressUntilTimeLimit() {
	demonstrate(at(1000, 1400, 2000, 3500), func(b *stream.Builder) {
		latest := stream.TableFrom(b, in, stream.NewStore("latest", serde.String, serde.String))
		calm := stream.SuppressUntilTimeLimit(latest, time.Second, stream.Buffer{MaxRecords: 10_000, EmitEarly: true})
		stream.To(stream.ToStream(calm), out)
	})
	// Output: a 2000
}
