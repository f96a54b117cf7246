package statestore

import (
	"fmt"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// deferringWindow opens a window store that defers.
func deferringWindow(t *testing.T, e Engine) *plainWindow[string, int64] {
	t.Helper()
	s, err := NewWindow(Env{
		Name: "s", Engine: e, Context: fixedTime{}, Fail: func(err error) { t.Error(err) },
		Log: func([]byte, []byte, int64, record.Headers) {},
	}, serde.String, serde.Int64, WindowSpec{Size: 100, Retention: 200, Segment: 100})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*plainWindow[string, int64])
}

// rows counts the rows that are set.
type rows struct {
	Batch
	set int
}

func (r *rows) Set(e Engine, key, value []byte) {
	r.set++
	r.Batch.Set(e, key, value)
}

// TestDeferredWindowsAreCountedAndWrittenOnce: segments expire, and their memory is used for later ones, while commits
// are deferred. What has expired is neither counted nor written, the rest once, however it was read meanwhile.
func TestDeferredWindowsAreCountedAndWrittenOnce(t *testing.T) {
	for _, scan := range []bool{false, true} {
		b, e := newEngine(t)
		s := deferringWindow(t, e)
		const keys, live = 50, 3 // the oldest of which has expired for readers alone
		for segment := range int64(30) {
			for i := range keys {
				s.Put(fmt.Sprint("key", i), segment*100, 1)
			}
			if scan && segment%3 == 0 {
				for range s.All() {
					break
				}
			}
			if s.Pending() == 0 {
				t.Fatalf("scan %v: nothing is pending of what was put", scan)
			}
			s.Flush()
			if s.Pending() == 0 {
				t.Fatalf("scan %v: nothing is pending of what was flushed", scan)
			}
			if n := s.Defer(); n < keys*8 || s.Pending() > 0 {
				t.Fatalf("scan %v: %d bytes wait to be written, %d are pending, want at least the values, and none", scan, n, s.Pending())
			}
			if n, most := s.behindHeld(), s.held.entries; n > most {
				t.Fatalf("scan %v: %d slots are behind, of %d", scan, n, most)
			}
		}
		s.Flush()
		w := &rows{Batch: b.NewBatch()}
		s.Write(w)
		s.Written()
		if want := keys*live + 1; w.set != want {
			t.Errorf("scan %v: %d rows were written, want the %d that are live and the one of what is known of them", scan, w.set, want)
		}
		if n := s.Defer(); n != 0 {
			t.Errorf("scan %v: %d bytes wait once all has been written", scan, n)
		}
	}
}

// TestExpiredSegmentsAreForgotten: their memory is free, though they have been flushed and not been written.
func TestExpiredSegmentsAreForgotten(t *testing.T) {
	_, e := newEngine(t)
	s := deferringWindow(t, e)
	for _, flush := range []bool{true, false} {
		s.Put("a", s.meta.observed+101, 1)
		s.Put("a", s.meta.observed+101, 1)
		if flush {
			s.Flush()
			s.Defer()
		}
	}
	s.Put("a", 1e6, 1)
	if d, n := len(s.held.dirty), len(s.held.behind); d != 1 || n != 0 {
		t.Errorf("%d segments are listed as dirty and %d as behind, want the one that is live as dirty", d, n)
	}
}

// budgetOf allows so many bytes.
type budgetOf struct{ allowed int64 }

func (b *budgetOf) Share(_, _ int64) int64 { return b.allowed }

// TestACacheThatShrinksLosesNothing that was flushed and is not in the engine yet.
func TestACacheThatShrinksLosesNothing(t *testing.T) {
	const keys = 3000
	for _, windows := range []bool{false, true} {
		b, e := newEngine(t)
		budget := &budgetOf{allowed: 1 << 30}
		open := func() (s Store, put func(key int), get func(key int) bool) {
			env := Env{
				Name: "s", Engine: e, Context: fixedTime{}, Budget: budget, Fail: func(err error) { t.Error(err) },
				Log: func([]byte, []byte, int64, record.Headers) {},
			}
			if windows {
				w, err := NewWindow(env, serde.Int64, serde.Int64, WindowSpec{Size: 100, Retention: 1000, Segment: 100})
				if err != nil {
					t.Fatal(err)
				}
				return w, func(k int) { w.Put(int64(k), int64(k%10)*100, 1) }, func(k int) bool { _, ok := w.Get(int64(k), int64(k%10)*100); return ok }
			}
			kv, err := NewKeyValue(env, serde.Int64, serde.Int64)
			if err != nil {
				t.Fatal(err)
			}
			return kv, func(k int) { kv.Put(int64(k), 1) }, func(k int) bool { _, ok := kv.Get(int64(k)); return ok }
		}
		s, put, _ := open()
		for k := range keys {
			put(k)
		}
		s.Flush()
		s.(Deferrer).Defer()
		budget.allowed = 0
		put(keys)
		s.Flush()
		if w, ok := s.(*plainWindow[int64, int64]); ok && w.held.entries > w.limit {
			t.Errorf("%d entries are held, more than %d", w.held.entries, w.limit)
		}
		batch := b.NewBatch()
		s.Write(batch)
		if err := batch.Commit(); err != nil {
			t.Fatal(err)
		}
		s.Written()
		_, _, get := open()
		for k := range keys + 1 {
			if !get(k) {
				t.Fatalf("windows %v: key %d is missing", windows, k)
			}
		}
	}
}
