package stream_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

func suppressed(wait time.Duration, b stream.Buffer) func(*stream.Builder) {
	return func(p *stream.Builder) {
		t := stream.SuppressUntilTimeLimit(stream.TableFrom(p, in, nil), wait, b)
		stream.To(stream.ToStream(t), out)
	}
}

func TestSuppressUntilTimeLimit(t *testing.T) {
	p := run(t, streamtest.Config{}, suppressed(10*time.Millisecond, stream.Buffer{}))
	p.pipe("a=1@0", "b=2@5", "a=3@9", "c=4@10", "b@11", "d=5@15")
	wants(p, out, "a=3@9 b@11")
}

func TestSuppressEmitsEarly(t *testing.T) {
	p := run(t, streamtest.Config{}, suppressed(time.Hour, stream.Buffer{MaxRecords: 2, EmitEarly: true}))
	p.pipe("a=1@5", "b=2@3", "a=9@6", "c=4@4", "d=5@7")
	wants(p, out, "b=2@3 c=4@4")
	p = run(t, streamtest.Config{}, suppressed(time.Hour, stream.Buffer{MaxBytes: 60, EmitEarly: true}))
	p.pipe("a=1@5", "b=2@6")
	wants(p, out, "a=1@5")
}

func TestFullBufferStops(t *testing.T) {
	p := run(t, streamtest.Config{}, suppressed(time.Hour, stream.Buffer{MaxRecords: 1}))
	p.pipe("a=1@5")
	err := streamtest.Input(p.Driver, in).TryPipe(record.New("b", "2", 6))
	for _, want := range []string{"KTABLE-SUPPRESS-STATE-STORE-0000000004", "2 records", "MaxRecords is 1", "raise"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want it to say %q", err, want)
		}
	}
	wants(p, out, "")
}

func TestSuppressUntilWindowCloses(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		w := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Tumbling(10*time.Millisecond).Grace(5*time.Millisecond))
		final := stream.SuppressUntilWindowCloses(stream.CountWindows(w, nil), stream.Buffer{}, stream.Named("final"))
		text := stream.Map(stream.ToStream(final), func(k window.Key[string], n int64) (string, string) {
			return k.Key, fmt.Sprintf("[%d,%d)=%d", k.Start, k.End, n)
		})
		stream.To(text, out)
	})
	p.pipe("a=x@1", "a=x@2", "b=x@12", "a=x@9", "a=x@14", "a=x@15", "a=x@8", "c=x@40")
	wants(p, out, "a=[0,10)=3@9 a=[10,20)=2@15 b=[10,20)=1@12")
	if n := len(p.Raw("app-final-store-changelog")); n == 0 {
		t.Error("the buffer has no changelog")
	}
}

func TestSuppressMistakes(t *testing.T) {
	b := stream.New()
	versioned := stream.TableFrom(b, in, stream.NewStore("v", serde.String, serde.String).WithHistory(time.Minute))
	upper := stream.MapTable(versioned, strings.ToUpper, nil)
	stream.SuppressUntilTimeLimit(upper, -time.Second, stream.Buffer{MaxBytes: -1, EmitEarly: true}, stream.Named("s"))
	keys := window.Keys(serde.String, 10)
	windows := stream.TableFrom(b, stream.NewTopic("windows", keys, serde.String), nil)
	stream.SuppressUntilWindowCloses(windows, stream.Buffer{MaxRecords: 1, EmitEarly: true})
	stream.TableFrom(b, in2, stream.NewStore("w", serde.String, serde.String).WithHistory(0))
	_, err := b.Build()
	for _, want := range []string{
		"versioned table", "must not be negative", "MaxBytes is -1", "not a windowed aggregation", "not final", "suppress_test.go", "at least a millisecond",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

// heldBack is the slow and obvious suppression.
type heldBack struct {
	wait, observed int64
	max            int
	held           []record.Record[string, string] // Timestamp is the last update's
	since          map[string]int64
	out            []string
}

func (h *heldBack) put(r record.Record[string, string]) {
	h.observed = max(h.observed, r.Timestamp)
	if _, ok := h.since[r.Key]; !ok {
		h.since[r.Key] = r.Timestamp
		h.held = append(h.held, r)
	}
	for i := range h.held {
		if h.held[i].Key == r.Key {
			h.held[i] = r
		}
	}
	for {
		first := -1
		for i, x := range h.held {
			if first < 0 || h.since[x.Key] < h.since[h.held[first].Key] || h.since[x.Key] == h.since[h.held[first].Key] && x.Key < h.held[first].Key {
				first = i
			}
		}
		if first < 0 || h.since[h.held[first].Key] > h.observed-h.wait && len(h.held) <= h.max {
			return
		}
		x := h.held[first]
		h.out = append(h.out, fmt.Sprintf("%s=%s@%d", x.Key, x.Value, x.Timestamp))
		delete(h.since, x.Key)
		h.held = append(h.held[:first], h.held[first+1:]...)
	}
}

func TestSuppressAgainstTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 3))
		twin := &heldBack{wait: 1 + r.Int64N(40), max: 1 + r.IntN(4), observed: -1, since: map[string]int64{}}
		p := run(t, streamtest.Config{}, suppressed(time.Duration(twin.wait)*time.Millisecond, stream.Buffer{MaxRecords: int64(twin.max), EmitEarly: true}))
		for i := range 80 {
			rec := record.New(string(rune('a'+r.IntN(6))), fmt.Sprint(i), 1+max(0, int64(i*3)+r.Int64N(40)-20))
			twin.put(rec)
			streamtest.Input(p.Driver, in).PipeRecord(rec)
		}
		wants(p, out, strings.Join(twin.out, " "))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
