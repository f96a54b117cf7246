package stream_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

type order struct{ Cents int64 }

type byAddress struct {
	Name string
	At   *int
}

// TestMistakes makes one mistake a case and wants it reported with the line that made it.
func TestMistakes(t *testing.T) {
	var line string // of the call that is the mistake
	here := func() {
		_, _, n, _ := runtime.Caller(1)
		line = fmt.Sprintf("stream/builder_test.go:%d: ", n+1)
	}
	orders := stream.NewTopic("orders", serde.String, serde.JSON[order]())
	cases := map[string]struct {
		describe func(*stream.Builder)
		want     string
	}{
		"no serde for a repartition": {func(b *stream.Builder) {
			byCents := stream.GroupBy(stream.MapValues(stream.From(b, in), func(string) order { return order{} }), func(_ string, o order) int64 { return o.Cents })
			here()
			stream.Count(byCents, nil)
		}, `repartition topic "KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition" has no serde for its values (stream_test.order); give the operator that joins or groups by the new key the option Keys or Values`},
		"no serde for an aggregate": {func(b *stream.Builder) {
			g := stream.GroupByKey(stream.From(b, in))
			here()
			stream.Aggregate(g, func() order { return order{} }, func(_, _ string, o order) order { return o }, nil)
		}, `store "KSTREAM-AGGREGATE-STATE-STORE-0000000001" of node "KSTREAM-AGGREGATE-0000000002" has no serde for its values (stream_test.order); pass a store made with NewStore`},
		"no serde for a dynamic sink": {func(b *stream.Builder) {
			s := stream.MapValues(stream.From(b, in), func(string) order { return order{} })
			here()
			stream.ToDynamic(s, topicOf[order])
		}, `has no serde for its values (stream_test.order); give it the option Keys or Values`},
		"topic without serdes": {func(b *stream.Builder) {
			here()
			stream.From(b, stream.NewTopic[string, string]("x", nil, nil))
		}, `topic "x" of node "KSTREAM-SOURCE-0000000000" has no serde for its keys (string) and values (string); make it with NewTopic`},
		"no topic": {func(b *stream.Builder) {
			here()
			stream.FromTopics[string, string](b, nil)
		}, `reads no topic`},
		"key that compares by address": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, in), func(string, string) byAddress { return byAddress{} })
			here()
			stream.GroupByKey(s, stream.Keys(serde.JSON[byAddress]()))
		}, `field At of key type stream_test.byAddress: key type *int compares by address`},
		"nil function": {func(b *stream.Builder) {
			here()
			stream.Filter(stream.From(b, in), nil)
		}, `node "KSTREAM-FILTER-0000000001" has no predicate; pass a function that is not nil`},
		"nil supplier": {func(b *stream.Builder) {
			here()
			stream.Process[string, string, string, string](stream.From(b, in), nil)
		}, `node "KSTREAM-PROCESSOR-0000000001": it has no supplier`},
		"option without meaning": {func(b *stream.Builder) {
			here()
			stream.Filter(stream.From(b, in), short, stream.Partitions(3))
		}, `option Partitions has no meaning for Filter, which takes ["Named"]`},
		"option of another type": {func(b *stream.Builder) {
			here()
			stream.GroupByKey(stream.From(b, in), stream.Keys(serde.Int64))
		}, `option Keys is for serde.int64Serde, the node's is serde.Serde[string]`},
		"option out of range": {func(b *stream.Builder) {
			here()
			stream.Repartition(stream.From(b, in), stream.Partitions(0))
		}, `option Partitions of Repartition: the number of partitions must be positive`},
		"bad name": {func(b *stream.Builder) {
			here()
			stream.Filter(stream.From(b, in), short, stream.Named("a b"))
		}, `option Named of Filter: name has characters other than`},
		"branch after the default": {func(b *stream.Builder) {
			split := stream.Split(stream.From(b, in))
			split.Default()
			here()
			split.Branch(short)
		}, `has a branch after its default branch; make the default branch last`},
		"two defaults": {func(b *stream.Builder) {
			split := stream.Split(stream.From(b, in))
			split.Default()
			here()
			split.Default(stream.Named("again"))
		}, `has two default branches`},
		"two builders": {func(b *stream.Builder) {
			other := stream.From(stream.New(), in2)
			here()
			stream.Merge(stream.From(b, in), other)
		}, `brings together streams of two builders; make both from one`},
		"overlapping topics": {func(b *stream.Builder) {
			stream.From(b, in)
			here()
			stream.FromTopics(b, []stream.Topic[string, string]{in, in2})
		}, `topic "in" is read by two sources whose topics overlap without being the same (["in"] and ["in" "in2"])`},
		"two resets": {func(b *stream.Builder) {
			stream.From(b, in)
			here()
			stream.From(b, in, stream.Reset(topology.ResetLatest))
		}, `another offset reset than an earlier source of the same topics`},
		"two types": {func(b *stream.Builder) {
			stream.From(b, orders)
			here()
			stream.From(b, stream.NewTopic("orders", serde.String, serde.String))
		}, `a topic is read once, so use the same types`},
		"two stores of one name": {func(b *stream.Builder) {
			g := stream.GroupByKey(stream.From(b, in))
			stream.Count(g, total)
			here()
			stream.Count(g, total)
		}, `"total"`},
		"store of other types": {func(b *stream.Builder) {
			stream.Count(stream.GroupByKey(stream.From(b, in)), stream.NewStore("seen", serde.String, serde.Int64))
			wrong := stream.NewStore("seen", serde.String, serde.Float64)
			here()
			stream.Process(stream.From(b, in), newCounter, stream.Uses(wrong))
		}, `uses store "seen" with keys string and values float64, but it was made with keys string and values int64; use one handle for both`},
		"store without a name": {func(b *stream.Builder) {
			here()
			stream.Process(stream.From(b, in), newCounter, stream.Uses(stream.NewStore("", serde.String, serde.Int64)))
		}, `uses a store without a name`},
		"store with a bad name": {func(b *stream.Builder) {
			here()
			stream.Count(stream.GroupByKey(stream.From(b, in)), stream.NewStore("a/b", serde.String, serde.Int64))
		}, `the name of store "a/b" holds '/'; use letters`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := stream.New()
			c.describe(b)
			_, err := b.Build()
			if err == nil {
				t.Fatal("built")
			}
			for e := range strings.Lines(err.Error()) {
				if strings.Contains(e, line) && strings.Contains(e, c.want) {
					return
				}
			}
			t.Errorf("got\n%v\nwant %s … %s", err, line, c.want)
		})
	}
}

func topicOf[V any](_ record.Record[string, V], _ processor.Source) string { return "x" }

// TestMistakesComeTogether: Build reports every mistake, not the first.
func TestMistakesComeTogether(t *testing.T) {
	b := stream.New()
	s := stream.From(b, in, stream.Partitions(1))
	stream.Filter(s, nil)
	stream.MapValues[string, string, string](s, nil)
	_, err := b.Build()
	if err == nil || strings.Count(err.Error(), "builder_test.go:") != 3 {
		t.Errorf("got %v, want three mistakes", err)
	}
}

func TestBuildOnce(t *testing.T) {
	b := stream.New()
	stream.From(b, in)
	if _, err := b.Build(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), "make a new one") {
		t.Errorf("built twice: %v", err)
	}
}
