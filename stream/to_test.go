package stream_test

import (
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func TestToDynamic(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.ToDynamic(stream.From(b, in), func(r record.Record[string, string], src processor.Source) string {
			if r.Value == "other" {
				return "out2"
			}
			return src.Topic + "-copy"
		})
	})
	p.pipe("a=1@3", "b=other")
	wants(p, stream.NewTopic("in-copy", in.Keys(), in.Values()), "a=1@3")
	wants(p, out2, "b=other")
}

func TestToTwiceAfterOneSource(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		// One topic read twice is one source.
		stream.To(stream.From(b, in), out)
		stream.To(stream.From(b, in), out2, stream.PartitionBy(func(string, string, int32) int32 { return 0 }))
	})
	p.pipe("a=1")
	wants(p, out, "a=1")
	wants(p, out2, "a=1")
}
