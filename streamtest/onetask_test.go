package streamtest_test

import (
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

// TestOneTask: behind a repartition stream time is that of the whole topology, and of the subtopology otherwise.
func TestOneTask(t *testing.T) {
	one := stream.NewTopic("one", serde.String, serde.String)
	two := stream.NewTopic("two", serde.String, serde.String)
	times := stream.NewTopic("times", serde.String, serde.Int64)
	for _, c := range []struct {
		oneTask bool
		want    int64
	}{{true, 100}, {false, 5}} {
		b := stream.New()
		rekeyed := stream.Repartition(stream.From(b, one), stream.Named("again"))
		stream.To(stream.Process(rekeyed, processor.Func(func(ctx *processor.Context[string, int64], r record.Record[string, string]) error {
			ctx.Forward(record.WithValue(r, ctx.StreamTime()))
			return nil
		})), times)
		stream.ForEach(stream.From(b, two), func(string, string) {})
		rows := stream.NewStore("rows", serde.String, serde.String)
		stream.GlobalTableFrom(b, stream.NewTopic("global", serde.String, serde.String), rows)
		top, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		d := streamtest.New(t, top, streamtest.Config{OneTask: c.oneTask})
		streamtest.Input(d, stream.NewTopic("global", serde.String, serde.String)).Pipe("k", "v", 1)
		streamtest.Input(d, two).Pipe("a", "x", 100)
		streamtest.Input(d, one).Pipe("a", "x", 5)
		if got := streamtest.Output(d, times).Read(); got.Value != c.want {
			t.Errorf("with OneTask %v stream time is %d, want %d", c.oneTask, got.Value, c.want)
		}
		if v, ok := streamtest.Timestamped(d, rows).Get("k"); !ok || v.Value != "v" {
			t.Errorf("the global table has %q, %v", v.Value, ok)
		}
	}
}
