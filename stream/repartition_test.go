package stream_test

import (
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func TestRepartition(t *testing.T) {
	b := stream.New()
	s := stream.Repartition(stream.From(b, in), stream.Named("again"), stream.Partitions(7),
		stream.PartitionBy(func(key, _ string, n int32) int32 { return int32(len(key)) % n }))
	stream.To(s, out)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if r := top.Subtopologies[1].Repartitions; len(r) != 1 || r[0].Topic.Name != "again-repartition" || r[0].Partitions != 7 {
		t.Errorf("repartition topics of subtopology 1 are %+v", r)
	}
	p := &program{streamtest.New(t, top, streamtest.Config{}), t}
	p.pipe("a=1@4", "=2", "b@5")
	wants(p, out, "a=1@4 b@5")
	if n := p.Dropped(processor.DropNullKey); n != 1 {
		t.Errorf("dropped %d records without a key, want 1", n)
	}
}
