package stream_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// The option Timestamp takes a record's time from what is in it.
func ExampleFrom() {
	demonstrateOn(func(b *stream.Builder) {
		read := stream.From(b, in, stream.Timestamp(func(r record.Record[string, string], _ *record.Raw, _ int64) int64 {
			return int64(len(r.Value)) * 1000
		}), stream.InvalidTimestamp(topology.SkipInvalidTimestamp))
		timed := stream.Process(read, processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
			ctx.Forward(record.WithValue(r, fmt.Sprintf("%s at %d", r.Value, r.Timestamp)))
			return nil
		}))
		stream.To(timed, out)
	}, "a=one", "b=three")
	// Output:
	// a one at 3000
	// b three at 5000
}

func ExampleFromTopics() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "a=one")
		feed(d, in2, "b=two")
	}, func(b *stream.Builder) {
		both := stream.FromTopics(b, []stream.Topic[string, string]{in, in2})
		stream.To(both, out)
	})
	// Output:
	// a one
	// b two
}

func ExampleFilterNot() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.FilterNot(stream.From(b, in), func(_, v string) bool { return v == "" }), out)
	}, "a=", "b=one")
	// Output: b one
}

// The processing error policy here skips what the function refuses.
func ExampleTryFilter() {
	demonstrateOn(func(b *stream.Builder) {
		known := stream.TryFilter(stream.From(b, in), func(ctx context.Context, k, _ string) (bool, error) {
			if k == "?" {
				return false, errors.New("the customers' service does not answer")
			}
			return true, ctx.Err()
		})
		stream.To(known, out)
	}, "?=one", "a=two")
	// Output: a two
}

func ExampleMapValuesWithKey() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.MapValuesWithKey(stream.From(b, in), func(k, v string) string { return v + " of " + k }), out)
	}, "a=one")
	// Output: a one of a
}

func ExampleFlatMap() {
	demonstrateOn(func(b *stream.Builder) {
		letters := stream.FlatMap(stream.From(b, in), func(k, v string) iter.Seq2[string, string] {
			return func(yield func(string, string) bool) {
				for _, r := range v {
					if !yield(string(r), k) {
						return
					}
				}
			}
		})
		stream.To(letters, out)
	}, "a=xy")
	// Output:
	// x a
	// y a
}

func ExampleFlatMapValuesWithKey() {
	demonstrateOn(func(b *stream.Builder) {
		tagged := stream.FlatMapValuesWithKey(stream.From(b, in), func(k, v string) iter.Seq[string] {
			return slices.Values([]string{v, k + v})
		})
		stream.To(tagged, out)
	}, "a=1")
	// Output:
	// a 1
	// a a1
}

func ExampleForEach() {
	demonstrateOn(func(b *stream.Builder) {
		stream.ForEach(stream.From(b, in), func(k, v string) { fmt.Println("saw", k, v) })
	}, "a=one")
	// Output: saw a one
}

// Partitions are numbered from 0; -1 leaves the choice to the key's hash.
func ExampleTo() {
	b := stream.New()
	stream.To(stream.From(b, in), out, stream.Named("result"),
		stream.PartitionBy(func(_, v string, partitions int32) int32 { return int32(len(v)) % partitions }))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(t.Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [in])
	//       --> result
	//     Sink: result (topic: out)
	//       <-- KSTREAM-SOURCE-0000000000
}

// Records go through a topic of the application's own, here of 8 partitions, so that all of a key meet in a task.
func ExampleRepartition() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "a=one")
		fmt.Println(d.Topics())
	}, func(b *stream.Builder) {
		byValue := stream.SelectKey(stream.From(b, in), func(_, v string) string { return v })
		stream.To(stream.Repartition(byValue, stream.Named("by-value"), stream.Partitions(8)), out)
	})
	// Output:
	// [app-by-value-repartition out]
	// one one
}

// A key that changed sends what is grouped through a repartition topic, named by the option Named.
func ExampleGroupBy() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "1=red", "2=blue", "3=red")
		fmt.Println(d.Topics())
	}, func(b *stream.Builder) {
		byColour := stream.GroupBy(stream.From(b, in), func(_, colour string) string { return colour }, stream.Named("by-colour"))
		stream.To(stream.MapValues(stream.ToStream(stream.Count(byColour, nil)), decimal), out)
	})
	// Output:
	// [app-KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog app-by-colour-repartition out]
	// red 1
	// blue 1
	// red 2
}

func ExampleGroupByKey() {
	demonstrateOn(func(b *stream.Builder) {
		last := stream.Reduce(stream.GroupByKey(stream.From(b, in)), func(_, v string) string { return v }, nil)
		stream.To(stream.ToStream(last), out)
	}, "a=one", "a=two")
	// Output:
	// a one
	// a two
}

// inventory sums what came in and went out, and tells its sums when stream time has moved on by a second.
type inventory struct {
	ctx  *processor.Context[string, int64]
	sums map[string]int64
}

func (p *inventory) Init(ctx *processor.Context[string, int64]) error {
	p.ctx, p.sums = ctx, make(map[string]int64)
	ctx.Schedule(time.Second, processor.StreamTime, p.tell)
	return nil
}

func (p *inventory) Process(r record.Record[string, int64]) error {
	p.sums[r.Key] += r.Value
	return nil
}

func (p *inventory) tell(now int64) error {
	for _, k := range slices.Sorted(maps.Keys(p.sums)) {
		p.ctx.Forward(record.New(k, p.sums[k], now))
	}
	return nil
}

func (p *inventory) Close() error { return nil }

// A processor of one's own may forward any number of records of other types and keys, here from a punctuator. What
// it keeps in its fields is lost with its task: what must not be lost belongs into a store (see ProcessValues).
func ExampleProcess() {
	demonstrate(func(d *streamtest.Driver) {
		pieces := streamtest.Input(d, nums)
		pieces.Pipe("nuts", 5, 0)
		pieces.Pipe("bolts", 2, 300)
		pieces.Pipe("nuts", -1, 1100)
	}, func(b *stream.Builder) {
		sums := stream.Process(stream.From(b, nums), func() processor.Processor[string, int64, string, int64] { return &inventory{} })
		stream.To(stream.MapValues(sums, decimal), out)
	})
	// Output:
	// nuts 5
	// bolts 2
	// nuts 4
}

// Every mistake comes out of Build, each with the file and line that made it (left out here).
func ExampleBuilder_Build() {
	type visit struct{ page string }
	b := stream.New()
	visits := stream.MapValues(stream.From(b, in), func(page string) visit { return visit{page} })
	stream.Reduce(stream.GroupByKey(visits), func(_, v visit) visit { return v }, nil)
	stream.WindowedBy(stream.GroupByKey(stream.From(b, in2)), window.Tumbling(time.Second).Grace(-time.Second))
	_, err := b.Build()
	for line := range strings.Lines(err.Error()) {
		if _, text, ok := strings.Cut(line, ": "); ok {
			fmt.Print(text)
		}
	}
	// Output:
	// store "KSTREAM-REDUCE-STATE-STORE-0000000002" of node "KSTREAM-REDUCE-0000000003" has no serde for its values (stream_test.visit); pass a store made with NewStore
	// windows of the stream "KSTREAM-SOURCE-0000000004": grace period -1s: must not be negative
}
