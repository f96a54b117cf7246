package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/window"
)

// windowRun is one seed.
type windowRun struct {
	t       *testing.T
	r       *rand.Rand
	name    string
	kind    windowKind
	spec    statestore.WindowSpec
	backend statestore.Backend
	store   windowStore
	now     int64
	scale   int64

	// committed is what the engine has, promised what has been committed, written or not, and frozen is being so.
	twin, committed, promised, frozen windowTwin
	log, committedLog                 []record.Raw
	promisedLog, frozenLog            int
	flushed, defers                   bool
	puts                              int
}

// Timestamp implements statestore.Context.
func (w *windowRun) Timestamp() int64 { return w.now }

func windowRandom(t *testing.T, in Instance, kind windowKind, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	w := &windowRun{
		t: t, r: r, kind: kind, scale: [...]int64{1, 7, 10_000}[r.IntN(3)],
		name: fmt.Sprintf("%s-%d", kind.name, seed), backend: in.Task(fmt.Sprintf("0_%d", seed)),
	}
	w.spec = statestore.WindowSpec{Size: 5 * w.scale, Retention: (5 + r.Int64N(30)) * w.scale, Order: statestore.WindowOrder(r.IntN(3))}
	if r.IntN(16) == 0 {
		w.spec.Retention = 0
	}
	if !kind.session && r.IntN(2) == 0 {
		w.spec.Segment = w.scale // windows on a grid
	}
	w.twin = windowTwin{kind: kind, spec: w.spec, observed: -1}
	w.committed, w.promised = w.twin.clone(), w.twin.clone()
	w.defers = r.IntN(3) > 0
	w.openOn(w.backend)
	for range 60 {
		w.step()
		if t.Failed() {
			t.Logf("%s, spec %+v", w.name, w.spec)
			return
		}
	}
	w.confirm()
	w.restored()
	if err := w.backend.Drop(w.name); err != nil {
		t.Fatal(err)
	}
	if err := w.backend.Close(); err != nil {
		t.Fatal(err)
	}
}

func (w *windowRun) openOn(b statestore.Backend) {
	every := w.r.IntN(2) == 0
	entries := 0 // all that is live is held
	if w.r.IntN(2) == 0 {
		entries = 1 + w.r.IntN(30)
	}
	var err error
	w.store, err = w.kind.open(statestore.Env{
		Name: w.name, Engine: engine(w.t, b, w.name), Context: w, EveryUpdate: every, CacheEntries: entries,
		Fail: func(err error) { w.t.Error(err) },
		Log: func(key, value []byte, ts int64, _ record.Headers) {
			w.log = append(w.log, record.Raw{Key: slices.Clone(key), Value: slices.Clone(value), Timestamp: ts})
		},
	}, w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *windowRun) key() string {
	return [...]string{"", "\x00", "\x00\x01", "a", "a\x00", "ab", "b", "é"}[w.r.IntN(8)]
}

// near is a time around the highest that there was.
func (w *windowRun) near() int64 {
	t := w.twin.observed/w.scale + w.r.Int64N(20) - 15
	return max(0, t) * w.scale
}

func (w *windowRun) entry() window.Key[string] {
	k := window.Key[string]{Key: w.key(), Start: w.near()}
	k.End = k.Start + w.spec.Size
	if w.kind.session {
		k.End = k.Start + w.r.Int64N(5)*w.scale
	}
	return k
}

func (w *windowRun) step() {
	w.now++
	switch w.r.IntN(14) {
	case 0, 1, 2, 3, 4:
		k, v := w.entry(), fmt.Sprint(w.r.IntN(100))
		w.puts++
		w.store.put(k, v, w.now)
		w.twin.put(k, v, w.now, w.puts)
	case 5:
		if w.store.remove != nil {
			k := w.entry()
			if len(w.twin.entries) > 0 && w.r.IntN(2) == 0 {
				k = w.twin.entries[w.r.IntN(len(w.twin.entries))].key
			}
			w.store.remove(k, w.now)
			w.twin.remove(k)
		}
	case 6:
		if !w.flushed {
			w.flush()
		}
	case 7:
		if w.defers && w.r.IntN(3) > 0 {
			w.later()
			return
		}
		w.confirm()
	case 8:
		w.restart()
	case 9:
		w.restored()
	default:
		w.read(w.store, &w.twin)
	}
}

func (w *windowRun) flush() {
	w.store.Flush()
	w.frozen, w.frozenLog, w.flushed = w.twin.clone(), len(w.log), true
}

// later confirms a commit without writing it, if the store can do that.
func (w *windowRun) later() {
	if !w.flushed {
		w.flush()
	}
	if d, ok := w.store.Store.(statestore.Deferrer); ok && d.Defers() {
		d.Defer()
		w.promised, w.promisedLog, w.flushed = w.frozen, w.frozenLog, false
	}
}

func (w *windowRun) confirm() {
	if !w.flushed {
		w.flush()
	}
	write(w.t, w.backend, w.store.Write)
	w.store.Written()
	w.committed, w.committedLog, w.flushed = w.frozen, slices.Clone(w.log[:w.frozenLog]), false
	w.promised, w.promisedLog = w.committed.clone(), w.frozenLog
}

// restart throws away what has not been confirmed, and what has not been written, too, unless the engine is brought up
// to the changelog.
func (w *windowRun) restart() {
	if w.r.IntN(2) == 0 {
		w.catchUp()
	}
	w.openOn(w.backend)
	w.twin, w.log, w.flushed = w.committed.clone(), slices.Clone(w.committedLog), false
	w.promised, w.promisedLog = w.committed.clone(), len(w.committedLog)
	w.all(w.store, &w.twin)
}

// catchUp restores what has been committed and was not written.
func (w *windowRun) catchUp() {
	restorer, err := w.kind.restore(engine(w.t, w.backend, w.name), w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
	w.restore(restorer, w.log[len(w.committedLog):w.promisedLog])
	w.committed, w.committedLog = w.promised.clone(), slices.Clone(w.log[:w.promisedLog])
}

// restore applies change records in batches of any size.
func (w *windowRun) restore(restorer statestore.Restorer, rest []record.Raw) {
	for len(rest) > 0 {
		n := 1 + w.r.IntN(len(rest))
		write(w.t, w.backend, func(b statestore.Batch) {
			for i := range rest[:n] {
				if err := restorer.Restore(b, &rest[i]); err != nil {
					w.t.Fatal(err)
				}
			}
			restorer.Finish(b)
		})
		rest = rest[n:]
	}
}

// restored builds the store of the last commit from its changelog alone.
func (w *windowRun) restored() {
	name := w.name + "-restored"
	e := engine(w.t, w.backend, name)
	restorer, err := w.kind.restore(e, w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
	w.restore(restorer, w.committedLog)
	s, err := w.kind.open(statestore.Env{Name: name, Engine: e, Context: w, Fail: func(err error) { w.t.Error(err) }}, w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
	twin := w.committed.clone()
	w.all(s, &twin)
	w.read(s, &twin)
	if err := w.backend.Drop(name); err != nil {
		w.t.Fatal(err)
	}
}

func (w *windowRun) same(what string, got, want []string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: %s:\n got %v\nwant %v", w.name, what, got, want)
	}
}

func (w *windowRun) all(s windowStore, twin *windowTwin) {
	w.t.Helper()
	every := func(window.Key[string]) bool { return true }
	w.same("all", s.fetchAll(0, math.MaxInt64), twin.list(w.spec.Order, false, every))
	if s.fetchAllBack != nil {
		w.same("backward", s.fetchAllBack(0, math.MaxInt64), twin.list(w.spec.Order, true, every))
	}
}

// read makes one read of each kind that the store has.
func (w *windowRun) read(s windowStore, twin *windowTwin) {
	from, to := w.near(), w.near()
	key, last := w.key(), w.key()
	in := func(k window.Key[string]) bool {
		if w.kind.session {
			return k.End >= from && k.Start <= to
		}
		return from <= k.Start && k.Start <= to
	}
	if s.get != nil {
		k := w.entry()
		if len(twin.entries) > 0 {
			k = twin.entries[w.r.IntN(len(twin.entries))].key
		}
		want := twin.list(statestore.ByTime, false, func(x window.Key[string]) bool { return x == k })
		if got := s.get(k); got != strings.Join(want, "") {
			w.t.Errorf("%s: get %v: got %q, want %q", w.name, k, got, want)
		}
	}
	one := func(k window.Key[string]) bool { return k.Key == key && in(k) }
	some := func(k window.Key[string]) bool { return key <= k.Key && k.Key <= last && in(k) }
	ending := func(k window.Key[string]) bool { return from <= twin.time(k) && twin.time(k) <= to }
	w.same("fetch", s.fetch(key, from, to), twin.list(statestore.ByTime, false, one))
	w.same("fetch all", s.fetchAll(from, to), twin.list(w.spec.Order, false, ending))
	if s.ending != nil {
		w.same("ending", s.ending(from, to), twin.listAll(w.spec.Order, false, ending))
	}
	if s.fetchBack != nil {
		w.same("fetch backward", s.fetchBack(key, from, to), twin.list(statestore.ByTime, true, one))
	}
	if s.fetchRange != nil {
		w.same("fetch range", s.fetchRange(key, last, from, to), twin.list(w.spec.Order, false, some))
	}
	if s.fetchRangeRev != nil {
		w.same("fetch range backward", s.fetchRangeRev(key, last, from, to), twin.list(w.spec.Order, true, some))
	}
	if s.fetchAllBack != nil {
		w.same("fetch all backward", s.fetchAllBack(from, to), twin.list(w.spec.Order, true, ending))
	}
}
