package statestore_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

// bench is a store with what a task would give it: a backend, a clock and a changelog.
type bench struct {
	t       *testing.T
	now     int64
	backend statestore.Backend
	engine  statestore.Engine
	log     []change
	fails   []error
}

type change struct {
	Key, Value string
	Deleted    bool
	Timestamp  int64
}

func (b *bench) Timestamp() int64 { return b.now }

func newBench(t *testing.T) *bench {
	b := &bench{t: t, backend: statestore.NewMemory()}
	var err error
	if b.engine, err = b.backend.Open("s"); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) env(every bool, entries int) statestore.Env {
	return statestore.Env{
		Name: "s", Engine: b.engine, Context: b, EveryUpdate: every, CacheEntries: entries,
		Log: func(k, v []byte, ts int64, _ record.Headers) {
			b.log = append(b.log, change{string(k), string(v), v == nil, ts})
		},
		Fail: func(err error) { b.fails = append(b.fails, err) },
	}
}

func (b *bench) commit(s statestore.Store) {
	b.t.Helper()
	s.Flush()
	b.confirm(s)
}

func (b *bench) confirm(s statestore.Store) {
	b.t.Helper()
	batch := b.backend.NewBatch()
	s.Write(batch)
	if err := batch.Commit(); err != nil {
		b.t.Fatal(err)
	}
	s.Written()
}

func TestKeyValueEqualsNaiveTwin(t *testing.T) {
	for seed := range uint64(1000) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			b := newBench(t)
			every := seed%2 == 0
			s, err := statestore.NewKeyValue(b.env(every, 1+r.IntN(12)), serde.String, serde.Int64)
			if err != nil {
				t.Fatal(err)
			}
			twin := map[string]int64{}
			committed, written := map[string]int64{}, map[string]int64{}
			flushed := false
			key := func() string { return strings.Repeat("k", r.IntN(2)) + string(rune('a'+r.IntN(8))) }
			for range 400 {
				b.now++
				switch k := key(); r.IntN(11) {
				case 0, 1, 2:
					v := r.Int64N(100)
					s.Put(k, v)
					twin[k] = v
				case 3:
					want, had := twin[k]
					if got, ok := s.Delete(k); ok != had || got != want {
						t.Fatalf("Delete(%q) = %d %v, want %d %v", k, got, ok, want, had)
					}
					delete(twin, k)
				case 4:
					want, had := twin[k]
					if got, ok := s.PutIfAbsent(k, 7); ok != had || got != want {
						t.Fatalf("PutIfAbsent(%q) = %d %v, want %d %v", k, got, ok, want, had)
					}
					if !had {
						twin[k] = 7
					}
				case 5:
					if !flushed {
						s.Flush()
						committed, flushed = maps.Clone(twin), true
					}
				case 6:
					switch {
					case !flushed:
						continue
					case seed%3 > 0 && r.IntN(4) > 0:
						d, _ := s.(statestore.Deferrer)
						if !d.Defers() {
							t.Fatal("a store with a changelog does not defer")
						}
						d.Defer()
					default:
						b.confirm(s)
						written = committed
					}
					flushed = false
					sameEngine(t, b.engine, written)
				case 7:
					from, to := key(), key()
					same(t, "Range", s.Range(from, to), twin, func(k string) bool { return from <= k && k <= to }, false)
					same(t, "RangeBackward", s.RangeBackward(from, to), twin, func(k string) bool { return from <= k && k <= to }, true)
				case 8:
					same(t, "All", s.All(), twin, func(string) bool { return true }, false)
					same(t, "Backward", s.Backward(), twin, func(string) bool { return true }, true)
				case 9:
					same(t, "Prefix", s.Prefix([]byte("k")), twin, func(k string) bool { return strings.HasPrefix(k, "k") }, false)
				default:
					want, had := twin[k]
					if got, ok := s.Get(k); ok != had || got != want {
						t.Fatalf("Get(%q) = %d %v, want %d %v", k, got, ok, want, had)
					}
				}
			}
			if flushed {
				s.(statestore.Deferrer).Defer()
			}
			b.commit(s)
			sameEngine(t, b.engine, twin)
			replay := map[string]int64{}
			for _, c := range b.log {
				if c.Deleted {
					delete(replay, c.Key)
				} else {
					replay[c.Key] = int64(binary.BigEndian.Uint64([]byte(c.Value)))
				}
			}
			if d := cmp.Diff(twin, replay); d != "" {
				t.Errorf("the changelog does not lead to the store's contents (-store +changelog):\n%s", d)
			}
			if len(b.fails) > 0 {
				t.Error(b.fails)
			}
		})
	}
}

func same(t *testing.T, what string, got iter.Seq2[string, int64], twin map[string]int64, in func(string) bool, reverse bool) {
	t.Helper()
	var want, have []string
	for k, v := range twin {
		if in(k) {
			want = append(want, fmt.Sprintf("%s=%d", k, v))
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		return strings.Compare(strings.SplitN(a, "=", 2)[0], strings.SplitN(b, "=", 2)[0])
	})
	if reverse {
		slices.Reverse(want)
	}
	for k, v := range got {
		have = append(have, fmt.Sprintf("%s=%d", k, v))
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// sameEngine checks that the engine holds exactly the state of the last confirmed commit.
func sameEngine(t *testing.T, e statestore.Engine, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	it := e.Iterate(nil, nil, false)
	defer it.Close()
	for it.Next() {
		got[string(it.Key())] = int64(binary.BigEndian.Uint64(it.Value()))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("engine (-commit +engine):\n%s", d)
	}
}

func TestTimestampedKeepsTimestampsAndLogsThem(t *testing.T) {
	b := newBench(t)
	s, err := statestore.NewTimestamped(b.env(false, 0), serde.String, serde.String)
	if err != nil {
		t.Fatal(err)
	}
	s.Put("b", "1", 10)
	s.Put("b", "2", 20)
	s.Put("a", "", 5)
	s.Delete("c", 30)
	b.commit(s)
	want := []change{{"a", "", false, 5}, {"b", "2", false, 20}, {"c", "", true, 30}}
	if d := cmp.Diff(want, b.log); d != "" {
		t.Errorf("changelog: one record a key, by key (-want +got):\n%s", d)
	}
	if v, ok := s.Get("b"); !ok || v.Value != "2" || v.Timestamp != 20 {
		t.Errorf("Get after a commit = %v %v", v, ok)
	}
	row, _, _ := b.engine.Get([]byte("b"))
	if want := append(binary.BigEndian.AppendUint64(nil, 20), '2'); string(row) != string(want) {
		t.Errorf("local row %x, want timestamp and value %x", row, want)
	}
	fresh, _ := statestore.NewTimestamped(b.env(false, 0), serde.String, serde.String)
	if v, ok := fresh.Get("a"); !ok || v.Value != "" || v.Timestamp != 5 {
		t.Errorf("an empty value read from the engine = %v %v", v, ok)
	}
}

func TestEveryUpdateLogsAtOnce(t *testing.T) {
	b := newBench(t)
	s, _ := statestore.NewTimestamped(b.env(true, 0), serde.String, serde.Int64)
	s.Put("a", 1, 1)
	s.Put("a", 2, 2)
	s.Delete("a", 3)
	if len(b.log) != 3 {
		t.Fatalf("changelog has %d records before the commit, want 3: %v", len(b.log), b.log)
	}
	b.commit(s)
	if len(b.log) != 3 {
		t.Errorf("the commit logged again: %v", b.log)
	}
}

func TestPutOfNullDeletes(t *testing.T) {
	b := newBench(t)
	s, _ := statestore.NewTimestamped(b.env(false, 0), serde.String, serde.Optional(serde.String))
	s.Put("a", record.Some("x"), 1)
	s.Put("a", record.Optional[string]{}, 2)
	if v, ok := s.Get("a"); ok {
		t.Errorf("Get = %v, want nothing", v)
	}
}

func TestKeysThatCompareByAddressAreRefused(t *testing.T) {
	b := newBench(t)
	type key struct{ P *int }
	if _, err := statestore.NewKeyValue(b.env(false, 0), serde.JSON[key](), serde.String); err == nil || !strings.Contains(err.Error(), "compares by address") {
		t.Errorf("err = %v, want one that says that the key compares by address", err)
	}
}

func TestValueThatTheSerdeRefusesFailsTheTask(t *testing.T) {
	b := newBench(t)
	s, _ := statestore.NewKeyValue(b.env(false, 0), serde.String, serde.String)
	s.Put("a", "\xff")
	s.Flush()
	if len(b.fails) != 1 || !strings.Contains(b.fails[0].Error(), `store "s": serialize a value`) {
		t.Errorf("fails = %v", b.fails)
	}
}

func TestIterationSurvivesWrites(t *testing.T) {
	b := newBench(t)
	s, _ := statestore.NewKeyValue(b.env(false, 4), serde.Int64, serde.Int64)
	for i := range int64(500) {
		s.Put(i, i)
	}
	seen := int64(0)
	for k := range s.All() {
		if k != seen {
			t.Fatalf("key %d, want %d", k, seen)
		}
		seen++
		s.Put(k, -k)
		s.Delete(k - 1)
		b.commit(s)
	}
	if seen != 500 {
		t.Errorf("saw %d keys, want 500", seen)
	}
}

func BenchmarkTimestampedHit(b *testing.B) {
	back := statestore.NewMemory()
	e, _ := back.Open("s")
	s, _ := statestore.NewTimestamped(statestore.Env{Name: "s", Engine: e, Context: &bench{}, Fail: func(err error) { b.Fatal(err) }}, serde.String, serde.Int64)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%07d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := keys[i%len(keys)]
		v, _ := s.Get(k)
		s.Put(k, v.Value+1, int64(i))
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "records/s")
}
