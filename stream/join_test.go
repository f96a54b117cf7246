package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

// Mistakes in joins come out of Build together, each with its line.
func TestJoinMistakes(t *testing.T) {
	type point struct{ _ int }
	b := stream.New()
	left, right := stream.From(b, in), stream.From(b, in2)
	table := stream.TableFrom(b, stream.NewTopic("rows", serde.String, serde.String), stream.NewStore("rows", serde.String, serde.String))
	kept := stream.TableFrom(b, stream.NewTopic("kept", serde.String, serde.String),
		stream.NewStore("kept", serde.String, serde.String).WithHistory(time.Second))
	points := stream.MapValues(left, func(string) point { return point{} })

	stream.Join(left, right, stream.JoinWindow{Before: -2 * time.Second, After: time.Second}, bothOf)
	stream.Join(left, right, stream.Within(time.Second).WithGrace(-1), bothOf)
	stream.Join(left, right, stream.Within(1500*time.Microsecond), bothOf)
	stream.Join(left, points, stream.Within(time.Second), func(l string, _ point) string { return l })
	stream.Join[string, string, string, string](left, right, stream.Within(time.Second), nil)
	stream.JoinTable(left, table, bothOf, stream.GracePeriod(time.Second))
	stream.JoinTable(left, kept, bothOf, stream.GracePeriod(time.Minute))
	stream.JoinTable(left, table, bothOf, stream.KeptIn(stream.JoinStores{}))
	stream.JoinTables(stream.TableFrom(stream.New(), in, nil), table, bothOf, nil)
	_, err := b.Build()
	if err == nil {
		t.Fatal("Build finds nothing wrong")
	}
	for _, part := range []string{
		"no record can match: Before (-2s) and After (1s)", "Grace is -1ns", "Before is 1.5ms", "has no serde for its values (stream_test.point)",
		"has no function", `store "rows" keeps no history`, `store "kept" keeps a history of 1000 ms only`, "option KeptIn has no meaning for JoinTable",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not tell %q:\n%v", part, err)
		}
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(line, "join_test.go:") && strings.Contains(line, ".go:") {
			t.Errorf("not a line of the user's: %s", line)
		}
	}
}

// What Kafka Streams dies of is dropped and counted.
func TestGraceDropsNullKeys(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		rows := stream.TableFrom(b, in2, stream.NewStore("rows", serde.String, serde.String).WithHistory(time.Minute))
		stream.To(stream.LeftJoinTable(stream.From(b, in), rows, leftSide, stream.GracePeriod(time.Second)), out)
	})
	p.pipe("=x@1000", "a=1@1000")
	p.pipeTo(in2, "a=R@900", "a=S@1100")
	p.pipe("a=2@2000")
	wants(p, out, "a=1|R@1000")
	if n := p.Dropped(processor.DropNullKey); n != 1 {
		t.Errorf("dropped %d null keys, want 1", n)
	}
}

// A join's headers are those of the record that shows the result, also for one that had no partner.
func ExampleLeftJoin() {
	orders := stream.NewTopic("orders", serde.String, serde.String)
	payments := stream.NewTopic("payments", serde.String, serde.String)
	b := stream.New()
	paid := stream.LeftJoin(stream.From(b, orders), stream.From(b, payments), stream.Within(10*time.Second).WithGrace(time.Second),
		func(order string, payment *string) string {
			if payment == nil {
				return order + " is not paid"
			}
			return order + " is paid by " + *payment
		})
	stream.To(paid, out)
	topology, err := b.Build()
	if err != nil {
		panic(err)
	}
	d, err := streamtest.Open(topology, streamtest.Config{})
	if err != nil {
		panic(err)
	}
	d.Advance(time.Second) // what is over is looked for once a second
	streamtest.Input(d, orders).Pipe("o1", "a book", 1000)
	streamtest.Input(d, orders).Pipe("o2", "a pen", 2000)
	streamtest.Input(d, payments).Pipe("o1", "card", 9000)
	d.Advance(time.Second)
	streamtest.Input(d, payments).Pipe("o3", "card", 30_000)
	for _, r := range streamtest.Output(d, out).ReadAll() {
		fmt.Println(r.Timestamp, r.Value)
	}
	// Output:
	// 9000 a book is paid by card
	// 2000 a pen is not paid
}

// TestJoinOfAMergedSource: a stream that is merged of one source twice, whose topic is read twice as well.
func TestJoinOfAMergedSource(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.From(b, in)
		again := stream.From(b, in)
		merged := stream.Merge(stream.MapValues(again, strings.ToUpper), again)
		stream.To(stream.JoinTable(merged, stream.TableFrom(b, in2, nil), concat), out)
	})
	p.pipeTo(in2, "a=1")
	p.pipe("a=x")
	wants(p, out, "a=X1 a=x1")
}

// TestValuesOfAMappedTable: the serde that an operator below needs is given where the values are made.
func TestValuesOfAMappedTable(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		orders := stream.MapTable(stream.TableFrom(b, in, nil), func(v string) order { return order{int64(len(v))} }, nil, stream.Values(serde.JSON[order]()))
		held := stream.SuppressUntilTimeLimit(orders, 0, stream.Buffer{})
		stream.To(stream.MapValues(stream.ToStream(held), func(o order) int64 { return o.Cents }), nums)
	})
	p.pipe("a=xyz")
	wants(p, nums, "a=3")
}
