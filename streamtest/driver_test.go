package streamtest_test

import (
	"errors"
	"fmt"
	"strconv"
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
	"github.com/leatstream/leat/topology"
)

var (
	lines = stream.NewTopic("lines", serde.String, serde.String)
	words = stream.NewTopic("words", serde.String, serde.String)
	seen  = stream.NewStore("seen", serde.String, serde.Int64)
)

func built(tb testing.TB, b *stream.Builder) *topology.Topology {
	tb.Helper()
	top, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return top
}

func ExampleDriver() {
	b := stream.New()
	shouted := stream.MapValues(stream.From(b, lines), strings.ToUpper)
	stream.To(shouted, words)
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}

	d, err := streamtest.Open(topology, streamtest.Config{}) // in a test: streamtest.New(t, …)
	if err != nil {
		fmt.Println(err)
		return
	}
	in, out := streamtest.Input(d, lines), streamtest.Output(d, words)
	in.Pipe("a", "to be", 1000)
	r := out.Read()
	fmt.Println(r.Key, r.Value, r.Timestamp)
	// Output: a TO BE 1000
}

func ExampleTimestamped() {
	b := stream.New()
	counts := stream.NewStore("counts", serde.String, serde.Int64)
	stream.Count(stream.GroupByKey(stream.From(b, lines)), counts)
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.Open(topology, streamtest.Config{Application: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := streamtest.Input(d, lines)
	in.Pipe("tea", "1 cup", 1000)
	in.Pipe("tea", "2 cups", 3000)
	in.Pipe("milk", "a drop", 2000)
	for key, count := range streamtest.Timestamped(d, counts).All() {
		fmt.Println(key, count.Value, count.Timestamp)
	}
	fmt.Println(d.Topics())
	// Output:
	// milk 1 2000
	// tea 2 3000
	// [shop-counts-changelog]
}

func ExampleDriver_Commit() {
	b := stream.New()
	counted := stream.NewTopic("counted", serde.String, serde.Int64)
	stream.To(stream.ToStream(stream.Count(stream.GroupByKey(stream.From(b, lines)), nil)), counted)
	top, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.Open(top, streamtest.Config{RecordCache: 1 << 20, CommitInterval: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	in, out := streamtest.Input(d, lines), streamtest.Output(d, counted)
	for range 3 {
		in.Pipe("a", "line")
	}
	fmt.Println("held back:", out.Len() == 0)
	d.Commit()
	fmt.Println("sent on:", out.Read().Value)
	// Output:
	// held back: true
	// sent on: 3
}

func ExampleDriver_Advance() {
	b := stream.New()
	supplier := func() processor.Processor[string, string, string, string] {
		return &counter{kind: processor.WallClockTime}
	}
	stream.To(stream.Process(stream.From(b, lines), supplier, stream.Uses(seen)), words)
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.Open(topology, streamtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	streamtest.Input(d, lines).Pipe("tea", "1 cup")
	d.Advance(time.Minute) // fires the punctuator of every second once
	for _, r := range streamtest.Output(d, words).ReadAll() {
		fmt.Println(r.Key, r.Value, r.Timestamp)
	}
	// Output: keys 1 60000
}

// counter counts the records of each key, and says every second how many keys there are.
type counter struct {
	ctx   *processor.Context[string, string]
	store interface {
		Get(string) (int64, bool)
		Put(string, int64)
	}
	kind processor.PunctuationKind
}

func (c *counter) Init(ctx *processor.Context[string, string]) error {
	c.ctx = ctx
	s, err := seen.KeyValue(ctx)
	c.store = s
	ctx.Schedule(time.Second, c.kind, func(now int64) error {
		n := 0
		for range s.All() {
			n++
		}
		ctx.Forward(record.New("keys", strconv.Itoa(n), now))
		return nil
	})
	return err
}

func (c *counter) Process(r record.Record[string, string]) error {
	n, _ := c.store.Get(r.Key)
	c.store.Put(r.Key, n+1)
	return nil
}

func (c *counter) Close() error { return nil }

func counting(tb testing.TB, kind processor.PunctuationKind, cfg streamtest.Config) *streamtest.Driver {
	tb.Helper()
	b := stream.New()
	supplier := func() processor.Processor[string, string, string, string] { return &counter{kind: kind} }
	stream.To(stream.Process(stream.From(b, lines), supplier, stream.Uses(seen)), words)
	return streamtest.New(tb, built(tb, b), cfg)
}

func TestStoreAndChangelog(t *testing.T) {
	d := counting(t, processor.WallClockTime, streamtest.Config{Application: "shop"})
	in := streamtest.Input(d, lines)
	in.Pipe("a", "x", 10)
	in.Pipe("b", "x", 20)
	in.Pipe("a", "x", 15)
	if n, ok := streamtest.KeyValue(d, seen).Get("a"); n != 2 || !ok {
		t.Errorf("the store has %d, %v for a, want 2", n, ok)
	}
	var got []string
	for _, r := range d.Raw("shop-seen-changelog") {
		got = append(got, fmt.Sprintf("%d %s=%d@%d", r.Offset, r.Key, r.Value[7], r.Timestamp))
	}
	if diff := cmp.Diff([]string{"0 a=1@10", "1 b=1@20", "2 a=2@15"}, got); diff != "" {
		t.Errorf("changelog: %s", diff)
	}
	if d.StreamTime(0) != 20 {
		t.Errorf("stream time is %d, want 20", d.StreamTime(0))
	}
}

func TestWallClockPunctuatorsFireOnceWithTheNewTime(t *testing.T) {
	d := counting(t, processor.WallClockTime, streamtest.Config{WallClock: time.UnixMilli(5000)})
	in, out := streamtest.Input(d, lines), streamtest.Output(d, words)
	in.Pipe("a", "x") // the wall clock is its timestamp
	if out.Len() != 0 || d.StreamTime(0) != 5000 {
		t.Errorf("%d outputs, stream time %d before the clock moves", out.Len(), d.StreamTime(0))
	}
	d.Advance(999 * time.Millisecond)
	if out.Len() != 0 {
		t.Error("it fired before the interval was over")
	}
	d.Advance(3500 * time.Millisecond)
	if diff := cmp.Diff([]record.Record[string, string]{record.New("keys", "1", 9499)}, out.ReadAll()); diff != "" {
		t.Errorf("after several intervals: %s", diff)
	}
	d.Advance(501 * time.Millisecond)
	if r := out.Read(); r.Timestamp != 10000 {
		t.Errorf("it lost its phase: fired at %d, want 10000", r.Timestamp)
	}
}

func TestStreamTimePunctuatorsFollowRecords(t *testing.T) {
	d := counting(t, processor.StreamTime, streamtest.Config{})
	in, out := streamtest.Input(d, lines), streamtest.Output(d, words)
	d.Advance(time.Hour)
	for _, at := range []int64{100, 900, 1200, 50} {
		in.Pipe("a", "x", at)
	}
	want := []record.Record[string, string]{record.New("keys", "1", 100), record.New("keys", "1", 1200)}
	if diff := cmp.Diff(want, out.ReadAll()); diff != "" {
		t.Errorf("punctuations: %s", diff)
	}
}

func TestRepartitionTopicIsProcessedAndReadable(t *testing.T) {
	b := stream.New()
	byValue := stream.SelectKey(stream.From(b, lines), func(_, v string) string { return v })
	stream.To(stream.Repartition(byValue, stream.Named("by-value")), words)
	d := streamtest.New(t, built(t, b), streamtest.Config{})
	in, out := streamtest.Input(d, lines), streamtest.Output(d, words)
	in.Pipe("k", "v", 7)
	if r := out.Read(); r.Key != "v" || r.Value != "v" || r.Timestamp != 7 {
		t.Errorf("read %+v", r)
	}
	if diff := cmp.Diff([]string{"app-by-value-repartition", "words"}, d.Topics()); diff != "" {
		t.Errorf("topics: %s", diff)
	}
	if raw := d.Raw("app-by-value-repartition"); len(raw) != 1 || string(raw[0].Key) != "v" {
		t.Errorf("repartition topic: %v", raw)
	}
	if r, err := out.TryRead(); !errors.Is(err, streamtest.ErrNoRecord) {
		t.Errorf("read %+v, %v from the end", r, err)
	}
}

// A topic that the topology writes and reads goes round until nothing is left.
func TestLoop(t *testing.T) {
	b := stream.New()
	shorter := stream.MapValues(stream.From(b, lines), func(v string) string { return v[1:] })
	stream.To(stream.Filter(shorter, func(_, v string) bool { return v != "" }), lines)
	d := streamtest.New(t, built(t, b), streamtest.Config{})
	streamtest.Input(d, lines).Pipe("k", "abcd", 7)
	if got := streamtest.Map(streamtest.Output(d, lines)); got["k"] != "d" {
		t.Errorf("last value is %q, want d", got["k"])
	}
	if n := len(d.Raw("lines")); n != 3 {
		t.Errorf("%d records went round, want 3", n)
	}
}

func failing(tb testing.TB) *topology.Topology {
	tb.Helper()
	b := stream.New()
	checked := stream.MapValues(stream.From(b, lines), func(v string) string {
		if v == "bad" {
			panic("it is bad")
		}
		return v
	}, stream.Named("check"))
	stream.To(checked, words)
	return built(tb, b)
}

func TestFailureNamesTheRecordAndStays(t *testing.T) {
	d, err := streamtest.Open(failing(t), streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	in := streamtest.Input(d, lines)
	in.Pipe("a", "good", 1)
	err = in.TryPipe(record.New("a", "bad", 2))
	if err == nil {
		t.Fatal("a panic went unnoticed")
	}
	for _, want := range []string{`"check"`, "lines[0]@1", "it is bad"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
	if again := in.TryPipe(record.New("a", "good", 3)); !errors.Is(again, err) {
		t.Errorf("after the failure: %v", again)
	}
	if n := len(d.Raw("words")); n != 1 {
		t.Errorf("%d records came out, want 1", n)
	}
}

func TestSkippedRecordsAreCounted(t *testing.T) {
	d := streamtest.New(t, failing(t), streamtest.Config{Processing: task.ErrorPolicy{Then: task.Skip}})
	in := streamtest.Input(d, lines)
	in.Pipe("a", "bad", 1)
	in.Pipe("a", "good", 2)
	if n := d.Dropped(processor.DropProcessing); n != 1 {
		t.Errorf("%d records dropped, want 1", n)
	}
	if r := streamtest.Output(d, words).Read(); r.Value != "good" {
		t.Errorf("read %+v", r)
	}
}

// broken is a test that is expected to fail.
type broken struct {
	testing.TB
	why string
}

func (b *broken) Helper()        {}
func (b *broken) Cleanup(func()) {}
func (b *broken) Fatalf(format string, args ...any) {
	b.why = fmt.Sprintf(format, args...)
	panic(b)
}

// fails returns the message that f fails the test with.
func (b *broken) fails(f func()) (why string) {
	defer func() {
		if p := recover(); p != nil && p != any(b) {
			panic(p)
		}
		why = b.why
	}()
	f()
	return b.why
}

func TestMistakesFailTheTest(t *testing.T) {
	for name, c := range map[string]struct {
		want string
		do   func(d *streamtest.Driver)
	}{
		"failing topology":  {"it is bad", func(d *streamtest.Driver) { streamtest.Input(d, lines).Pipe("a", "bad", 1) }},
		"unread topic":      {`no source reads it; the topology reads "lines"`, func(d *streamtest.Driver) { streamtest.Input(d, words) }},
		"nothing to read":   {`read topic "words": there is no further record`, func(d *streamtest.Driver) { streamtest.Output(d, words).Read() }},
		"no store":          {`get store "seen": the topology has none`, func(d *streamtest.Driver) { streamtest.KeyValue(d, seen) }},
		"unreadable record": {"deserialize the value", func(d *streamtest.Driver) { readAsInt(d) }},
	} {
		b := &broken{}
		d := streamtest.New(b, failing(t), streamtest.Config{})
		if why := b.fails(func() { c.do(d) }); !strings.Contains(why, c.want) {
			t.Errorf("%s: failed with %q, want %q in it", name, why, c.want)
		}
	}
}

func readAsInt(d *streamtest.Driver) {
	streamtest.Input(d, lines).Pipe("a", "abc", 1)
	streamtest.Output(d, stream.NewTopic("words", serde.String, serde.Int64)).ReadAll()
}

func TestRecordsWithInvalidTimestampsAreCountedOnce(t *testing.T) {
	b := stream.New()
	stream.To(stream.From(b, lines, stream.InvalidTimestamp(topology.SkipInvalidTimestamp)), words)
	d := streamtest.New(t, built(t, b), streamtest.Config{})
	in := streamtest.Input(d, lines)
	in.Pipe("a", "x", -5)
	in.Pipe("a", "y", 5)
	if n := d.Dropped(processor.DropInvalidTimestamp); n != 1 {
		t.Errorf("%d records dropped, want 1", n)
	}
	if got := streamtest.Output(d, words).ReadAll(); len(got) != 1 || got[0].Value != "y" {
		t.Errorf("read %v", got)
	}
}

func TestNullsComeAndGo(t *testing.T) {
	b := stream.New()
	stream.To(stream.From(b, lines), words)
	d := streamtest.New(t, built(t, b), streamtest.Config{})
	in, out := streamtest.Input(d, lines), streamtest.Output(d, words)
	in.PipeRecord(record.Record[string, string]{Timestamp: 1, Null: record.NullKey, Headers: record.Headers{{Key: "h", Value: []byte("x")}}})
	in.PipeNull("a", 2)
	in.Pipe("", "", 3)
	want := []record.Record[string, string]{
		{Timestamp: 1, Null: record.NullKey, Headers: record.Headers{{Key: "h", Value: []byte("x")}}},
		record.Tombstone[string, string]("a", 2),
		record.New("", "", 3),
	}
	if diff := cmp.Diff(want, out.ReadAll()); diff != "" {
		t.Errorf("records: %s", diff)
	}
}

// TestCommitInterval: between commits a table in the record cache keeps its updates; what has no part in it goes on.
func TestCommitInterval(t *testing.T) {
	b := stream.New()
	plain, counted := stream.NewTopic("plain", serde.String, serde.String), stream.NewTopic("counted", serde.String, serde.Int64)
	in := stream.From(b, lines)
	stream.To(in, plain)
	words := stream.GroupBy(in, func(_, v string) string { return v })
	counts := stream.NewStore("counts", serde.String, serde.Int64)
	stream.To(stream.ToStream(stream.Count(words, counts)), counted)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, top, streamtest.Config{RecordCache: 1 << 20, CommitInterval: time.Second})
	input := streamtest.Input(d, lines)
	has := func(plain, counted, changes int) {
		t.Helper()
		if p, c, l := len(d.Raw("plain")), len(d.Raw("counted")), len(d.Raw("app-counts-changelog")); p != plain || c != counted || l != changes {
			t.Errorf("there are %d records, %d counts and %d change records; want %d, %d and %d", p, c, l, plain, counted, changes)
		}
	}
	for range 3 {
		input.Pipe("", "a")
	}
	d.Advance(time.Second - time.Millisecond)
	has(3, 0, 0)
	d.Advance(time.Millisecond)
	has(3, 1, 1)
	input.Pipe("", "b")
	d.Advance(time.Second - time.Millisecond)
	has(4, 1, 1)
	if n, _ := streamtest.Timestamped(d, counts).Get("b"); n.Value != 1 {
		t.Errorf("the store has %d for b, want 1", n.Value)
	}
	d.Commit()
	has(4, 2, 2)
}
