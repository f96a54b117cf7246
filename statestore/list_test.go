package statestore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// commitTo brings a store's writes to a backend.
func commitTo(t *testing.T, b Backend, s Store) {
	t.Helper()
	s.Flush()
	batch := b.NewBatch()
	s.Write(batch)
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Written()
}

type atTime int64

func (a atTime) Timestamp() int64 { return int64(a) }

// logged collects change records and can turn them back into rows.
type logged struct {
	t       *testing.T
	records []record.Raw
}

func (l *logged) env(name string, e Engine, everyUpdate bool) Env {
	return Env{
		Name: name, Engine: e, Context: atTime(0), EveryUpdate: everyUpdate, CacheEntries: 4,
		Fail: func(err error) { l.t.Errorf("store %q failed: %v", name, err) },
		Log: func(key, value []byte, timestamp int64, _ record.Headers) {
			l.records = append(l.records, record.Raw{Key: bytes.Clone(key), Value: bytes.Clone(value), Timestamp: timestamp})
		},
	}
}

// restore writes what the change records stand for to a new engine, key for key.
func (l *logged) restore() (Backend, Engine) {
	l.t.Helper()
	b := NewMemory()
	e, err := b.Open("s")
	if err != nil {
		l.t.Fatal(err)
	}
	batch := b.NewBatch()
	for _, r := range l.records {
		if r.Value == nil {
			batch.Delete(e, r.Key)
		} else {
			batch.Set(e, r.Key, r.Value)
		}
	}
	if err := batch.Commit(); err != nil {
		l.t.Fatal(err)
	}
	return b, e
}

// A list store against a map of slices, with commits at random; the change records restore the same.
func TestListTwin(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 0))
		log := &logged{t: t}
		b := NewMemory()
		e, err := b.Open("s")
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewList(log.env("s", e, seed%2 == 0), serde.String, serde.Int64)
		if err != nil {
			t.Fatal(err)
		}
		twin := map[string][]int64{}
		for i := range int64(60) {
			key := string(rune('a' + r.IntN(8)))
			switch r.IntN(6) {
			case 0:
				s.Remove(key, i)
				delete(twin, key)
			case 1:
				_, want := twin[key]
				if got := s.RemoveAny(key, i); got != want {
					t.Fatalf("seed %d: RemoveAny(%q) = %v", seed, key, got)
				}
				delete(twin, key)
			case 2:
				commitTo(t, b, s)
			default:
				s.Add(key, i, i)
				twin[key] = append(twin[key], i)
			}
			if got, want := listed(s), twinList(twin); got != want {
				t.Fatalf("seed %d: got %s, want %s", seed, got, want)
			}
		}
		commitTo(t, b, s)
		_, restored := log.restore()
		again, err := NewList(log.env("s", restored, false), serde.String, serde.Int64)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := listed(again), twinList(twin); got != want {
			t.Fatalf("seed %d: restored %s, want %s", seed, got, want)
		}
	}
}

func listed(s List[string, int64]) string {
	var out strings.Builder
	for k, v := range s.All() {
		fmt.Fprintf(&out, "%s=%d ", k, v)
	}
	return out.String()
}

func twinList(m map[string][]int64) string {
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		for _, v := range m[k] {
			fmt.Fprintf(&out, "%s=%d ", k, v)
		}
	}
	return out.String()
}

func TestListChangeRecords(t *testing.T) {
	log := &logged{t: t}
	b := NewMemory()
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewList(log.env("s", e, true), serde.String, serde.String)
	if err != nil {
		t.Fatal(err)
	}
	s.Add("k", "x", 5)
	s.Add("k", "", 6)
	s.RemoveAny("other", 7)
	s.Remove("other", 8)
	var got []string
	for _, r := range log.records {
		got = append(got, fmt.Sprintf("%s=%x@%d", r.Key, r.Value, r.Timestamp))
	}
	want := []string{"k=01000000010000000178@5", "k=0100000002000000017800000000@6", "other=@8"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func FuzzListSerde(f *testing.F) {
	l := listSerde[string]{serde.String}
	for _, values := range [][]string{nil, {""}, {"a", "bc"}} {
		b, err := l.Append(nil, values)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{1, 255, 255, 255, 255, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := l.Decode(b)
		if err != nil {
			return
		}
		again, err := l.Append(nil, values)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %q, and that %x (%v)", b, values, again, err)
		}
	})
}

// A view sees what others have committed, and cannot be written.
func TestViewFollowsItsStore(t *testing.T) {
	b := NewMemory()
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	log := &logged{t: t}
	s, err := NewKeyValue(log.env("s", e, false), serde.String, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	version := uint64(1)
	var failure error
	view, err := NewKeyValue(Env{
		Name: "s", Engine: e, Context: atTime(0), Version: func() uint64 { return version }, Fail: func(err error) { failure = err },
	}, serde.String, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		s.Put("k", i)
		commitTo(t, b, s)
		if v, _ := view.Get("k"); i > 0 && v != i-1 {
			t.Errorf("the view has %d before its version changes, want %d", v, i-1)
		}
		version++
		if v, ok := view.Get("k"); v != i || !ok {
			t.Errorf("the view has %d %v, want %d", v, ok, i)
		}
	}
	view.Put("k", 9)
	if failure == nil {
		t.Error("a view can be written")
	}
	if v, _ := s.Get("k"); v != 2 {
		t.Errorf("the store has %d", v)
	}
}
