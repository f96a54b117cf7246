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

func TestTableFrom(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.TableFrom(b, in, texts)), out)
	})
	p.pipe("a=1@5", "a=2@3", "=x", "b", "a@4") // the last by offset wins, whatever its time
	wants(p, out, "a=1@5 a=2@3 b a@4")
	if n := p.Dropped(processor.DropNullKey); n != 1 {
		t.Errorf("dropped %d null keys, want 1", n)
	}
	if v, ok := streamtest.Timestamped(p.Driver, texts).Get("a"); ok {
		t.Errorf("the store still has %+v", v)
	}
}

func TestTableIsKeptOnlyIfNeeded(t *testing.T) {
	stores := func(describe func(stream.Table[string, string])) (n int) {
		b := stream.New()
		describe(stream.TableFrom(b, in, nil))
		top, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range top.Subtopologies {
			n += len(s.Stores)
		}
		return n
	}
	if n := stores(func(t stream.Table[string, string]) { stream.To(stream.ToStream(t), out) }); n != 0 {
		t.Errorf("a table that is only passed on has %d stores, want 0", n)
	}
	if n := stores(func(t stream.Table[string, string]) { stream.FilterTable(t, short, nil) }); n != 0 {
		t.Errorf("a filtered table has %d stores, want 0", n)
	}
	// Grouping needs the values before, of the table behind the filter.
	if n := stores(func(t stream.Table[string, string]) {
		stream.CountTable(stream.GroupTable(stream.FilterTable(t, short, nil), swap), nil)
	}); n != 2 {
		t.Errorf("a grouped table has %d stores, want its own and the count's", n)
	}
}

func TestToTable(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		byValue := stream.SelectKey(stream.From(b, in), valueAsKey)
		stream.To(stream.ToStream(stream.ToTable(byValue, texts)), out)
	})
	p.pipe("a=x@1", "b=x@2")
	wants(p, out, "x=x@1 x=x@2")
	if got := p.Raw("app-KSTREAM-TOTABLE-0000000002-repartition"); len(got) != 2 {
		t.Errorf("%d records went through the repartition topic, want 2; topics are %q", len(got), p.Topics())
	}
}

func TestFilterTable(t *testing.T) {
	kept := stream.NewTopic("kept", serde.String, serde.String)
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		loose := stream.TableFrom(b, in, nil)
		stream.To(stream.ToStream(stream.FilterTable(loose, short, nil)), out)
		stream.To(stream.ToStream(stream.FilterTableNot(loose, short, nil)), out2)
		stream.To(stream.ToStream(stream.FilterTable(stream.TableFrom(b, in2, texts), short, nil)), kept)
	})
	records := []string{"a=1", "a=22@1", "b=22@2", "a@3"}
	p.pipe(records...)
	p.pipeTo(in2, records...)
	// Without a store nobody knows whether a key was there, so each that is not deletes.
	wants(p, out, "a=1 a@1 b@2 a@3")
	wants(p, out2, "a a=22@1 b=22@2 a@3")
	wants(p, kept, "a=1 a@1")
}

func TestMapTable(t *testing.T) {
	upper := stream.NewStore("upper", serde.String, serde.String)
	p := run(t, skipErrors, func(b *stream.Builder) {
		table := stream.TableFrom(b, in, nil)
		stream.To(stream.ToStream(stream.MapTable(table, strings.ToUpper, upper)), out)
		stream.To(stream.ToStream(stream.TryMapTable(table, func(_ context.Context, v string) (*string, error) {
			switch v {
			case "!":
				return nil, errors.New("no")
			case "none":
				return nil, nil
			}
			return &v, nil
		}, nil)), stream.NewTopic("out2", serde.String, serde.Pointer(serde.String)), stream.Named("pointers"))
		stream.ForEach(stream.ToStream(stream.MapTableWithKey(table, concat, nil)), func(k, v string) {
			if v != "" && v[:1] != k {
				t.Errorf("key %q has value %q", k, v)
			}
		})
	})
	p.pipe("a=x@1", "a=none@2", "a=!@3", "a@4")
	wants(p, out, "a=X@1 a=NONE@2 a=!@3 a@4")
	wants(p, out2, "a=x@1 a@2 a@4")
	if v, ok := streamtest.Timestamped(p.Driver, upper).Get("a"); ok {
		t.Errorf("the store still has %+v", v)
	}
}

func TestTableAggregations(t *testing.T) {
	counts := stream.NewTopic("counts", serde.String, serde.Int64)
	add := func(agg, v string) string { return agg + "+" + v }
	subtract := func(agg, v string) string { return agg + "-" + v }
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		// Rows are grouped by the first letter of the value.
		g := stream.GroupTable(stream.TableFrom(b, in, nil), func(k, v string) (string, string) { return v[:1], v[1:] })
		stream.To(stream.ToStream(stream.CountTable(g, nil)), counts)
		stream.To(stream.ToStream(stream.ReduceTable(g, add, subtract, nil)), out)
		stream.To(stream.ToStream(stream.AggregateTable(g, func() string { return "" },
			func(_, v, agg string) string { return add(agg, v) },
			func(_, v, agg string) string { return subtract(agg, v) }, nil)), out2)
	})
	p.pipe("a=x1@5", "b=x2@3", "a=x3@4", "b=y4@6", "a@7", "c@8")
	// A row that stays in its group is taken out and put in by one record; one that moves is taken out first.
	wants(p, counts, "x=1@5 x=2@5 x=2@5 x=1@6 y=1@6 x=0@7")
	wants(p, out, "x=1@5 x=1+2@5 x=1+2-1+3@5 x=1+2-1+3-2@6 y=4@6 x=1+2-1+3-2-3@7")
	wants(p, out2, "x=+1@5 x=+1+2@5 x=+1+2-1+3@5 x=+1+2-1+3-2@6 y=+4@6 x=+1+2-1+3-2-3@7")
}

// TestGroupTableLeavesOutNulls: a row whose group or value is null is in no group.
func TestGroupTableLeavesOutNulls(t *testing.T) {
	type text = record.Optional[string]
	optional := serde.Optional(serde.String)
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupTable(stream.TableFrom(b, in, nil), func(_, v string) (string, text) {
			return "all", text{Value: v, Valid: v != "none"}
		}, stream.Values(optional), stream.Named("grouped"))
		stream.To(stream.ToStream(stream.CountTable(g, total)), nums)
	})
	p.pipe("a=1", "b=none", "a=none", "b=2")
	wants(p, nums, "all=1 all=0 all=1")
	if got := p.Raw("app-grouped-repartition"); len(got) != 3 {
		t.Errorf("%d records went through the repartition topic, want 3", len(got))
	}
}
