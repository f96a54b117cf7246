package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/window"
)

func windowText(k window.Key[string], v int64) (string, int64) {
	return fmt.Sprintf("%s[%d,%d]", k.Key, k.Start, k.End), v
}

// windowsOut writes a table of windows to the topic of numbers, with keys that can be read.
func windowsOut(t stream.Table[window.Key[string], int64]) {
	stream.To(stream.Map(stream.ToStream(t), windowText), nums)
}

func TestCountOfTumblingWindows(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		windowsOut(stream.CountWindows(stream.WindowedBy(g, window.Tumbling(ms(10)).Grace(ms(5))), total))
	})
	// The record at 2 comes when [0,10) has closed: 15 is its end and grace period. A null value counts.
	p.pipe("a=x@1", "b=x@9", "a=y@9", "a@14", "a=z@4", "=x@3", "a=w@15", "a=late@2")
	wants(p, nums, "a[0,10]=1@1 b[0,10]=1@9 a[0,10]=2@9 a[10,20]=1@14 a[0,10]=3@9 a[10,20]=2@15")
	if late, null := p.Dropped(processor.DropLate), p.Dropped(processor.DropNullKey); late != 1 || null != 1 {
		t.Errorf("dropped %d late records and %d without a key, want one each", late, null)
	}
}

func TestHoppingWindowsTakeALateRecordOneByOne(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		windowsOut(stream.CountWindows(stream.WindowedBy(g, window.Hopping(ms(10), ms(5))), nil))
	})
	p.pipe("a=x@12", "a=y@8")
	wants(p, nums, "a[5,15]=1@12 a[10,20]=1@12 a[5,15]=2@12")
	if late := p.Dropped(processor.DropLate); late != 1 {
		t.Errorf("dropped %d, want 1: the window [0,10) has closed", late)
	}
}

func TestSessionsMergeWithTombstones(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		sessions := stream.AggregateSessions(stream.SessionsBy(g, window.Session(ms(5)).Grace(ms(100))),
			func() string { return "" }, func(_, v, agg string) string { return agg + v }, func(_, a, b string) string { return a + b }, nil)
		stream.To(stream.SelectKey(stream.ToStream(sessions), func(k window.Key[string], _ string) string {
			return fmt.Sprintf("%s[%d,%d]", k.Key, k.Start, k.End)
		}), out)
	})
	p.pipe("a=x@10", "a=y@20", "a=z@15")
	wants(p, out, "a[10,10]=x@10 a[20,20]=y@20 a[10,10]@10 a[20,20]@20 a[10,20]=xyz@20")
}

func TestEmitOnCloseLooksOnceASecond(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		windowsOut(stream.CountWindows(stream.WindowedBy(g, window.Tumbling(ms(10)), stream.EmitOnClose()), total.Retention(ms(1000))))
	})
	p.pipe("a=x@1", "b=y@2", "a=z@12") // the first look was at 1
	wants(p, nums, "")
	p.Advance(time.Second)
	p.pipe("b=z@25")
	wants(p, nums, "a[0,10]=1@1 b[0,10]=1@2 a[10,20]=1@12")
	p.pipe("a=z@100")
	p.Advance(999 * time.Millisecond)
	p.pipe("a=z@101")
	wants(p, nums, "a[0,10]=1@1 b[0,10]=1@2 a[10,20]=1@12")
	p.Advance(time.Millisecond)
	p.pipe("a=z@102")
	wants(p, nums, "a[0,10]=1@1 b[0,10]=1@2 a[10,20]=1@12 b[20,30]=1@25")
}

// TestEmitOnCloseGoesOnAfterARestart: what has been emitted is known from the offsets' metadata.
func TestEmitOnCloseGoesOnAfterARestart(t *testing.T) {
	b := stream.New()
	g := stream.GroupByKey(stream.From(b, in))
	windowsOut(stream.CountWindows(stream.WindowedBy(g, window.Tumbling(ms(10)), stream.EmitOnClose()), total.Retention(ms(1000))))
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	backend := statestore.NewMemory()
	offset := int64(0)
	var resume task.Offset
	// life runs a task over records, commits and returns what it wrote to the topic of numbers.
	life := func(records ...string) string {
		tk, err := task.New(task.Config{Application: "app", Subtopology: top.Subtopologies[0], Persistent: backend, EmitInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		tk.Resume(0, offset, resume.Time)
		tk.ResumeTimes(resume.Times)
		for _, text := range records {
			r := parse(t, text)
			tk.Offer(0, []record.Raw{{TopicPartition: record.TopicPartition{Topic: "in"}, Offset: offset, Timestamp: r.Timestamp, Key: []byte(r.Key), Value: []byte(r.Value)}}, offset+1)
			offset++
			for tk.Step(0) {
			}
		}
		c, err := tk.Prepare()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range tk.Outputs() {
			if o.Topic == nums.Name() {
				got = append(got, string(o.Key))
			}
		}
		if err := tk.Confirm(func(int) (statestore.Position, bool) { return statestore.Position{}, false }); err != nil {
			t.Fatal(err)
		}
		resume = c.Offsets[0]
		return strings.Join(got, " ")
	}
	if got, want := life("a=x@1", "a=x@12"), "a[0,10]"; got != want {
		t.Errorf("emitted %q, want %q", got, want)
	}
	if at := resume.Times["total"]; at != 12 {
		t.Errorf("the commit says that windows were emitted until %d, want 12", at)
	}
	if got, want := life("b=x@13", "b=x@25"), "a[10,20] b[10,20]"; got != want {
		t.Errorf("after the restart emitted %q, want %q", got, want)
	}
}

func TestWindowedKeysGoToThePartitionOfTheKeyInside(t *testing.T) {
	b := stream.New()
	g := stream.GroupByKey(stream.From(b, in))
	counts := stream.CountWindows(stream.WindowedBy(g, window.Tumbling(ms(10))), nil)
	stream.To(stream.ToStream(counts), stream.NewTopic("windows", window.Keys(serde.String, 10), serde.Int64))
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	tk, err := task.New(task.Config{Application: "app", Subtopology: top.Subtopologies[0], Persistent: statestore.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	tk.Resume(0, 0, -1)
	tk.Offer(0, []record.Raw{{TopicPartition: record.TopicPartition{Topic: "in"}, Timestamp: 12, Key: []byte("k"), Value: []byte("v")}}, 1)
	tk.Step(0)
	got := tk.Outputs()[0]
	if string(got.Key) != "k\x00\x00\x00\x00\x00\x00\x00\x0a" || string(got.PartitionKey) != "k" || got.Partition != -1 {
		t.Errorf("key %q, partition %d, partition key %q", got.Key, got.Partition, got.PartitionKey)
	}
}

func TestMistakesWithWindows(t *testing.T) {
	for name, c := range map[string]struct {
		describe func(g stream.Grouped[string, string])
		want     []string
	}{
		"no size":      {func(g stream.Grouped[string, string]) { stream.WindowedBy(g, window.Tumbling(0)) }, []string{`windows of the stream "KSTREAM-SOURCE-0000000000": window size 0s: must be at least a millisecond`}},
		"long advance": {func(g stream.Grouped[string, string]) { stream.WindowedBy(g, window.Hopping(ms(1), ms(2))) }, []string{"advance 2ms: is above the window size 1ms"}},
		"no gap":       {func(g stream.Grouped[string, string]) { stream.SessionsBy(g, window.Session(-1)) }, []string{"session gap -1ns: must be at least a millisecond"}},
		"retention": {func(g stream.Grouped[string, string]) {
			stream.CountWindows(stream.WindowedBy(g, window.Tumbling(ms(10)).Grace(ms(5))), total.Retention(ms(14)))
		}, []string{`store "total" of node "KSTREAM-AGGREGATE-0000000001" retains windows for 14ms, but their size and grace period need at least 15 ms`}},
		"retention of sliding windows": {func(g stream.Grouped[string, string]) {
			stream.CountWindows(stream.WindowedBy(g, window.Sliding(ms(10))), total.Retention(ms(19)))
		}, []string{"need at least 20 ms"}},
		"history": {func(g stream.Grouped[string, string]) {
			stream.CountSessions(stream.SessionsBy(g, window.Session(ms(10))), total.WithHistory(time.Hour))
		}, []string{"leave out WithHistory"}},
		"all together": {func(g stream.Grouped[string, string]) {
			stream.ReduceWindows(stream.WindowedBy(g, window.Tumbling(0)), nil, texts)
		}, []string{"window size 0s", "advance 0s", `node "KSTREAM-REDUCE-0000000001" has no functions to make and change an aggregate`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.New()
			c.describe(stream.GroupByKey(stream.From(b, in)))
			_, err := b.Build()
			if err == nil {
				t.Fatal("Build returned no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "stream/windowed_test.go:") {
					t.Errorf("error %q does not say %q with file and line", err, want)
				}
			}
		})
	}
}

// benchmarkWindows runs an aggregation of 1,000 keys through a task, with a commit every 10,000 records.
func benchmarkWindows(b *testing.B, describe func(stream.Grouped[int64, int64])) {
	numbers := stream.NewTopic("numbers", serde.Int64, serde.Int64)
	p := stream.New()
	describe(stream.GroupByKey(stream.From(p, numbers)))
	top, err := p.Build()
	if err != nil {
		b.Fatal(err)
	}
	tk, err := task.New(task.Config{Application: "app", Subtopology: top.Subtopologies[0], Persistent: statestore.NewMemory()})
	if err != nil {
		b.Fatal(err)
	}
	tk.Resume(0, 0, -1)
	raw := make([]record.Raw, 1)
	raw[0].Topic = numbers.Name()
	raw[0].Value, _ = serde.Int64.Append(nil, 1)
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i], _ = serde.Int64.Append(nil, int64(i))
	}
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		raw[0].Offset, raw[0].Timestamp, raw[0].Key = n, 1_000_000+n, keys[n*7919%1000]
		tk.Offer(0, raw, n+1)
		tk.Step(0)
		tk.Outputs()
		if n++; n%10_000 == 0 {
			if _, err := tk.Prepare(); err != nil {
				b.Fatal(err)
			}
			tk.Outputs()
			if err := tk.Confirm(func(int) (statestore.Position, bool) { return statestore.Position{}, false }); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkTumbling(b *testing.B) {
	benchmarkWindows(b, func(g stream.Grouped[int64, int64]) {
		stream.CountWindows(stream.WindowedBy(g, window.Tumbling(10*time.Second)), nil)
	})
}

func BenchmarkHopping(b *testing.B) {
	benchmarkWindows(b, func(g stream.Grouped[int64, int64]) {
		stream.CountWindows(stream.WindowedBy(g, window.Hopping(10*time.Second, 2*time.Second)), nil)
	})
}

func BenchmarkSliding(b *testing.B) {
	benchmarkWindows(b, func(g stream.Grouped[int64, int64]) {
		stream.CountWindows(stream.WindowedBy(g, window.Sliding(5*time.Second)), nil)
	})
}

func BenchmarkSession(b *testing.B) {
	benchmarkWindows(b, func(g stream.Grouped[int64, int64]) {
		stream.CountSessions(stream.SessionsBy(g, window.Session(5*time.Second)), nil)
	})
}
