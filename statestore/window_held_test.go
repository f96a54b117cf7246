package statestore

import (
	"slices"
	"testing"

	"github.com/leatstream/leat/serde"
)

// heldStore opens a store on an engine; entries is the cache's limit, 0 the default.
func heldStore(t *testing.T, e Engine, entries int) *joinWindow[string, []int] {
	t.Helper()
	s, err := NewJoinWindow(Env{
		Name: "s", Engine: e, Context: fixedTime{}, CacheEntries: entries,
		Fail: func(err error) { t.Error(err) },
	}, serde.String, serde.JSON[[]int](), WindowSpec{Retention: 300, Segment: 100})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*joinWindow[string, []int])
}

type fixedTime struct{}

func (fixedTime) Timestamp() int64 { return 0 }

func newEngine(t *testing.T) (Backend, Engine) {
	t.Helper()
	b := NewMemory()
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	return b, e
}

func confirmed(t *testing.T, b Backend, s Store) {
	t.Helper()
	s.Flush()
	w := b.NewBatch()
	s.Write(w)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Written()
}

func fetched(s *joinWindow[string, []int], key string, from, to int64) (out [][]int) {
	for _, v := range s.Fetch(key, from, to) {
		out = append(out, v)
	}
	return out
}

// TestHeldValuesAreNobodyElses: what callers do to the values that they put and fetched does not show.
func TestHeldValuesAreNobodyElses(t *testing.T) {
	_, e := newEngine(t)
	s := heldStore(t, e, 0)
	v := []int{1, 2}
	s.Put("k", v, 10, nil)
	v[0] = 7
	for range 2 {
		got := fetched(s, "k", 0, 100)
		if len(got) != 1 || !slices.Equal(got[0], []int{1, 2}) {
			t.Fatalf("fetched %v, want [[1 2]]", got)
		}
		got[0][1] = 8
	}
}

// TestHeldSegmentsAreReadInAndGivenUp: after a restart the segments that are there come in when they are asked
// for, as long as there is room; the newest stay longest.
func TestHeldSegmentsAreReadInAndGivenUp(t *testing.T) {
	b, e := newEngine(t)
	s := heldStore(t, e, 0)
	for i := range 12 {
		s.Put("k", []int{i}, int64(i)*25, nil) // four in each of the segments 0, 100 and 200
	}
	confirmed(t, b, s)

	s = heldStore(t, e, 6)
	if got := len(fetched(s, "k", 100, 175)); got != 4 {
		t.Fatalf("fetched %d entries of one segment, want 4", got)
	}
	if n := s.held.entries; n != 4 {
		t.Errorf("%d entries are held, want the 4 of the segment that was asked for", n)
	}
	if got := len(fetched(s, "k", 0, 275)); got != 12 {
		t.Fatalf("fetched %d entries, want 12", got)
	}
	if n := s.held.entries; n != 4 {
		t.Errorf("%d entries are held, want 4: there is no room for another segment", n)
	}
	for i := range 3 {
		s.Put("l", []int{i}, int64(300+i), nil)
	}
	if n, list := s.held.entries, s.held.list; n != 3 || len(list) != 1 || list[0].start != 300 {
		t.Errorf("%d entries in %d segments are held, want the 3 of the newest segment", n, len(list))
	}
	// What is at 0 has expired meanwhile.
	if got := len(fetched(s, "k", 0, 400)); got != 11 {
		t.Errorf("fetched %d entries, want 11", got)
	}
	confirmed(t, b, s)
	s.Put("l", []int{4}, 700, nil)
	if n := s.held.entries; n != 1 {
		t.Errorf("%d entries are held once the others have expired, want 1", n)
	}
}
