package stream_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// TestNulls pipes a record without a key, one without a value and a whole one through every operator, and wants
// what Kafka Streams makes of them, and a reason counted for each that is left out. "in2" has had a row k=r.
func TestNulls(t *testing.T) {
	const nullKey, nullValue, nullJoinKey = processor.DropNullKey, processor.DropNullValue, processor.DropNullJoinKey
	x := func(_, _ string) string { return "x" }
	grouped := func(b *stream.Builder) stream.Grouped[string, string] { return stream.GroupByKey(stream.From(b, in)) }
	table := func(b *stream.Builder) stream.Table[string, string] { return stream.TableFrom(b, in, nil) }
	rows := func(b *stream.Builder) stream.Table[string, string] { return stream.TableFrom(b, in2, nil) }
	left := func(l string, r *string) string { return fmt.Sprintf("%s|%v", l, r != nil) }
	both := func(l, r *string) string { return fmt.Sprintf("%v|%v", l != nil, r != nil) }
	counted := func(t stream.Table[window.Key[string], int64]) stream.Stream[string, string] {
		return stream.Map(stream.ToStream(t), func(k window.Key[string], n int64) (string, string) { return k.Key, fmt.Sprint(n) })
	}
	type drops map[processor.DropReason]int
	dropsBoth := drops{nullKey: 1, nullValue: 1}
	for name, c := range map[string]struct {
		describe func(b *stream.Builder) stream.Stream[string, string]
		want     string
		drops    drops
	}{
		"From, To": {func(b *stream.Builder) stream.Stream[string, string] { return stream.From(b, in) }, "=v@1 k@2 k=v@3", nil},
		"Filter":   {func(b *stream.Builder) stream.Stream[string, string] { return stream.Filter(stream.From(b, in), short) }, "=v@1 k@2 k=v@3", nil},
		"FilterNot": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.FilterNot(stream.From(b, in), short)
		}, "", nil},
		"MapValues": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.MapValues(stream.From(b, in), strings.ToUpper)
		}, "=V@1 k@2 k=V@3", nil},
		"MapValues of what can be null": {func(b *stream.Builder) stream.Stream[string, string] {
			o := stream.MapValues(stream.From(b, in), func(v string) *string { return &v })
			return stream.MapValues(o, func(v *string) string { return strconv.FormatBool(v == nil) })
		}, "=false@1 k=true@2 k=false@3", nil},
		"Map": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.Map(stream.From(b, in), func(_, v string) (string, string) { return "x", v })
		}, "x=v@1 x=@2 x=v@3", nil},
		"SelectKey": {func(b *stream.Builder) stream.Stream[string, string] { return stream.SelectKey(stream.From(b, in), x) }, "x=v@1 x@2 x=v@3", nil},
		"FlatMap": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.FlatMap(stream.From(b, in), func(_, v string) iter.Seq2[string, string] { return maps.All(map[string]string{"x": v}) })
		}, "x=v@1 x=@2 x=v@3", nil},
		"FlatMapValues": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.FlatMapValues(stream.From(b, in), func(v string) iter.Seq[string] { return slices.Values([]string{v, v}) })
		}, "=v@1 =v@1 k@2 k=v@3 k=v@3", nil},
		"Peek": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.Peek(stream.From(b, in), func(string, string) {})
		}, "=v@1 k@2 k=v@3", nil},
		"Merge": {func(b *stream.Builder) stream.Stream[string, string] {
			s := stream.From(b, in)
			return stream.Merge(s, stream.Filter(s, short))
		}, "=v@1 =v@1 k@2 k@2 k=v@3 k=v@3", nil},
		"Branch": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.Split(stream.From(b, in)).Branch(short)
		}, "=v@1 k@2 k=v@3", nil},
		"Process": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.Process(stream.From(b, in), processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
				ctx.Forward(r)
				return nil
			}))
		}, "=v@1 k@2 k=v@3", nil},
		"Repartition": {func(b *stream.Builder) stream.Stream[string, string] { return stream.Repartition(stream.From(b, in)) }, "k@2 k=v@3", drops{nullKey: 1}},
		"Repartition above a left join": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.LeftJoinTable(stream.Repartition(stream.From(b, in)), rows(b), left)
		}, "=v|false@1 k=v|true@3", drops{nullValue: 1}},

		"Count": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.MapValues(stream.ToStream(stream.Count(grouped(b), nil)), func(n int64) string { return fmt.Sprint(n) })
		}, "k=1@3", dropsBoth},
		"Reduce": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.Reduce(grouped(b), concat, nil))
		}, "k=v@3", dropsBoth},
		"Aggregate": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.Aggregate(grouped(b), func() string { return "" }, func(_, v, a string) string { return a + v }, nil))
		}, "k=v@3", dropsBoth},
		"Cogroup": {func(b *stream.Builder) stream.Stream[string, string] {
			g := stream.Cogroup(grouped(b), func(_, v, a string) string { return a + v })
			return stream.ToStream(stream.AggregateCogroup(g, func() string { return "" }, nil))
		}, "k=v@3", dropsBoth},
		// A null value is aggregated in tumbling, hopping and unlimited windows and in sessions; the 0 is a deletion.
		"tumbling windows": {func(b *stream.Builder) stream.Stream[string, string] {
			return counted(stream.CountWindows(stream.WindowedBy(grouped(b), window.Tumbling(ms(10))), nil))
		}, "k=1@2 k=2@3", drops{nullKey: 1}},
		"sliding windows": {func(b *stream.Builder) stream.Stream[string, string] {
			return counted(stream.CountWindows(stream.WindowedBy(grouped(b), window.Sliding(ms(10))), nil))
		}, "k=1@3", dropsBoth},
		"sessions": {func(b *stream.Builder) stream.Stream[string, string] {
			return counted(stream.CountSessions(stream.SessionsBy(grouped(b), window.Session(ms(10))), nil))
		}, "k=1@2 k=0@2 k=2@3", drops{nullKey: 1}},

		"TableFrom": {func(b *stream.Builder) stream.Stream[string, string] { return stream.ToStream(table(b)) }, "k@2 k=v@3", drops{nullKey: 1}},
		"ToTable": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.ToTable(stream.From(b, in), nil))
		}, "k@2 k=v@3", drops{nullKey: 1}},
		"MapTable": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.MapTable(table(b), strings.ToUpper, nil))
		}, "k@2 k=V@3", drops{nullKey: 1}},
		"FilterTable": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.FilterTable(table(b), short, nil))
		}, "k@2 k=v@3", drops{nullKey: 1}},
		"Changes": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.MapValues(stream.Changes(table(b)), changeText)
		}, "k=>@2 k=>v@3", drops{nullKey: 1}},
		"SuppressUntilTimeLimit": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.SuppressUntilTimeLimit(table(b), 0, stream.Buffer{}))
		}, "k@2 k=v@3", drops{nullKey: 1}},
		"CountTable": {func(b *stream.Builder) stream.Stream[string, string] {
			g := stream.GroupTable(table(b), func(string, string) (string, string) { return "x", "" })
			return stream.MapValues(stream.ToStream(stream.CountTable(g, nil)), func(n int64) string { return fmt.Sprint(n) })
		}, "x=1@3", drops{nullKey: 1}},

		"Join": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.Join(stream.From(b, in), stream.From(b, in2), stream.Within(ms(10)), concat)
		}, "k=vr@3", dropsBoth},
		"LeftJoin": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.LeftJoin(stream.From(b, in), stream.From(b, in2), stream.Within(ms(10)), left)
		}, "=v|false@1 k=v|true@3", drops{nullValue: 1}},
		"OuterJoin": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.OuterJoin(stream.From(b, in), stream.From(b, in2), stream.Within(ms(10)), both)
		}, "=true|false@1 k=true|true@3", drops{nullValue: 1}},
		"JoinTable": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.JoinTable(stream.From(b, in), rows(b), concat)
		}, "k=vr@3", dropsBoth},
		"LeftJoinTable": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.LeftJoinTable(stream.From(b, in), rows(b), left)
		}, "=v|false@1 k=v|true@3", drops{nullValue: 1}},
		// Kafka Streams throws for the null key.
		"LeftJoinTable with a grace period": {func(b *stream.Builder) stream.Stream[string, string] {
			t := stream.TableFrom(b, in2, stream.NewStore("history", serde.String, serde.String).WithHistory(ms(10)))
			return stream.LeftJoinTable(stream.From(b, in), t, left, stream.GracePeriod(0))
		}, "k=v|true@3", dropsBoth},
		"JoinGlobal": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.JoinGlobal(stream.From(b, in), stream.GlobalTableFrom(b, in2, nil), func(k, _ string) string { return k }, concat)
		}, "k=vr@3", drops{nullValue: 1}},
		"JoinTables": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.JoinTables(table(b), rows(b), concat, nil))
		}, "k@2 k=vr@3", drops{nullKey: 1}},
		"OuterJoinTables": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.OuterJoinTables(table(b), rows(b), both, nil))
		}, "k=false|true k=false|true@2 k=true|true@3", drops{nullKey: 1}},
		"JoinByForeignKey": {func(b *stream.Builder) stream.Stream[string, string] {
			return stream.ToStream(stream.JoinByForeignKey(table(b), rows(b), func(string, string) (string, bool) { return "k", true }, concat, nil))
		}, "k=vr@3", drops{nullKey: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t, streamtest.Config{}, func(b *stream.Builder) {
				stream.To(c.describe(b), out)
			})
			if strings.Contains(name, "Join") || strings.Contains(name, "join") {
				p.pipeTo(in2, "k=r")
			}
			p.pipe("=v@1", "k@2", "k=v@3")
			wants(p, out, c.want)
			for _, reason := range []processor.DropReason{nullKey, nullValue, nullJoinKey, processor.DropLate, processor.DropProcessing} {
				if got := p.Dropped(reason); got != c.drops[reason] {
					t.Errorf("dropped %d for %s, want %d", got, reason, c.drops[reason])
				}
			}
		})
	}
}
