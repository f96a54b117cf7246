// Package storetest is the conformance suite that every [statestore.Backend] passes. An engine of one's own
// is tested by
//
//	func TestBackend(t *testing.T) {
//		storetest.Backend(t, func(t *testing.T) storetest.Instance { … })
//	}
package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/leatstream/leat/statestore"
)

// Instance is what one instance of an application has: a backend for each of its tasks.
type Instance struct {
	// Task returns the backend of a task such as "0_3", with what is in it. It is called once for a task,
	// and once more after each Reopen.
	Task func(task string) statestore.Backend
	// Reopen closes everything in good order and opens it again, as a restart of the instance does. Nil says
	// that the backend holds nothing beyond its life.
	Reopen func()
}

// Backend runs the suite. It calls open for a new, empty instance at the beginning of each test, and does not
// close what it opened: open leaves that to t.Cleanup.
func Backend(t *testing.T, open func(t *testing.T) Instance) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Instance)
	}{
		{"get set delete", getSetDelete},
		{"order and bounds", orderAndBounds},
		{"batch", batches},
		{"delete range", deleteRange},
		{"positions", positions},
		{"stores and tasks side by side", sideBySide},
		{"drop", drop},
		{"byte slices", byteSlices},
		{"misuse", misuse},
		{"reopen", reopen},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("random/%d", seed), func(t *testing.T) { random(t, open(t), seed) })
	}
}

func engine(t *testing.T, b statestore.Backend, store string) statestore.Engine {
	t.Helper()
	e, err := b.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// write commits one batch.
func write(t *testing.T, b statestore.Backend, fill func(statestore.Batch)) {
	t.Helper()
	batch := b.NewBatch()
	fill(batch)
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
}

// want fails unless the engine's value of key is value; nil means absent.
func want(t *testing.T, e statestore.Engine, key string, value []byte) {
	t.Helper()
	got, ok, err := e.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if ok != (value != nil) || !bytes.Equal(got, value) {
		t.Fatalf("get %q: %q, %v, want %q", key, got, ok, value)
	}
}

// list returns the entries in [from, to) as texts.
func list(t *testing.T, e statestore.Engine, from, to []byte, reverse bool) []string {
	t.Helper()
	it := e.Iterate(from, to, reverse)
	var out []string
	for it.Next() {
		out = append(out, fmt.Sprintf("%q=%q", it.Key(), it.Value()))
	}
	if it.Next() {
		t.Fatal("an iterator goes on after its end")
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

func wantAll(t *testing.T, e statestore.Engine, entries ...string) {
	t.Helper()
	if got := list(t, e, nil, nil, false); !slices.Equal(got, entries) {
		t.Fatalf("got %v, want %v", got, entries)
	}
	slices.Reverse(entries)
	if got := list(t, e, nil, nil, true); !slices.Equal(got, entries) {
		t.Fatalf("in reverse: got %v, want %v", got, entries)
	}
}

func getSetDelete(t *testing.T, in Instance) {
	b := in.Task("0_0")
	e := engine(t, b, "s")
	want(t, e, "a", nil)
	wantAll(t, e)
	write(t, b, func(w statestore.Batch) {
		w.Set(e, []byte("a"), []byte("1"))
		w.Set(e, []byte(""), []byte("of the empty key"))
		w.Set(e, []byte("empty"), []byte{})
		w.Set(e, []byte("nil"), nil)
		w.Delete(e, []byte("absent"))
	})
	want(t, e, "a", []byte("1"))
	want(t, e, "", []byte("of the empty key"))
	want(t, e, "empty", []byte{})
	want(t, e, "nil", []byte{})
	want(t, e, "aa", nil)
	wantAll(t, e, `""="of the empty key"`, `"a"="1"`, `"empty"=""`, `"nil"=""`)
	big := bytes.Repeat([]byte("x"), 1<<20)
	write(t, b, func(w statestore.Batch) {
		w.Set(e, []byte("a"), []byte("22"))
		w.Set(e, []byte("big"), big)
		w.Delete(e, []byte(""))
		w.Delete(e, []byte("empty"))
	})
	want(t, e, "a", []byte("22"))
	want(t, e, "big", big)
	want(t, e, "", nil)
	want(t, e, "empty", nil)
	if s := e.Stats(); s.Keys != 3 && s.Keys != -1 {
		t.Fatalf("stats count %d keys of 3", s.Keys)
	}
}

// edges are keys among which mistakes with bounds and prefixes show.
var edges = []string{
	"", "\x00", "\x00\x00", "\x00\xff", "\x01", "a", "a\x00", "aa", "a\xff", "a\xff\xff", "b", "\xfe\xff\xff",
	"\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
}

func orderAndBounds(t *testing.T, in Instance) {
	b := in.Task("0_0")
	below, e, above := engine(t, b, "below"), engine(t, b, "middle"), engine(t, b, "store above")
	write(t, b, func(w statestore.Batch) {
		for _, i := range []int{3, 7, 0, 15, 12, 4, 1, 11, 9, 5, 2, 8, 13, 6, 14, 10} {
			for _, e := range []statestore.Engine{below, e, above} {
				w.Set(e, []byte(edges[i]), fmt.Append(nil, i))
			}
		}
	})
	bounds := [][]byte{nil}
	for _, k := range edges {
		bounds = append(bounds, []byte(k))
	}
	bounds = append(bounds, []byte("0"), []byte("\xff\xfe"))
	for _, from := range bounds {
		for _, to := range bounds {
			var entries []string
			for i, k := range edges {
				if (from == nil || k >= string(from)) && (to == nil || k < string(to)) {
					entries = append(entries, fmt.Sprintf("%q=\"%d\"", k, i))
				}
			}
			if got := list(t, e, from, to, false); !slices.Equal(got, entries) {
				t.Fatalf("[%q, %q): got %v, want %v", from, to, got, entries)
			}
			slices.Reverse(entries)
			if got := list(t, e, from, to, true); !slices.Equal(got, entries) {
				t.Fatalf("[%q, %q) in reverse: got %v, want %v", from, to, got, entries)
			}
		}
	}
}

func batches(t *testing.T, in Instance) {
	b := in.Task("0_0")
	e, other := engine(t, b, "s"), engine(t, b, "other")
	w := b.NewBatch()
	empty := w.Size()
	w.Set(e, []byte("a"), []byte("1"))
	w.Set(other, []byte("a"), []byte("of other"))
	w.Set(e, []byte("a"), []byte("2"))
	w.Set(e, []byte("b"), []byte("1"))
	w.Delete(e, []byte("b"))
	w.Delete(e, []byte("c"))
	w.Set(e, []byte("c"), []byte("1"))
	w.Set(e, []byte("d"), []byte("1"))
	w.DeleteRange(e, []byte("d"), []byte("f"))
	w.Set(e, []byte("e"), []byte("after the range"))
	w.SetPosition("s", statestore.Position{Next: 1})
	w.SetPosition("s", statestore.Position{Next: 2})
	if w.Size() <= empty {
		t.Fatalf("size is %d after ten writes, %d before", w.Size(), empty)
	}
	wantAll(t, e)
	if _, ok, err := b.Position("s"); ok || err != nil {
		t.Fatalf("there is a position before the commit (%v)", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, e, `"a"="2"`, `"c"="1"`, `"e"="after the range"`)
	wantAll(t, other, `"a"="of other"`)
	if p, ok, err := b.Position("s"); !ok || p.Next != 2 || err != nil {
		t.Fatalf("position %v, %v, %v, want 2", p, ok, err)
	}

	// The batch is empty again.
	if w.Size() > empty {
		t.Fatalf("size is %d after the commit, %d in the beginning", w.Size(), empty)
	}
	write(t, b, func(w statestore.Batch) { w.Delete(e, []byte("a")) })
	w.Set(e, []byte("z"), []byte("1"))
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, e, `"c"="1"`, `"e"="after the range"`, `"z"="1"`)
	if err := w.Commit(); err != nil {
		t.Fatalf("commit of nothing: %v", err)
	}

	// One that is not committed leaves nothing.
	lost := b.NewBatch()
	lost.DeleteRange(e, nil, nil)
	lost.SetPosition("s", statestore.Position{Next: 99})
	if p, _, _ := b.Position("s"); p.Next != 2 {
		t.Fatalf("position %d, want 2", p.Next)
	}
	wantAll(t, e, `"c"="1"`, `"e"="after the range"`, `"z"="1"`)
}

func deleteRange(t *testing.T, in Instance) {
	b := in.Task("0_0")
	for _, bounds := range [][2][]byte{
		{nil, nil},
		{nil, []byte("a")},
		{[]byte("a"), nil},
		{[]byte("\xff\xff"), nil},
		{[]byte(""), []byte("\x00")},
		{[]byte("a"), []byte("b")},
		{[]byte("a"), []byte("a")},
		{[]byte("b"), []byte("a")},
		{[]byte("0"), []byte("9")},
		{nil, []byte("")},
	} {
		from, to := bounds[0], bounds[1]
		e := engine(t, b, fmt.Sprintf("%q-%q", from, to))
		next := engine(t, b, fmt.Sprintf("%q-%q, next", from, to))
		write(t, b, func(w statestore.Batch) {
			for _, k := range edges {
				w.Set(e, []byte(k), nil)
				w.Set(next, []byte(k), nil)
			}
		})
		write(t, b, func(w statestore.Batch) { w.DeleteRange(e, from, to) })
		var entries []string
		for _, k := range edges {
			if from != nil && k < string(from) || to != nil && k >= string(to) {
				entries = append(entries, fmt.Sprintf("%q=\"\"", k))
			}
		}
		wantAll(t, e, entries...)
		for _, k := range edges {
			want(t, next, k, []byte{})
		}
	}
}

func positions(t *testing.T, in Instance) {
	b := in.Task("0_0")
	engine(t, b, "s")
	if p, ok, err := b.Position("s"); ok || err != nil || p != (statestore.Position{}) {
		t.Fatalf("position of a new store: %v, %v, %v", p, ok, err)
	}
	p1 := statestore.Position{Next: 7, Topic: [16]byte{1, 2, 15: 3}, Time: 1_700_000_000_000}
	p2 := statestore.Position{Next: 1 << 40}
	write(t, b, func(w statestore.Batch) {
		w.SetPosition("s", p1)
		w.SetPosition("never opened", p2)
	})
	for store, want := range map[string]statestore.Position{"s": p1, "never opened": p2} {
		if p, ok, err := b.Position(store); !ok || err != nil || p != want {
			t.Fatalf("position of %s: %v, %v, %v, want %v", store, p, ok, err, want)
		}
	}
	write(t, b, func(w statestore.Batch) { w.SetPosition("s", statestore.Position{}) })
	if p, ok, err := b.Position("s"); !ok || err != nil || p != (statestore.Position{}) {
		t.Fatalf("position zero: %v, %v, %v", p, ok, err)
	}
	if _, ok, _ := b.Position("another"); ok {
		t.Fatal("a store that was never written has a position")
	}
}
