package stream_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

func TestUnlimitedWindow(t *testing.T) {
	for name, store := range map[string]*stream.Store[string, int64]{
		"generated": nil, "on disk": total, "in memory": total.InMemory(),
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t, streamtest.Config{}, func(b *stream.Builder) {
				g := stream.GroupByKey(stream.From(b, in))
				windowsOut(stream.CountWindows(stream.WindowedBy(g, window.Unlimited(time.UnixMilli(5))), store))
			})
			// No record is late, however far time has come.
			p.pipe("a=x@4", "a=x@5", "=x@6", "a@9000000000000", "b=x@7", "a=x@8")
			wants(p, nums, "a[5,9223372036854775807]=1@5 a[5,9223372036854775807]=2@9000000000000 b[5,9223372036854775807]=1@7 a[5,9223372036854775807]=3@9000000000000")
			if early, null := p.Dropped(processor.DropBeforeStart), p.Dropped(processor.DropNullKey); early != 1 || null != 1 {
				t.Errorf("dropped %d records from before the start and %d without a key, want one each", early, null)
			}
		})
	}
}

// TestUnlimitedWindowNeverCloses: a suppressed one is never sent on.
func TestUnlimitedWindowNeverCloses(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GroupByKey(stream.From(b, in))
		windowsOut(stream.SuppressUntilWindowCloses(stream.CountWindows(stream.WindowedBy(g, window.Unlimited(time.UnixMilli(0))), nil), stream.Buffer{}))
	})
	p.pipe("a=x@4", "a=x@9000000000000")
	wants(p, nums, "")
}

func TestUnlimitedCogroup(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		length := func(_, v string, n int64) int64 { return n + int64(len(v)) }
		g := stream.Cogroup(stream.GroupByKey(stream.From(b, in)), length)
		g = stream.AndCogroup(g, stream.GroupByKey(stream.From(b, in2)), length)
		windowsOut(stream.AggregateCogroupWindows(g, window.Unlimited(time.UnixMilli(5)), zeroTotal, nil))
	})
	p.pipe("a=x@4", "a=xy@5")
	p.pipeTo(in2, "a=xyz@6")
	wants(p, nums, "a[5,9223372036854775807]=2@5 a[5,9223372036854775807]=5@6")
}

func TestUnlimitedWindowEqualsTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 6))
		start := r.Int64N(200)
		events := randomEvents(r, 30, r.Int64N(30), 12, 60)
		got := tableOf(t, events, 0, func(g stream.Grouped[string, int64]) stream.Table[window.Key[string], int64] {
			return stream.ReduceWindows(stream.WindowedBy(g, window.Unlimited(time.UnixMilli(start))), sumUp, nil)
		}, window.Keys(serde.String, math.MaxInt64))
		want := sums{}
		for _, e := range events {
			if e.at >= start {
				want.add(window.Key[string]{Key: e.key, Start: start, End: math.MaxInt64}, e.value, e.at)
			}
		}
		if d := cmp.Diff(want.texts(), got); d != "" {
			t.Fatalf("seed %d (start %d), -want +got:\n%s", seed, start, d)
		}
	}
}
