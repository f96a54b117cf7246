package stream_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// event is a record of a twin test. Its value is a bit of its own, so that a sum says which records it is of.
type event struct {
	key       string
	value, at int64
}

// randomEvents come more or less in order of time.
func randomEvents(r *rand.Rand, n int, from, step, jitter int64) []event {
	var all []event
	at := from
	for i := range n {
		at += r.Int64N(step)
		all = append(all, event{string(rune('a' + r.IntN(3))), 1 << i, max(0, at-r.Int64N(jitter+1))})
	}
	return all
}

var bits = stream.NewTopic("bits", serde.String, serde.Int64)

// tableOf runs a program on events and returns what its table of windows ends up as: value and time of each.
func tableOf(t *testing.T, events []event, size int64, describe func(g stream.Grouped[string, int64]) stream.Table[window.Key[string], int64], keys serde.Serde[window.Key[string]]) map[window.Key[string]]string {
	t.Helper()
	b := stream.New()
	sums := stream.NewTopic("sums", keys, serde.Int64)
	stream.To(stream.ToStream(describe(stream.GroupByKey(stream.From(b, bits)))), sums)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.Open(top, streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	input := streamtest.Input(d, bits)
	for _, e := range events {
		input.Pipe(e.key, e.value, e.at)
	}
	got := map[window.Key[string]]string{}
	for _, r := range streamtest.Output(d, sums).ReadAll() {
		if r.Null.Value() {
			delete(got, r.Key)
		} else {
			got[r.Key] = fmt.Sprintf("%b@%d", r.Value, r.Timestamp)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func sumUp(a, b int64) int64 { return a + b }

// sums collects the twins' results.
type sums map[window.Key[string]]struct{ value, at int64 }

func (s sums) add(k window.Key[string], value, at int64) {
	x := s[k]
	x.value, x.at = x.value+value, max(x.at, at)
	s[k] = x
}

func (s sums) texts() map[window.Key[string]]string {
	out := map[window.Key[string]]string{}
	for k, x := range s {
		out[k] = fmt.Sprintf("%b@%d", x.value, x.at)
	}
	return out
}

const twinSeeds = 1000

func TestAlignedWindowsEqualTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 3))
		advance := 1 + r.Int64N(20)
		size, grace := advance+r.Int64N(40), r.Int64N(40)
		events := randomEvents(r, 30, r.Int64N(30), 12, 60)
		w := window.Hopping(ms(size), ms(advance)).Grace(ms(grace))
		got := tableOf(t, events, size, func(g stream.Grouped[string, int64]) stream.Table[window.Key[string], int64] {
			return stream.ReduceWindows(stream.WindowedBy(g, w), sumUp, nil)
		}, window.Keys(serde.String, size))
		want, highest := sums{}, int64(-1)
		for _, e := range events {
			highest = max(highest, e.at)
			for start := int64(0); start <= e.at; start += advance {
				if e.at < start+size && start+size > highest-grace {
					want.add(window.Key[string]{Key: e.key, Start: start, End: start + size}, e.value, e.at)
				}
			}
		}
		if d := cmp.Diff(want.texts(), got); d != "" {
			t.Fatalf("seed %d (size %d, advance %d, grace %d), -want +got:\n%s", seed, size, advance, grace, d)
		}
	}
}

// TestSlidingWindowsEqualTwin has no late records: which windows there are follows from the records alone.
func TestSlidingWindowsEqualTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 4))
		size := 1 + r.Int64N(40)
		events := randomEvents(r, 30, r.Int64N(50), 12, 60)
		w := window.Sliding(ms(size)).Grace(time.Hour)
		got := tableOf(t, events, size, func(g stream.Grouped[string, int64]) stream.Table[window.Key[string], int64] {
			return stream.ReduceWindows(stream.WindowedBy(g, w), sumUp, nil)
		}, window.Keys(serde.String, size))
		starts := map[window.Key[string]]bool{}
		for _, e := range events {
			for _, start := range []int64{max(0, e.at-size), e.at + 1} {
				starts[window.Key[string]{Key: e.key, Start: start, End: start + size}] = true
			}
		}
		want := sums{}
		for k := range starts {
			for _, e := range events {
				if e.key == k.Key && k.Start <= e.at && e.at <= k.End {
					want.add(k, e.value, e.at)
				}
			}
		}
		if d := cmp.Diff(want.texts(), got); d != "" {
			t.Fatalf("seed %d (difference %d), -want +got:\n%s", seed, size, d)
		}
	}
}

func TestSessionsEqualTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 5))
		gap, grace := 1+r.Int64N(20), r.Int64N(40)
		events := randomEvents(r, 30, r.Int64N(30), 20, 80)
		w := window.Session(ms(gap)).Grace(ms(grace))
		got := tableOf(t, events, 0, func(g stream.Grouped[string, int64]) stream.Table[window.Key[string], int64] {
			return stream.ReduceSessions(stream.SessionsBy(g, w), sumUp, nil)
		}, window.SessionKeys(serde.String))
		if d := cmp.Diff(sessionTwin(events, gap, grace), got); d != "" {
			t.Fatalf("seed %d (gap %d, grace %d), -want +got:\n%s", seed, gap, grace, d)
		}
	}
}

// sessionTwin keeps every session ever made, and which of them have expired.
func sessionTwin(events []event, gap, grace int64) map[window.Key[string]]string {
	all := map[window.Key[string]]int64{}
	expired := map[window.Key[string]]bool{}
	highest, latestEnd := int64(-1), int64(-1)
	for _, e := range events {
		highest = max(highest, e.at)
		whole, value := window.Key[string]{Key: e.key, Start: e.at, End: e.at}, e.value
		var joined []window.Key[string]
		for _, k := range slices.Collect(maps.Keys(all)) {
			if k.Key == e.key && !expired[k] && k.End >= e.at-gap && k.Start <= e.at+gap {
				joined = append(joined, k)
				whole.Start, whole.End = min(whole.Start, k.Start), max(whole.End, k.End)
				value += all[k]
			}
		}
		if whole.End < highest-grace-gap {
			continue
		}
		for _, k := range joined {
			delete(all, k)
		}
		all[whole] = value
		delete(expired, whole)
		latestEnd = max(latestEnd, whole.End)
		for k := range all {
			if k.End <= latestEnd-gap-grace {
				expired[k] = true
			}
		}
	}
	out := map[window.Key[string]]string{}
	for k, v := range all {
		out[k] = fmt.Sprintf("%b@%d", v, k.End)
	}
	return out
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
