package statestore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

// history is the slow and obvious versioned store: every version and deletion of every key, in a list.
type history struct {
	length   int64
	observed int64
	of       map[string][]version
}

type version struct {
	at    int64
	value string
	gone  bool
}

func newHistory(length int64) *history {
	return &history{length: length, observed: -1, of: make(map[string][]version)}
}

func (h *history) put(key string, v version) statestore.Placement {
	if v.at < h.observed-h.length {
		return statestore.Placement{}
	}
	h.observed = max(h.observed, v.at)
	all := slices.DeleteFunc(h.of[key], func(x version) bool { return x.at == v.at })
	all = append(all, v)
	slices.SortFunc(all, func(a, b version) int { return int(a.at - b.at) })
	h.of[key] = all
	return statestore.Placement{To: h.end(key, v.at), Kept: true}
}

// end is the time of what comes after a time.
func (h *history) end(key string, at int64) int64 {
	for _, v := range h.of[key] {
		if v.at > at {
			return v.at
		}
	}
	return statestore.Forever
}

func (h *history) asOf(key string, at int64) (statestore.Version[string], bool) {
	all := h.of[key]
	for i := len(all) - 1; i >= 0; i-- {
		if v := all[i]; v.at <= at {
			expired := at < h.observed-h.length && i < len(all)-1
			return statestore.Version[string]{Value: v.value, From: v.at, To: h.end(key, v.at)}, !v.gone && !expired
		}
	}
	return statestore.Version[string]{}, false
}

func (h *history) between(key string, from, to int64) []statestore.Version[string] {
	var out []statestore.Version[string]
	for _, v := range h.of[key] {
		end := h.end(key, v.at)
		if !v.gone && v.at <= to && end > max(from, h.observed-h.length) {
			out = append(out, statestore.Version[string]{Value: v.value, From: v.at, To: end})
		}
	}
	return out
}

// removable reports whether a deletion at a time would remove the latest version at the very time at which it
// came, which leaves no trace in some cases; see TestVersionedForgetsWhatIsRemovedAtOnce.
func (h *history) removable(key string, at int64) bool {
	all := h.of[key]
	return len(all) > 0 && all[len(all)-1].at == at && !all[len(all)-1].gone
}

type logged struct {
	key   string
	value []byte
	at    int64
}

type versionedStore struct {
	statestore.Versioned[string, string]
	backend statestore.Backend
	log     []logged
}

func openVersioned(t testing.TB, backend statestore.Backend, length int64) *versionedStore {
	t.Helper()
	e, err := backend.Open("prices")
	if err != nil {
		t.Fatal(err)
	}
	s := &versionedStore{backend: backend}
	s.Versioned, err = statestore.NewVersioned(statestore.Env{
		Name: "prices", Engine: e, Context: noClock{}, Fail: func(err error) { t.Fatal(err) },
		Log: func(key, value []byte, at int64, _ record.Headers) {
			s.log = append(s.log, logged{string(key), slices.Clone(value), at})
		},
	}, serde.String, serde.String, length)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type noClock struct{}

func (noClock) Timestamp() int64 { return 0 }

func (s *versionedStore) commit(t testing.TB) {
	t.Helper()
	s.Flush()
	b := s.backend.NewBatch()
	s.Write(b)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Written()
}

const versionedSeeds = 1000

// TestVersionedAgainstTwin compares with the list: placements, what was when, and histories, with commits and
// reopened stores in between, and at the end that of a store restored from the changelog.
func TestVersionedAgainstTwin(t *testing.T) {
	for seed := range uint64(versionedSeeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		length := []int64{1, 50, 400_000, 1_000_000}[r.IntN(4)]
		backend := statestore.NewMemory()
		s, twin := openVersioned(t, backend, length), newHistory(length)
		var log []logged
		now := int64(0)
		for step := range 120 {
			now += r.Int64N(max(length/20, 3))
			key := string(rune('a' + r.IntN(3)))
			at := max(now-r.Int64N(length+length/4+2), 0)
			where := fmt.Sprintf("seed %d step %d: %s@%d", seed, step, key, at)
			switch op := r.IntN(20); {
			case op < 10:
				v := fmt.Sprint(step)
				if got, want := s.PutVersion(key, v, at), twin.put(key, version{at: at, value: v}); got != want {
					t.Fatalf("%s: put gives %v, want %v", where, got, want)
				}
			case op < 14:
				if twin.removable(key, at) {
					continue
				}
				if got, want := s.DeleteVersion(key, at), twin.put(key, version{at: at, gone: true}); got != want {
					t.Fatalf("%s: delete gives %v, want %v", where, got, want)
				}
			case op < 17:
				got, ok := s.GetAsOf(key, at)
				want, wantOK := twin.asOf(key, at)
				if ok != wantOK || ok && got != want {
					t.Fatalf("%s: as of gives %v %v, want %v %v", where, got, ok, want, wantOK)
				}
			case op < 19:
				s.commit(t)
			default:
				s.commit(t)
				log = append(log, s.log...)
				s = openVersioned(t, backend, length)
			}
			compareVersions(t, where, s, twin, key, at, at+length/3)
		}
		s.commit(t)
		log = append(log, s.log...)
		restored := openVersioned(t, restoreVersioned(t, log, length, 1+r.IntN(40)), length)
		for _, key := range []string{"a", "b", "c"} {
			compareVersions(t, fmt.Sprintf("seed %d restored", seed), restored, twin, key, 0, statestore.Forever-1)
		}
	}
}

func compareVersions(t *testing.T, where string, s *versionedStore, twin *history, key string, from, to int64) {
	t.Helper()
	want := twin.between(key, from, to)
	got := slices.Collect(s.History(key, from, to))
	if !slices.Equal(got, want) {
		t.Fatalf("%s: history in [%d, %d] is %v, want %v", where, from, to, got, want)
	}
	slices.Reverse(want)
	if got := slices.Collect(s.HistoryBackward(key, from, to)); !slices.Equal(got, want) {
		t.Fatalf("%s: history backward in [%d, %d] is %v, want %v", where, from, to, got, want)
	}
	latest, wantOK := twin.asOf(key, statestore.Forever-1)
	v, ok := s.Get(key)
	if ok != wantOK || ok && (v.Value != latest.Value || v.Timestamp != latest.From) {
		t.Fatalf("%s: the latest is %v %v, want %v %v", where, v, ok, latest, wantOK)
	}
}

func restoreVersioned(t *testing.T, log []logged, length int64, batch int) statestore.Backend {
	t.Helper()
	backend := statestore.NewMemory()
	e, err := backend.Open("prices")
	if err != nil {
		t.Fatal(err)
	}
	r, err := statestore.RestoreVersioned(e, length)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(log, batch) {
		b := backend.NewBatch()
		for _, c := range part {
			if err := r.Restore(b, &record.Raw{Key: []byte(c.key), Value: c.value, Timestamp: c.at}); err != nil {
				t.Fatal(err)
			}
		}
		r.Finish(b)
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return backend
}

// TestVersionedForgetsWhatIsRemovedAtOnce: a first version that is removed at its own time leaves nothing behind,
// so an older one that comes later is the latest. With a version before it, its time is known.
func TestVersionedForgetsWhatIsRemovedAtOnce(t *testing.T) {
	s := openVersioned(t, statestore.NewMemory(), 1000)
	s.PutVersion("a", "x", 100)
	s.DeleteVersion("a", 100)
	if p := s.PutVersion("a", "y", 50); !p.Latest() {
		t.Errorf("an older version after the only one is gone is placed until %d, want it to be the latest", p.To)
	}
	s.PutVersion("b", "w", 10)
	s.PutVersion("b", "x", 100)
	s.DeleteVersion("b", 100)
	if p := s.PutVersion("b", "y", 50); p.To != 100 {
		t.Errorf("a version between one and a deletion at 100 is placed until %d", p.To)
	}
}

// TestVersionedListsLatest iterates over the latest versions in key order while versions are pending.
func TestVersionedListsLatest(t *testing.T) {
	s := openVersioned(t, statestore.NewMemory(), 1000)
	for i, key := range []string{"c", "a", "b", "ab"} {
		s.PutVersion(key, "old", int64(i))
		s.PutVersion(key, "new", int64(10+i))
	}
	s.commit(t)
	s.DeleteVersion("b", 20)
	var got []string
	for k, v := range s.All() {
		got = append(got, k+"="+v.Value)
	}
	for k := range s.RangeBackward("a", "b") {
		got = append(got, k)
	}
	for k := range s.Prefix([]byte("a")) {
		got = append(got, k)
	}
	if want := []string{"a=new", "ab=new", "c=new", "ab", "a", "a", "ab"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestVersionedDropsHistory looks at the engine: what is left of a long history is bounded by its length.
func TestVersionedDropsHistory(t *testing.T) {
	const length = 400_000
	s := openVersioned(t, statestore.NewMemory(), length)
	for i := range int64(20_000) {
		s.PutVersion("a", "x", i*1000)
		if i%100 == 0 {
			s.commit(t)
		}
	}
	s.commit(t)
	if n := s.Stats().Keys; n > 2*length/1000 {
		t.Errorf("the store keeps %d rows for a history of %d versions", n, length/1000)
	}
}

func TestVersionedRefusesNoHistory(t *testing.T) {
	e, err := statestore.NewMemory().Open("x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statestore.NewVersioned(statestore.Env{Name: "x", Engine: e, Context: noClock{}, Fail: func(error) {}}, serde.String, serde.String, 0); err == nil {
		t.Error("a store without a history was made")
	}
}

func BenchmarkVersionedPut(b *testing.B) {
	s := openVersioned(b, statestore.NewMemory(), 600_000)
	s.log = nil
	b.ReportAllocs()
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%d", i)
	}
	n := 0
	for b.Loop() {
		s.PutVersion(keys[n%1000], "some value", int64(n))
		n++
		if n%10_000 == 0 {
			s.commit(b)
			s.log = s.log[:0]
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkVersionedGetAsOf(b *testing.B) {
	s := openVersioned(b, statestore.NewMemory(), 600_000)
	for n := range int64(100_000) {
		s.PutVersion("key", "some value", n)
	}
	s.commit(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s.GetAsOf("key", int64(n*7919%100_000))
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lookups/s")
}
