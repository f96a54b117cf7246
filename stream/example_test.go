package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/window"
)

// demonstrateOn runs a program on records of the topic "in" (key=value, the timestamps counting up) and prints what it
// writes to "out".
func demonstrateOn(describe func(b *stream.Builder), records ...string) {
	demonstrate(func(d *streamtest.Driver) { feed(d, in, records...) }, describe)
}

// feed writes records to a topic; one without '=' is a deletion.
func feed(d *streamtest.Driver, topic stream.Topic[string, string], records ...string) {
	to := streamtest.Input(d, topic)
	for i, r := range records {
		if key, value, ok := strings.Cut(r, "="); ok {
			to.Pipe(key, value, int64(i))
		} else {
			to.PipeNull(r, int64(i))
		}
	}
}

func demonstrate(act func(d *streamtest.Driver), describe func(b *stream.Builder)) {
	b := stream.New()
	describe(b)
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.Open(t, streamtest.Config{Processing: task.ErrorPolicy{Then: task.Skip}})
	if err != nil {
		fmt.Println(err)
		return
	}
	act(d)
	for _, r := range streamtest.Output(d, out).ReadAll() {
		if r.Null.Value() {
			fmt.Println(r.Key, "deleted")
		} else {
			fmt.Println(r.Key, r.Value)
		}
	}
	if err := d.Close(); err != nil {
		fmt.Println(err)
	}
}

// decimal turns the updates of a table of counts into strings.
func decimal(n int64) string { return fmt.Sprint(n) }

func initial(_, value string) string { return value[:1] }

func Example() {
	demonstrateOn(func(b *stream.Builder) {
		words := stream.FlatMapValues(stream.From(b, in), strings.FieldsSeq)
		byWord := stream.GroupBy(words, func(_, word string) string { return word })
		counts := stream.Count(byWord, nil)
		stream.To(stream.MapValues(stream.ToStream(counts), decimal), out)
	}, "k=to be or", "k=not to be")
	// Output:
	// to 1
	// be 1
	// or 1
	// not 1
	// to 2
	// be 2
}

func ExampleFilter() {
	demonstrateOn(func(b *stream.Builder) {
		long := stream.Filter(stream.From(b, in), func(_, v string) bool { return len(v) > 3 })
		stream.To(long, out)
	}, "a=one", "b=three")
	// Output: b three
}

func ExampleMap() {
	demonstrateOn(func(b *stream.Builder) {
		swapped := stream.Map(stream.From(b, in), func(k, v string) (string, string) { return v, k })
		stream.To(swapped, out)
	}, "a=one")
	// Output: one a
}

func ExampleMapValues() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.MapValues(stream.From(b, in), strings.ToUpper), out)
	}, "a=one")
	// Output: a ONE
}

// The error of a Try function goes to the processing error policy: here it skips the record.
func ExampleTryMapValues() {
	demonstrateOn(func(b *stream.Builder) {
		checked := stream.TryMapValues(stream.From(b, in), func(_ context.Context, v string) (string, error) {
			if v == "" {
				return "", errors.New("nothing there")
			}
			return v + "!", nil
		})
		stream.To(checked, out)
	}, "a=", "b=one")
	// Output: b one!
}

func ExampleFlatMapValues() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.FlatMapValues(stream.From(b, in), strings.FieldsSeq), out)
	}, "a=one two")
	// Output:
	// a one
	// a two
}

func ExampleSelectKey() {
	demonstrateOn(func(b *stream.Builder) {
		stream.To(stream.SelectKey(stream.From(b, in), initial), out)
	}, "a=one", "a=two")
	// Output:
	// o one
	// t two
}

func ExampleMerge() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "a=one")
		feed(d, in2, "b=two")
	}, func(b *stream.Builder) {
		stream.To(stream.Merge(stream.From(b, in), stream.From(b, in2)), out)
	})
	// Output:
	// a one
	// b two
}

func ExampleSplit() {
	demonstrateOn(func(b *stream.Builder) {
		split := stream.Split(stream.From(b, in))
		short := split.Branch(func(_, v string) bool { return len(v) <= 3 })
		rest := split.Default()
		stream.To(short, out)
		stream.To(stream.MapValues(rest, func(v string) string { return v[:3] + "…" }), out)
	}, "a=one", "b=three")
	// Output:
	// a one
	// b thr…
}

func ExamplePeek() {
	demonstrateOn(func(b *stream.Builder) {
		seen := stream.Peek(stream.From(b, in), func(_, v string) { fmt.Println("saw", v) })
		stream.To(seen, out)
	}, "a=one")
	// Output:
	// saw one
	// a one
}

func ExampleToDynamic() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "a=out one", "b=out2 two")
		fmt.Println(d.Topics())
	}, func(b *stream.Builder) {
		stream.ToDynamic(stream.From(b, in), func(r record.Record[string, string], _ processor.Source) string {
			topic, _, _ := strings.Cut(r.Value, " ")
			return topic
		})
	})
	// Output:
	// [out out2]
	// a out one
}

func ExampleCount() {
	demonstrateOn(func(b *stream.Builder) {
		counts := stream.Count(stream.GroupByKey(stream.From(b, in)), nil)
		stream.To(stream.MapValues(stream.ToStream(counts), decimal), out)
	}, "a=one", "b=two", "a=three")
	// Output:
	// a 1
	// b 1
	// a 2
}

func ExampleReduce() {
	demonstrateOn(func(b *stream.Builder) {
		longest := stream.Reduce(stream.GroupByKey(stream.From(b, in)), func(agg, v string) string {
			if len(v) > len(agg) {
				return v
			}
			return agg
		}, nil)
		stream.To(stream.ToStream(longest), out)
	}, "a=one", "a=three", "a=two")
	// Output:
	// a one
	// a three
	// a three
}

func ExampleAggregate() {
	demonstrateOn(func(b *stream.Builder) {
		all := stream.Aggregate(stream.GroupByKey(stream.From(b, in)),
			func() string { return ">" },
			func(_, v, agg string) string { return agg + v }, nil)
		stream.To(stream.ToStream(all), out)
	}, "a=x", "a=y")
	// Output:
	// a >x
	// a >xy
}

func ExampleFilterTable() {
	demonstrateOn(func(b *stream.Builder) {
		names := stream.TableFrom(b, in, nil)
		short := stream.FilterTable(names, func(_, v string) bool { return len(v) <= 3 }, nil)
		stream.To(stream.ToStream(short), out)
	}, "a=one", "a=three")
	// Output:
	// a one
	// a deleted
}

func ExampleGroupTable() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "ann=oslo", "bob=oslo", "ann=rome", "bob")
	}, func(b *stream.Builder) {
		homes := stream.TableFrom(b, in, nil)
		byCity := stream.GroupTable(homes, func(name, city string) (string, string) { return city, name })
		stream.To(stream.MapValues(stream.ToStream(stream.CountTable(byCity, nil)), decimal), out)
	})
	// Output:
	// oslo 1
	// oslo 2
	// oslo 1
	// rome 1
	// oslo 0
}

func ExampleJoinTable() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "ann=oslo")
		feed(d, in, "ann=clicks", "bob=clicks")
	}, func(b *stream.Builder) {
		homes := stream.TableFrom(b, in2, nil)
		joined := stream.JoinTable(stream.From(b, in), homes, func(action, city string) string { return action + " in " + city })
		stream.To(joined, out)
	})
	// Output: ann clicks in oslo
}

func ExampleLeftJoinTables() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in, "ann=oslo")
		feed(d, in2, "ann=blue")
	}, func(b *stream.Builder) {
		homes, colours := stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil)
		both := stream.LeftJoinTables(homes, colours, func(city string, colour *string) string {
			if colour == nil {
				return city
			}
			return city + " " + *colour
		}, nil)
		stream.To(stream.ToStream(both), out)
	})
	// Output:
	// ann oslo
	// ann oslo blue
}

func ExampleJoin() {
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in).Pipe("a", "asked", 1000)
		streamtest.Input(d, in2).Pipe("a", "answered", 1800)
		streamtest.Input(d, in2).Pipe("a", "too late", 5000)
	}, func(b *stream.Builder) {
		joined := stream.Join(stream.From(b, in), stream.From(b, in2), stream.Within(time.Second), func(l, r string) string { return l + ", " + r })
		stream.To(joined, out)
	})
	// Output: a asked, answered
}

func ExampleCountWindows() {
	demonstrate(func(d *streamtest.Driver) {
		for _, at := range []int64{0, 400, 1200} {
			streamtest.Input(d, in).Pipe("a", "x", at)
		}
	}, func(b *stream.Builder) {
		second := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(time.Second))
		counts := stream.CountWindows(second, nil)
		stream.To(stream.Map(stream.ToStream(counts), func(k window.Key[string], n int64) (string, string) {
			return k.Key, fmt.Sprintf("from %d: %d", k.Start, n)
		}), out)
	})
	// Output:
	// a from 0: 1
	// a from 0: 2
	// a from 1000: 1
}

// distinct passes on each value of a key once.
type distinct struct {
	ctx   *processor.Context[string, string]
	store statestore.KeyValue[string, string]
}

var hadValues = stream.NewStore("values", in.Keys(), in.Values())

func (p *distinct) Init(ctx *processor.Context[string, string]) (err error) {
	p.ctx = ctx
	p.store, err = hadValues.KeyValue(ctx)
	return err
}

func (p *distinct) Process(r record.Record[string, string]) error {
	had, _ := p.store.Get(r.Key)
	if slices.Contains(strings.Fields(had), r.Value) {
		return nil
	}
	p.store.Put(r.Key, had+" "+r.Value)
	p.ctx.Forward(r)
	return nil
}

func (p *distinct) Close() error { return nil }

func ExampleProcessValues() {
	demonstrateOn(func(b *stream.Builder) {
		fresh := stream.ProcessValues(stream.From(b, in), func() processor.Processor[string, string, string, string] { return &distinct{} }, stream.Uses(hadValues))
		stream.To(fresh, out)
	}, "a=one", "a=two", "a=one", "b=one")
	// Output:
	// a one
	// a two
	// b one
}
