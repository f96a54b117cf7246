package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
)

func TestLoansAreUsedAgainAndClear(t *testing.T) {
	var l loans
	if s := l.lend(0); s != nil {
		t.Errorf("for no records a slice of %d was lent", cap(s))
	}
	for _, n := range []int{1, 63, 64, 65, 1000} {
		s := l.lend(n)
		if len(s) != 0 || cap(s) < max(n, minLoan) || cap(s) > max(2*n, minLoan) {
			t.Errorf("for %d records, one of length %d with room for %d", n, len(s), cap(s))
		}
	}
	first, second := append(l.lend(100), numbered(0, 99)...), append(l.lend(10), numbered(0, 9)...)
	l.giveBack(first)
	l.giveBack(second)
	if got := l.lend(50); &got[:1][0] != &second[0] {
		t.Error("the one that came back last is not used first")
	}
	got := l.lend(120) // not only for as few as it had before
	if &got[:1][0] != &first[0] {
		t.Fatal("the one with room is not used")
	}
	wantClear(t, got)
	if other := l.lend(1); &other[:1][0] == &first[0] || &other[:1][0] == &second[0] || l.held != 0 {
		t.Errorf("one was lent twice, or %d records are held", l.held)
	}
}

// wantClear checks that a slice's room has nothing in it that points anywhere.
func wantClear(t *testing.T, s []record.Raw) {
	t.Helper()
	for i := range s[:cap(s)] {
		if !reflect.DeepEqual(s[:cap(s)][i], record.Raw{}) {
			t.Errorf("place %d of %d still holds %+v", i, cap(s), s[:cap(s)][i])
		}
	}
}

// TestLoansHoldNothingThatWasDecoded and not delivered, either: records before the position, at the end or later, and
// one that could not be read.
func TestLoansHoldNothingThatWasDecoded(t *testing.T) {
	for name, c := range map[string]*cursor{
		"all":         {limit: NoEnd},
		"before":      {limit: NoEnd, pos: 8, delivered: 8},
		"only before": {limit: NoEnd, pos: 10, delivered: 10},
		"end":         {limit: 5},
		"end at once": {limit: 1, pos: 0},
	} {
		b := batchOf(0, numbered(1, 9)...)
		b.LastOffsetDelta = 20 // the last ones were compacted away
		feed(t, c, sealed(b))
		var l loans
		for c.pending() {
			l.giveBack(c.take(4, &l).records)
		}
		if len(l.back) == 0 {
			t.Errorf("%s: nothing came back", name)
		}
		for _, s := range l.back {
			wantClear(t, s)
		}
	}
	c := &cursor{limit: NoEnd, pos: 3, delivered: 3}
	feed(t, c, lying(lies["a byte behind the headers"]))
	var l loans
	l.giveBack(c.take(0, &l).records)
	wantClear(t, l.lend(1))
}

func TestLoansHoldBoundedRoom(t *testing.T) {
	var l loans
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		l.giveBack(make([]record.Raw, r.IntN(20), 20+r.IntN(5000)))
		held := 0
		for _, s := range l.back {
			held += cap(s)
		}
		if held != l.held || held > maxHeld {
			t.Fatalf("room for %d records is held, said to be %d; the bound is %d", held, l.held, maxHeld)
		}
		if r.IntN(4) == 0 {
			l.lend(1 + r.IntN(5000))
		}
	}
	if l.held < maxHeld/2 {
		t.Errorf("room for %d records only", l.held)
	}
	held, n := l.held, len(l.back)
	l.giveBack(nil)
	l.giveBack(make([]record.Raw, 5, maxHeld+1))
	if l.held != held || len(l.back) != n {
		t.Errorf("what is too large, or nothing, was kept: room for %d records", l.held)
	}
	whole := make([]record.Raw, maxHeld)
	l.giveBack(whole)
	if len(l.back) != 1 || &l.lend(1)[:1][0] != &whole[0] {
		t.Error("the newest was given up, and not the oldest")
	}
}

// TestPolledRecordsThatWereGivenBack are used again, and all others are left alone, for good.
func TestPolledRecordsThatWereGivenBack(t *testing.T) {
	const n = 3000
	e := newFake(t)
	topic := e.topic(t, 2)
	from := map[record.TopicPartition]int64{}
	for i := range int32(2) {
		e.fill(t, tp(topic, i), 0, n)
		from[tp(topic, i)] = 0
	}
	c := e.client(t, ClientConfig{})
	c.Assign(from)
	type piece struct{ records, copied []record.Raw }
	var kept []piece
	used := map[*record.Raw]int{} // 1: not given back, 2: given back
	again, got := 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for round := 0; got < 2*n; round++ {
		fs, err := c.Poll(ctx, 40)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%d records, %v", got, err)
		}
		for _, f := range fs {
			if len(f.Records) == 0 {
				continue
			}
			got += len(f.Records)
			at := &f.Records[0]
			switch used[at] {
			case 1:
				t.Fatalf("records that were not given back are written over by offset %d", at.Offset)
			case 2:
				again++
			}
			used[at] = 1
			for i := range f.Records {
				want := fmt.Sprint("v", f.Records[0].Offset+int64(i))
				if r := f.Records[i]; string(r.Value) != want || r.TopicPartition != f.TopicPartition {
					t.Fatalf("record %d of %v has the value %q, want %q", i, f.TopicPartition, r.Value, want)
				}
			}
			if round%3 == 0 {
				kept = append(kept, piece{f.Records, slices.Clone(f.Records)})
				continue
			}
			used[at] = 2
			c.GiveBack(f.Records)
		}
	}
	for _, p := range kept {
		sameRecords(t, "records that were kept", p.copied, p.records)
	}
	if again < 40 || len(kept) < 20 {
		t.Errorf("%d slices were used again, %d kept", again, len(kept))
	}
}
