package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/window"
)

// cached has a record cache with room for all that a test does, and commits when told.
var cached = streamtest.Config{RecordCache: 1 << 20, CommitInterval: time.Hour}

// updates writes to "out" what the changes of a table make of a table that adds each new value to a trace, and
// takes each old one out.
func updates[K comparable](t stream.Table[K, string], key func(K) string) {
	g := stream.GroupTable(t, func(k K, v string) (string, string) { return key(k), v })
	stream.To(stream.ToStream(stream.ReduceTable(g,
		func(agg, v string) string { return agg + "+" + v },
		func(agg, v string) string { return agg + "-" + v }, plain("trace"))), out)
}

func plain(name string) *stream.Store[string, string] {
	return stream.NewStore(name, serde.String, serde.String).Uncached()
}

func self(k string) string { return k }

// holding is a program whose results are read as they come.
type holding struct {
	*program
	outputs map[string]*streamtest.OutputTopic[string, string]
}

func hold(t *testing.T, cfg streamtest.Config, describe func(*stream.Builder)) *holding {
	t.Helper()
	return &holding{run(t, cfg, describe), make(map[string]*streamtest.OutputTopic[string, string])}
}

// gets compares what has been written to a topic since the last time.
func (p *holding) gets(topic stream.Topic[string, string], want string) {
	p.t.Helper()
	o := p.outputs[topic.Name()]
	if o == nil {
		o = streamtest.Output(p.Driver, topic)
		p.outputs[topic.Name()] = o
	}
	compare(p.program, topic.Name(), o, want)
}

func TestCacheHoldsBackUntilTheCommit(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.Reduce(stream.GroupByKey(stream.From(b, in)), concat, texts)), out)
	})
	p.pipe("a=1@5", "b=1@1", "a=2@3", "c=1@9", "b=2@2")
	p.gets(out, "")
	if v, _ := streamtest.Timestamped(p.Driver, texts).Get("a"); v.Value != "12" {
		t.Errorf("the store has %q for a, want what is held back", v.Value)
	}
	p.Commit()
	p.gets(out, "a=12@5 c=1@9 b=12@2") // by the last update of each
	p.Commit()
	p.gets(out, "")
	p.pipe("b=3@1")
	p.Advance(time.Hour)
	p.gets(out, "b=123@2")
	var log []string
	for _, r := range p.Raw("app-texts-changelog") {
		log = append(log, fmt.Sprintf("%s=%s@%d", r.Key, r.Value, r.Timestamp))
	}
	if got, want := strings.Join(log, " "), "a=12@5 b=12@2 c=1@9 b=123@2"; got != want {
		t.Errorf("the changelog has %s, want %s", got, want)
	}
}

// TestCacheSendsOldValuesWithoutGaps: what is taken out downstream is what was put in, not what was stored.
func TestCacheSendsOldValuesWithoutGaps(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		updates(stream.Reduce(stream.GroupByKey(stream.From(b, in)), concat, texts), self)
	})
	p.pipe("a=1", "a=2", "a=3").Commit()
	p.pipe("a=4", "a=5").Commit()
	p.gets(out, "a=123 a=123-123+12345")
}

// TestCacheSendsNoInitialAggregate: without a cache the old value of a new key is the initial aggregate.
func TestCacheSendsNoInitialAggregate(t *testing.T) {
	for _, c := range []struct {
		cfg  streamtest.Config
		want string
	}{{streamtest.Config{}, ":1:"}, {streamtest.Config{RecordCache: 1}, ":1"}} {
		p := hold(t, c.cfg, func(b *stream.Builder) {
			g := stream.GroupByKey(stream.From(b, in))
			updates(stream.Aggregate(g, func() string { return ":" }, func(_, v, agg string) string { return agg + v }, texts), self)
		})
		p.pipe("a=1")
		raw := p.Raw("app-trace-repartition")
		text := strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, string(raw[0].Value))
		if text != c.want {
			t.Errorf("with a cache of %d bytes the change has %q, want %q", c.cfg.RecordCache, text, c.want)
		}
	}
}

func TestCacheDeletions(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		table := stream.TableFrom(b, in, texts)
		stream.To(stream.ToStream(table), out)
	})
	p.pipe("new=1@1", "new@2", "never@3", "kept=1@4", "back=1@5").Commit()
	p.gets(out, "kept=1@4 back=1@5") // the others came and went, or were never there
	p.pipe("kept=2@9", "kept@6", "back@7", "back=2@8").Commit()
	p.gets(out, "kept@6 back=2@8")
}

// TestCacheIsFull: an update for which there is no room sends on those of its table, itself included.
func TestCacheIsFull(t *testing.T) {
	p := hold(t, streamtest.Config{RecordCache: 3 * 130, CommitInterval: time.Hour}, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.TableFrom(b, in, texts)), out)
		stream.To(stream.ToStream(stream.TableFrom(b, in2, plain("other"))), out2)
		stream.To(stream.ToStream(stream.Reduce(stream.GroupByKey(stream.From(b, stream.NewTopic("in3", serde.String, serde.String))), concat, nil)), nums2)
	})
	p.pipe("a=1", "b=1", "a=2", "c=1")
	p.gets(out, "")
	p.pipe("d=1")
	p.gets(out, "b=1 a=2 c=1 d=1")
	p.pipe("a=3", "b=2")
	p.pipeTo(in2, "x=1") // its table takes no part
	p.gets(out2, "x=1")
	p.pipeTo(stream.NewTopic("in3", serde.String, serde.String), "x=1", "y=1")
	p.gets(out, "")
	p.gets(nums2, "x=1 y=1") // and not the table that holds most
	p.Commit()
	p.gets(out, "a=3 b=2")
}

var nums2 = stream.NewTopic("nums2", serde.String, serde.String)

// TestCacheGrows: an aggregate that grows is measured as it does.
func TestCacheGrows(t *testing.T) {
	p := hold(t, streamtest.Config{RecordCache: 400, CommitInterval: time.Hour}, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.Reduce(stream.GroupByKey(stream.From(b, in)), concat, texts)), out)
	})
	for range 31 {
		p.pipe("a=0123456789")
	}
	p.gets(out, "")
	p.pipe("a=0123456789")
	p.gets(out, "a="+strings.Repeat("0123456789", 32))
}

// TestCacheFlushesFromAbove: a commit takes updates all the way through the tables of a task.
func TestCacheFlushesFromAbove(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		table := stream.TableFrom(b, in, texts)
		first := stream.FilterTable(table, func(_, v string) bool { return v != "no" }, stream.NewStore("first", serde.String, serde.String))
		second := stream.MapTable(first, func(v string) string { return v + "!" }, stream.NewStore("second", serde.String, serde.String))
		joined := stream.LeftJoinTables(second, table, func(l string, r *string) string { return l + "/" + *r }, stream.NewStore("joined", serde.String, serde.String))
		stream.To(stream.ToStream(joined), out)
	})
	p.pipe("a=1", "a=2", "b=1", "b=no", "c=1").Commit()
	// b was filtered before it was ever there.
	p.gets(out, "a=2!/2 c=1!/1")
	p.pipe("a=no", "a=3", "c=no").Commit()
	p.gets(out, "a=3!/3 c")
}

// TestCacheOfJoinedTables: a join sees the other table as it was sent on, or it would find neither row in the
// end, and leave its result.
func TestCacheOfJoinedTables(t *testing.T) {
	for name, join := range map[string]func(l, r stream.Table[string, string]) stream.Table[string, string]{
		"by key": func(l, r stream.Table[string, string]) stream.Table[string, string] {
			return stream.JoinTables(l, r, func(l, r string) string { return l + r }, nil)
		},
		"by foreign key": func(l, r stream.Table[string, string]) stream.Table[string, string] {
			return stream.JoinByForeignKey(l, r, func(k, _ string) (string, bool) { return k, true }, func(l, r string) string { return l + r }, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := hold(t, cached, func(b *stream.Builder) {
				l, r := stream.TableFrom(b, in, texts), stream.TableFrom(b, in2, stream.NewStore("right", serde.String, serde.String))
				stream.To(stream.ToStream(join(l, r)), out)
			})
			p.pipeTo(in2, "a=1", "b=1")
			p.pipe("a=1", "b=1").Commit()
			p.pipeTo(in2, "a")
			p.pipe("a", "b=2")
			p.pipeTo(in2, "b=2")
			p.Commit()
			got := streamtest.Map(streamtest.Output(p.Driver, out))
			if diff := cmp.Diff(map[string]string{"b": "22"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCacheIsReadThrough: joins see the latest values while the changes wait.
func TestCacheIsReadThrough(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		table := stream.TableFrom(b, in2, texts)
		mapped := stream.MapTable(table, strings.ToUpper, nil)
		stream.To(stream.JoinTable(stream.From(b, in), mapped, func(l, r string) string { return l + r }), out)
		stream.To(stream.ToStream(mapped), out2)
	})
	p.pipeTo(in2, "a=x", "a=y")
	p.pipe("a=1")
	p.gets(out, "a=1Y")
	p.gets(out2, "")
	p.Commit()
	p.gets(out2, "a=Y")
}

func TestCacheWindows(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		w := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Hopping(ms(10), ms(5)).Grace(time.Hour))
		updates(stream.ReduceWindows(w, concat, texts), windowName)
	})
	p.pipe("a=1@12", "a=2@17", "b=1@1", "a=3@11").Commit()
	p.gets(out, "a15=2@17 b0=1@1 a5=13@12 a10=123@17")
	p.pipe("a=4@13").Commit()
	p.gets(out, "a5=13-13+134@13 a10=123-123+1234@17")
}

func windowName(k window.Key[string]) string { return fmt.Sprint(k.Key, k.Start) }

// TestCacheSessions: a session that has been merged before it was sent on has never been there.
func TestCacheSessions(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		w := stream.SessionsBy(stream.GroupByKey(stream.From(b, in)), window.Session(ms(5)).Grace(time.Hour))
		updates(stream.ReduceSessions(w, concat, texts), sessionName)
	})
	p.pipe("a=1@10", "a=2@13").Commit()
	p.gets(out, "a10-13=12@13")
	p.pipe("a=3@17").Commit()
	p.gets(out, "a10-13=12-12@13 a10-17=123@17")
	p.pipe("a=4@12", "a=5@12").Commit()
	p.gets(out, "a10-17=123-123+12345@17")
}

func sessionName(k window.Key[string]) string { return fmt.Sprintf("%s%d-%d", k.Key, k.Start, k.End) }

// TestCacheOfACogroup: its streams share one table.
func TestCacheOfACogroup(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		add := func(_, v, agg string) string { return agg + v }
		g := stream.Cogroup(stream.GroupByKey(stream.From(b, in)), add)
		g = stream.AndCogroup(g, stream.GroupByKey(stream.From(b, in2)), add)
		stream.To(stream.ToStream(stream.AggregateCogroup(g, func() string { return ":" }, texts)), out)
	})
	p.pipe("a=1", "b=1")
	p.pipeTo(in2, "a=2", "c=1")
	p.pipe("a=3").Commit()
	p.gets(out, "b=:1 c=:1 a=:123")
}

// TestCacheTakesNoPart: emitting on close waits for time and not for commits, and a table with a history sends
// every version on.
func TestCacheTakesNoPart(t *testing.T) {
	cfg := cached
	cfg.EmitInterval = -1
	p := hold(t, cfg, func(b *stream.Builder) {
		w := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(ms(10)), stream.EmitOnClose())
		stream.To(stream.SelectKey(stream.ToStream(stream.ReduceWindows(w, concat, texts)), func(k window.Key[string], _ string) string {
			return windowName(k)
		}), out)
		versions := stream.NewStore("versions", serde.String, serde.String).WithHistory(time.Minute)
		stream.To(stream.ToStream(stream.TableFrom(b, in2, versions)), out2)
	})
	p.pipe("a=1@1", "a=2@2", "a=3@10")
	p.gets(out, "a0=12@2")
	p.pipeTo(in2, "a=1@1", "a=2@2")
	p.gets(out2, "a=1@1 a=2@2")
}

// TestCacheErrors: what goes wrong with an update that was held back is the fault of the record that made it.
func TestCacheErrors(t *testing.T) {
	describe := func(b *stream.Builder) {
		table := stream.TryMapTable(stream.TableFrom(b, in, texts), func(_ context.Context, v string) (string, error) {
			if v == "!" {
				return "", errors.New("no")
			}
			return v, nil
		}, nil)
		stream.To(stream.ToStream(table), out)
	}
	p := hold(t, cached, describe)
	p.pipe("a=1", "b=!@7", "a=2", "c=3")
	if err := p.TryCommit(); err == nil || !strings.Contains(err.Error(), "in[0]@1: no") {
		t.Errorf("the commit returned %v, want the error of the second record", err)
	}
	cfg := cached
	cfg.Processing = task.ErrorPolicy{Then: task.DeadLetter, DeadLetterTopic: "dead"}
	p = hold(t, cfg, describe)
	p.pipe("a=1", "b=!@7", "a=2", "c=3").Commit()
	p.gets(out, "a=2 c=3")
	letter := p.Raw("dead")[0]
	offset, _ := letter.Headers.Last(task.HeaderOffset)
	if letter.Key != nil || letter.Timestamp != 7 || string(offset) != "1" {
		t.Errorf("the dead letter is %+v", letter)
	}
	if n := p.Dropped(processor.DropProcessing); n != 1 {
		t.Errorf("dropped %d, want 1", n)
	}
	p.pipe("a=4")
	p.gets(out, "")
}

// TestCacheHeaders: an update goes on with the headers of the last record that it is of.
func TestCacheHeaders(t *testing.T) {
	p := hold(t, cached, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.Reduce(stream.GroupByKey(stream.From(b, in)), concat, texts)), out)
	})
	for _, name := range []string{"first", "last"} {
		r := record.New("a", name, 0)
		r.Headers = r.Headers.With("from", []byte(name))
		streamtest.Input(p.Driver, in).PipeRecord(r)
	}
	p.Commit()
	got := streamtest.Output(p.Driver, out).Read()
	if from, _ := got.Headers.Last("from"); string(from) != "last" {
		t.Errorf("the headers are %v", got.Headers)
	}
}
