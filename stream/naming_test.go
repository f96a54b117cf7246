package stream_test

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// TestGeneratedNames: what has a generated name is reported with its line, whatever else the operator was given.
func TestGeneratedNames(t *testing.T) {
	named := func(name string) *stream.Store[string, int64] {
		return stream.NewStore(name, serde.String, serde.Int64)
	}
	rekeyed := func(b *stream.Builder, opts ...stream.Option) stream.Stream[string, string] {
		return stream.SelectKey(stream.From(b, in), valueAsKey, opts...)
	}
	for name, c := range map[string]struct {
		describe func(b *stream.Builder)
		want     []string
	}{
		"nothing is kept": {func(b *stream.Builder) { stream.To(stream.Filter(stream.From(b, in), short), out) }, nil},
		"named store":     {func(b *stream.Builder) { stream.Count(stream.GroupByKey(rekeyed(b)), named("a")) }, nil},
		"named repartition": {func(b *stream.Builder) {
			stream.Count(stream.GroupByKey(rekeyed(b), stream.Named("by")), nil)
		}, []string{`store "KSTREAM-AGGREGATE-STATE-STORE-0000000002" and its changelog "KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog"`}},
		"nothing named": {func(b *stream.Builder) { stream.Count(stream.GroupByKey(rekeyed(b)), nil) }, []string{
			`store "KSTREAM-AGGREGATE-STATE-STORE-0000000002" and its changelog`, `repartition topic "KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition"`,
		}},
		"a store that Java generated the name of": {func(b *stream.Builder) {
			stream.Count(stream.GroupByKey(stream.From(b, in)), named("KSTREAM-AGGREGATE-STATE-STORE-0000000001"))
		}, nil},
		"table": {func(b *stream.Builder) { stream.Changes(stream.TableFrom(b, in, nil)) }, []string{`store "in-STATE-STORE-0000000000" and its changelog`}},
		"unlogged": {func(b *stream.Builder) {
			stream.Count(stream.GroupByKey(stream.From(b, in)), named("").Unlogged())
		}, []string{`store "KSTREAM-AGGREGATE-STATE-STORE-0000000002": the name`}},
		"join": {func(b *stream.Builder) {
			stream.LeftJoin(rekeyed(b), stream.From(b, in2), stream.Within(ms(5)), leftConcat)
		}, []string{
			`store "KSTREAM-JOINTHIS-`, `store "KSTREAM-OUTEROTHER-`, `store "KSTREAM-OUTERSHARED-`, `repartition topic "KSTREAM-KEY-SELECT-0000000001-repartition"`,
		}},
		"named join": {func(b *stream.Builder) {
			stream.LeftJoin(rekeyed(b), stream.From(b, in2), stream.Within(ms(5)), leftConcat, stream.Named("j"), stream.KeptIn(stream.JoinStores{Name: "k"}))
		}, nil},
		"join that is named by its input": {func(b *stream.Builder) {
			stream.LeftJoin(rekeyed(b, stream.Named("by")), stream.From(b, in2), stream.Within(ms(5)), leftConcat, stream.KeptIn(stream.JoinStores{Name: "k"}))
		}, nil},
		"branch": {func(b *stream.Builder) {
			one := stream.Split(rekeyed(b)).Branch(short)
			stream.LeftJoin(one, stream.From(b, in2), stream.Within(ms(5)), leftConcat, stream.KeptIn(stream.JoinStores{Name: "k"}))
		}, []string{`repartition topic "KSTREAM-BRANCH-00000000021-repartition"`}},
		"suppression": {func(b *stream.Builder) {
			w := stream.CountWindows(stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(ms(5))), named("w"))
			stream.SuppressUntilWindowCloses(w, stream.Buffer{})
		}, []string{`store "KTABLE-SUPPRESS-STATE-STORE-`}},
		"named suppression": {func(b *stream.Builder) {
			w := stream.CountWindows(stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(ms(5))), named("w"))
			stream.SuppressUntilWindowCloses(w, stream.Buffer{}, stream.Named("s"))
		}, nil},
		"held back": {func(b *stream.Builder) {
			t := stream.ToTable(stream.From(b, in2), stream.NewStore("t", serde.String, serde.String).WithHistory(ms(9)))
			stream.JoinTable(stream.From(b, in), t, concat, stream.GracePeriod(ms(9)))
		}, []string{`-Buffer" and its changelog`}},
		"repartition": {func(b *stream.Builder) { stream.To(stream.Repartition(stream.From(b, in)), out) }, []string{`repartition topic "KSTREAM-REPARTITION-0000000001-repartition"`}},
		"foreign key": {func(b *stream.Builder) {
			l, r := stream.TableFrom(b, in, texts), stream.TableFrom(b, in2, stream.NewStore("r", serde.String, serde.String))
			stream.JoinByForeignKey(l, r, func(_, v string) (string, bool) { return v, true }, concat, nil)
		}, []string{`store "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-`, `repartition topic "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-`, `repartition topic "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-`}},
		"named foreign key": {func(b *stream.Builder) {
			l, r := stream.TableFrom(b, in, texts), stream.TableFrom(b, in2, stream.NewStore("r", serde.String, serde.String))
			stream.JoinByForeignKey(l, r, func(_, v string) (string, bool) { return v, true }, concat, nil, stream.Named("fk"))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.New()
			c.describe(b)
			top, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := top.CheckNames(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(c.want) {
				t.Errorf("%d are reported, want %d:\n%s", len(got), len(c.want), strings.Join(got, "\n"))
			}
			for _, want := range c.want {
				found := false
				for _, line := range got {
					found = found || strings.Contains(line, want) && strings.HasPrefix(line, "stream/naming_test.go:")
				}
				if !found {
					t.Errorf("%q is not reported with its line in\n%s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
}

func leftConcat(l string, r *string) string {
	if r == nil {
		return l
	}
	return l + *r
}
