package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

var (
	texts = stream.NewStore("texts", serde.String, serde.String)
	total = stream.NewStore("total", serde.String, serde.Int64)
)

func concat(agg, v string) string { return agg + v }

func TestWordCount(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		words := stream.FlatMapValues(stream.From(b, in), strings.FieldsSeq)
		byWord := stream.GroupBy(words, valueAsKey)
		stream.To(stream.ToStream(stream.Count(byWord, total)), nums)
	})
	p.pipe("1=to be or@7", "2=not to@3", "3@9")
	// The time of a count is the latest of its words. A null line gives a null word, which is not counted.
	wants(p, nums, "to=1@7 be=1@7 or=1@7 not=1@3 to=2@7")
	if n := p.Dropped(processor.DropNullValue); n != 1 {
		t.Errorf("dropped %d null values, want 1", n)
	}
}

func TestReduce(t *testing.T) {
	p := run(t, skipErrors, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		stream.To(stream.ToStream(stream.Reduce(g, concat, texts)), out)
		stream.To(stream.ToStream(stream.TryReduce(g, func(_ context.Context, agg, v string) (string, error) {
			if v == "!" {
				return "", errors.New("no")
			}
			return v + agg, nil
		}, nil)), out2)
	})
	p.pipe("a=1@5", "a=2@3", "=x", "a", "a=!@6", "b=9@1")
	wants(p, out, "a=1@5 a=12@5 a=12!@6 b=9@1")
	wants(p, out2, "a=1@5 a=21@5 b=9@1")
	if n := p.Dropped(processor.DropNullKey); n != 2 {
		t.Errorf("dropped %d null keys, want 2", n)
	}
	if v, ok := streamtest.Timestamped(p.Driver, texts).Get("a"); !ok || v.Value != "12!" || v.Timestamp != 6 {
		t.Errorf("the store has %+v, %v", v, ok)
	}
}

func TestAggregate(t *testing.T) {
	p := run(t, skipErrors, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		stream.To(stream.ToStream(stream.Aggregate(g, func() string { return ":" }, func(k, v, agg string) string { return agg + k + v }, texts)), out)
		stream.To(stream.ToStream(stream.TryAggregate(g, func() int64 { return 10 }, func(_ context.Context, _, v string, agg int64) (int64, error) {
			if v == "!" {
				return 0, errors.New("no")
			}
			return agg + 1, nil
		}, nil)), nums)
	})
	p.pipe("a=1@5", "a=2@3", "a=!", "a=3")
	wants(p, out, "a=:a1@5 a=:a1a2@5 a=:a1a2a!@5 a=:a1a2a!a3@5")
	wants(p, nums, "a=11@5 a=12@5 a=13@5")
}

// TestAggregateToNull deletes a key by a null aggregate.
func TestAggregateToNull(t *testing.T) {
	type text = record.Optional[string]
	optional := serde.Optional(serde.String)
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		last := stream.Aggregate(g, func() text { return text{} }, func(_, v string, _ text) text {
			return text{Value: v, Valid: v != "del"}
		}, stream.NewStore("last", serde.String, optional))
		stream.To(stream.ToStream(last), stream.NewTopic("out", serde.String, optional))
	})
	p.pipe("a=1", "a=del@4", "a=del@2", "a=2@3")
	wants(p, out, "a=1 a@4 a@2 a=2@3")
}

// TestAggregateSendsInitialAsOld holds a quirk: for a new key the value before is the initial aggregate. The
// second key's 0 is therefore subtracted from a sum that it never was in.
func TestAggregateSendsInitialAsOld(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		counted := stream.Aggregate(stream.GroupByKey(stream.From(b, in)), func() string { return "0" }, func(_, v, _ string) string { return v }, nil)
		all := stream.GroupTable(counted, func(_, v string) (string, string) { return "all", v })
		stream.To(stream.ToStream(stream.ReduceTable(all,
			func(agg, v string) string { return agg + "+" + v },
			func(agg, v string) string { return agg + "-" + v }, nil)), out)
	})
	p.pipe("a=1", "b=2", "a=3")
	wants(p, out, "all=1 all=1-0+2 all=1-0+2-1+3")
}

// TestGroupingSharesNamedRepartition: a named grouping has one topic however many aggregations it has.
func TestGroupingSharesNamedRepartition(t *testing.T) {
	b := stream.New()
	g := stream.GroupBy(stream.From(b, in), valueAsKey, stream.Named("by-value"))
	stream.To(stream.ToStream(stream.Count(g, nil)), nums)
	stream.To(stream.ToStream(stream.Reduce(g, concat, nil)), out)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(top.Subtopologies); n != 2 {
		t.Errorf("%d subtopologies, want 2:\n%s", n, top.Describe())
	}
	p := &program{streamtest.New(t, top, streamtest.Config{}), t}
	p.pipe("a=x", "b=x")
	wants(p, nums, "x=1 x=2")
	wants(p, out, "x=x x=xx")
}
