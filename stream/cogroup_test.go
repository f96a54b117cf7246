package stream_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

var totals = stream.NewTopic("totals", serde.String, serde.Int64)

func lengthAndValue(b *stream.Builder) stream.Cogrouped[string, int64] {
	texts := stream.GroupByKey(stream.From(b, in))
	numbers := stream.GroupByKey(stream.From(b, nums))
	c := stream.Cogroup(texts, func(_, v string, sum int64) int64 { return sum + int64(len(v)) })
	return stream.AndCogroup(c, numbers, func(_ string, v, sum int64) int64 { return sum + v })
}

func zeroTotal() int64 { return 0 }

// TestCogroupAgainstTwin adds lengths of one stream and numbers of another.
func TestCogroupAgainstTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 9))
		p := run(t, streamtest.Config{}, func(b *stream.Builder) {
			store := stream.NewStore("totals", serde.String, serde.Int64)
			stream.To(stream.ToStream(stream.AggregateCogroup(lengthAndValue(b), zeroTotal, store)), totals)
		})
		want := map[string]int64{}
		for i := range 60 {
			key := string(rune('a' + r.IntN(4)))
			if n := r.Int64N(5); r.IntN(2) == 0 {
				streamtest.Input(p.Driver, nums).PipeRecord(record.New(key, n, int64(i)))
				want[key] += n
			} else {
				streamtest.Input(p.Driver, in).PipeRecord(record.New(key, "xxxxx"[:n], int64(i)))
				want[key] += n
			}
		}
		if got := streamtest.Map(streamtest.Output(p.Driver, totals)); !maps.Equal(got, want) {
			t.Fatalf("seed %d: totals are %v, want %v", seed, got, want)
		}
	}
}

func TestCogroupWindowsAndSessions(t *testing.T) {
	keyOf := func(k window.Key[string], _ int64) string { return k.Key }
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		sums := stream.AggregateCogroupWindows(lengthAndValue(b), window.Tumbling(10*time.Millisecond), zeroTotal, nil)
		stream.To(stream.SelectKey(stream.ToStream(sums), keyOf), totals)
	})
	p.pipe("a=xx@1", "a=xxx@11")
	streamtest.Input(p.Driver, nums).Pipe("a", 7, 12)
	wants(p, totals, "a=2@1 a=3@11 a=10@12")

	p = run(t, streamtest.Config{}, func(b *stream.Builder) {
		add := func(_ string, x, y int64) int64 { return x + y }
		sums := stream.AggregateCogroupSessions(lengthAndValue(b), window.Session(5*time.Millisecond).Grace(time.Second), zeroTotal, add, nil)
		stream.To(stream.SelectKey(stream.ToStream(sums), keyOf), totals)
	})
	p.pipe("a=xx@1", "a=xxx@11")
	streamtest.Input(p.Driver, nums).Pipe("a", 7, 6)
	wants(p, totals, "a=2@1 a=3@11 a@1 a@11 a=12@11")
}

func ExampleCogroup() {
	b := stream.New()
	views := stream.NewTopic("views", serde.String, serde.String)
	buys := stream.NewTopic("buys", serde.String, serde.Int64)
	scored := stream.NewTopic("scored", serde.String, serde.Int64)
	c := stream.Cogroup(stream.GroupByKey(stream.From(b, views)), func(_, _ string, score int64) int64 { return score + 1 })
	c = stream.AndCogroup(c, stream.GroupByKey(stream.From(b, buys)), func(_ string, cents, score int64) int64 { return score + cents })
	scores := stream.AggregateCogroup(c, func() int64 { return 0 }, stream.NewStore("scores", serde.String, serde.Int64))
	stream.To(stream.ToStream(scores), scored)

	top, err := b.Build()
	if err != nil {
		panic(err)
	}
	d, err := streamtest.Open(top, streamtest.Config{})
	if err != nil {
		panic(err)
	}
	streamtest.Input(d, views).Pipe("ann", "shoes")
	streamtest.Input(d, buys).Pipe("ann", 250)
	fmt.Println(streamtest.Map(streamtest.Output(d, scored)))
	// Output: map[ann:251]
}
