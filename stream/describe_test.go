package stream_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// programs are translations of Java programs; testdata/describe has what Kafka Streams says of those. A Java
// count, reduce or filter with Materialized.with(...) is one with a store without a name here.
var programs = map[string]func(*stream.Builder){
	"wordcount": func(b *stream.Builder) {
		words := stream.FlatMapValues(stream.From(b, stream.NewTopic("lines", serde.String, serde.String)), strings.FieldsSeq)
		counts := stream.Count(stream.GroupBy(words, valueAsKey), stream.NewStore("counts", serde.String, serde.Int64))
		stream.To(stream.SelectKey(stream.ToStream(stream.MapTable(counts, format, nil)), keyAgain), out)
	},
	"shared": func(b *stream.Builder) {
		keyed := stream.SelectKey(stream.From(b, in), valueAsKey)
		counted(stream.GroupByKey(keyed))
		stream.Reduce(stream.GroupByKey(keyed), concat, stream.NewStore("reduced", serde.String, serde.String))
		counted(stream.GroupByKey(stream.Filter(keyed, short), stream.Named("filtered")))
		counted(stream.GroupByKey(stream.MapValues(keyed, strings.ToUpper)))
	},
	"merged": func(b *stream.Builder) {
		one, other := stream.From(b, in), stream.From(b, in2)
		merged := stream.Merge(stream.SelectKey(one, valueAsKey), stream.SelectKey(other, valueAsKey))
		counted(stream.GroupByKey(merged))
		stream.Reduce(stream.GroupByKey(merged), concat, stream.NewStore("", serde.String, serde.String))
	},
	"tables": func(b *stream.Builder) {
		filtered := stream.FilterTable(stream.TableFrom(b, in, nil), short, nil)
		upper := stream.MapTable(filtered, strings.ToUpper, stream.NewStore("upper", serde.String, serde.String))
		g := stream.GroupTable(upper, swap, stream.Named("by-value"))
		counts := stream.MapTable(stream.CountTable(g, stream.NewStore("counts", serde.String, serde.Int64)), format, nil)
		stream.ReduceTable(g, concat, concat, nil)
		stream.To(stream.SelectKey(stream.ToStream(counts), keyAgain), out)
	},
	"branches": func(b *stream.Builder) {
		split := stream.Split(stream.From(b, in))
		one, two, rest := split.Branch(short), split.Branch(short), split.Default()
		generated := stream.Repartition(one)
		named := stream.Repartition(two, stream.Named("named"))
		counts := stream.Process(generated, newCounter, stream.Uses(seen))
		more := stream.Process(named, newCounter)
		stream.ToTable(stream.Merge(counts, more), stream.NewStore("table", serde.String, serde.Int64))
		stream.To(rest, out)
	},
}

func counted(g stream.Grouped[string, string]) {
	stream.MapTable(stream.Count(g, stream.NewStore("", serde.String, serde.Int64)), format, nil)
}

func format(n int64) string { return strings.Repeat("I", int(n)) }

func keyAgain(k, _ string) string { return k }

func TestDescribe(t *testing.T) {
	datadriven.RunTest(t, "testdata/describe", func(t *testing.T, d *datadriven.TestData) string {
		b := stream.New()
		programs[d.CmdArgs[0].Key](b)
		var o stream.Optimization
		if d.HasArg("optimize") {
			o = stream.OptimizeAll
		}
		top, err := b.Build(o)
		if err != nil {
			return err.Error()
		}
		return strings.TrimRight(top.Describe(), "\n") + "\n"
	})
}

func TestReuseSourceTopics(t *testing.T) {
	b := stream.New()
	stream.TableFrom(b, in, texts)
	top, err := b.Build(stream.ReuseSourceTopics)
	if err != nil {
		t.Fatal(err)
	}
	topic, ok := top.Subtopologies[0].Stores[0].Changelog()
	if !ok || topic.Name != "in" || topic.Internal {
		t.Errorf("the changelog is %+v, %v; want the source topic", topic, ok)
	}
}
