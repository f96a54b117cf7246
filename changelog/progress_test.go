package changelog_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/changelog"
)

var epoch = time.Unix(1_700_000_000, 0)

func after(d time.Duration) time.Time { return epoch.Add(d) }

// TestDoneByPosition holds the ends of changelogs that counting records gets wrong.
func TestDoneByPosition(t *testing.T) {
	for name, c := range map[string]struct {
		from, end int64
		adds      [][2]int64 // records, next
		done      []bool     // before and after each
	}{
		"empty changelog":            {0, 0, nil, []bool{true}},
		"everything deleted":         {42, 42, nil, []bool{true}},
		"already complete":           {10, 10, nil, []bool{true}},
		"plain":                      {0, 3, [][2]int64{{2, 2}, {1, 3}}, []bool{false, false, true}},
		"ends with commit marker":    {0, 4, [][2]int64{{3, 3}, {0, 4}}, []bool{false, false, true}},
		"aborted tail":               {0, 33, [][2]int64{{20, 20}, {0, 33}}, []bool{false, false, true}},
		"tail compacted away":        {0, 100, [][2]int64{{1, 5}, {0, 100}}, []bool{false, false, true}},
		"only markers":               {7, 9, [][2]int64{{0, 9}}, []bool{false, true}},
		"many records, not the last": {0, 10, [][2]int64{{50, 9}}, []bool{false, false}},
		"read past the end":          {0, 10, [][2]int64{{12, 12}}, []bool{false, true}},
		"late news of less":          {0, 10, [][2]int64{{10, 10}, {0, 3}}, []bool{false, true, true}},
	} {
		p := changelog.NewProgress(c.from, c.end, epoch)
		if p.Done() != c.done[0] {
			t.Errorf("%s: done %v at first, want %v", name, p.Done(), c.done[0])
		}
		for i, a := range c.adds {
			p.Advance(a[1], int(a[0]), after(time.Duration(i)*time.Second))
			if p.Done() != c.done[i+1] {
				t.Errorf("%s: done %v at %d, want %v", name, p.Done(), a[1], c.done[i+1])
			}
		}
	}
}

func TestProgressExtend(t *testing.T) {
	p := changelog.NewProgress(0, 5, epoch)
	p.Advance(5, 5, after(time.Second))
	p.Extend(8)
	p.Extend(2)
	if p.Done() || p.End() != 8 || p.Status(after(time.Second)).Remaining != 3 {
		t.Errorf("%+v, want not done, 3 of 8 remaining", p.Status(after(time.Second)))
	}
}

func TestProgressStatus(t *testing.T) {
	check := func(when string, got, want changelog.Status) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", when, d)
		}
	}
	p := changelog.NewProgress(1000, 101_000, epoch)
	check("at first", p.Status(epoch), changelog.Status{Start: 1000, Position: 1000, End: 101_000, Remaining: 100_000, Left: -1})

	// A compacted changelog: one record every ten offsets, 1000 offsets a second.
	for s := range 60 {
		p.Advance(p.Position()+1000, 100, after(time.Duration(s+1)*time.Second))
	}
	check("steady", p.Status(after(60*time.Second)), changelog.Status{
		Start: 1000, Position: 61_000, End: 101_000, Remaining: 40_000, Records: 6000,
		Elapsed: time.Minute, Rate: 100, Left: 40 * time.Second,
	})

	// It stalls, first without a word, then with empty news: the rate is that of the last seconds.
	if got := p.Status(after(120 * time.Second)).Rate; got > 40 {
		t.Errorf("after a minute without news the rate is %v", got)
	}
	for s := range 40 {
		p.Advance(p.Position(), 0, after(time.Duration(s+61)*time.Second))
	}
	check("stalled", p.Status(after(100*time.Second)), changelog.Status{
		Start: 1000, Position: 61_000, End: 101_000, Remaining: 40_000, Records: 6000,
		Elapsed: 100 * time.Second, Left: -1,
	})

	// Done: the figures are those of the whole restore, whenever one asks.
	p.Advance(101_000, 4000, after(200*time.Second))
	check("done", p.Status(after(time.Hour)), changelog.Status{
		Start: 1000, Position: 101_000, End: 101_000, Records: 10_000,
		Elapsed: 200 * time.Second, Rate: 50, Done: true,
	})
}

func TestProgressOfCenturies(t *testing.T) {
	p := changelog.NewProgress(0, math.MaxInt64, epoch)
	p.Advance(1, 1, after(time.Hour))
	if got := p.Status(after(time.Hour)).Left; got >= 0 {
		t.Errorf("left %v, want unknown", got)
	}
}

func ExampleProgress() {
	now := time.Unix(1_700_000_000, 0)
	p := changelog.NewProgress(0, 1000, now)
	p.Advance(250, 250, now.Add(time.Second))
	s := p.Status(now.Add(time.Second))
	fmt.Println(s.Done, s.Remaining, s.Rate, s.Left)

	// The last record is a transaction's marker: the position passes it, no record comes.
	p.Advance(1000, 749, now.Add(2*time.Second))
	fmt.Println(p.Done(), p.Status(now.Add(2*time.Second)).Records)
	// Output:
	// false 750 250 3s
	// true 999
}
