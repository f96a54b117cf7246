package storetest

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/window"
)

// Window compares the window, join window and session stores on a backend with slow, obvious versions of
// them: random writes and reads, with commits, restarts and restores in the middle. seeds is how often each
// kind is run. See [Backend] for open.
func Window(t *testing.T, seeds int, open func(t *testing.T) Instance) {
	for _, k := range []windowKind{
		{name: "timestamped", open: openTimestamped, restore: restoreWindow(true), timestamped: true},
		{name: "plain", open: openPlain, restore: restoreWindow(false)},
		{name: "join", open: openJoin, restore: restoreWindow(false), duplicates: true},
		{name: "session", open: openSession, restore: statestore.RestoreSession, session: true},
	} {
		t.Run(k.name, func(t *testing.T) {
			in := open(t)
			for seed := range uint64(seeds) {
				windowRandom(t, in, k, seed)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// windowKind is a kind of store, seen as entries of a key, a time and a sub (a session's start).
type windowKind struct {
	name    string
	open    func(statestore.Env, statestore.WindowSpec) (windowStore, error)
	restore func(statestore.Engine, statestore.WindowSpec) (statestore.Restorer, error)

	timestamped, duplicates, session bool
}

func restoreWindow(timestamped bool) func(statestore.Engine, statestore.WindowSpec) (statestore.Restorer, error) {
	return func(e statestore.Engine, spec statestore.WindowSpec) (statestore.Restorer, error) {
		return statestore.RestoreWindow(e, spec, timestamped)
	}
}

// windowStore is a store as the functions that the test calls. Those that a kind does not have are nil.
type windowStore struct {
	statestore.Store
	put                       func(k window.Key[string], v string, ts int64)
	remove                    func(k window.Key[string], ts int64)
	get                       func(k window.Key[string]) string
	fetch, fetchBack          func(key string, from, to int64) []string
	fetchRange, fetchRangeRev func(first, last string, from, to int64) []string
	fetchAll, fetchAllBack    func(from, to int64) []string
	ending                    func(from, to int64) []string
}

func text(k window.Key[string], v string, ts int64) string {
	return fmt.Sprintf("%q[%d,%d]=%s@%d", k.Key, k.Start, k.End, v, ts)
}

func list2[K, V any](s iter.Seq2[K, V], show func(K, V) string) []string {
	var out []string
	for k, v := range s {
		out = append(out, show(k, v))
	}
	return out
}

func openTimestamped(env statestore.Env, spec statestore.WindowSpec) (windowStore, error) {
	s, err := statestore.NewTimestampedWindow(env, serde.String, serde.String, spec)
	show := func(k window.Key[string], v statestore.TimestampedValue[string]) string {
		return text(k, v.Value, v.Timestamp)
	}
	one := func(key string) func(int64, statestore.TimestampedValue[string]) string {
		return func(start int64, v statestore.TimestampedValue[string]) string {
			return show(window.Key[string]{Key: key, Start: start, End: start + spec.Size}, v)
		}
	}
	return windowStore{
		Store:  s,
		put:    func(k window.Key[string], v string, ts int64) { s.Put(k.Key, k.Start, v, ts) },
		remove: func(k window.Key[string], ts int64) { s.Delete(k.Key, k.Start, ts) },
		get: func(k window.Key[string]) string {
			if v, ok := s.Get(k.Key, k.Start); ok {
				return show(k, v)
			}
			return ""
		},
		fetch:         func(key string, from, to int64) []string { return list2(s.Fetch(key, from, to), one(key)) },
		fetchBack:     func(key string, from, to int64) []string { return list2(s.FetchBackward(key, from, to), one(key)) },
		fetchRange:    func(a, b string, from, to int64) []string { return list2(s.FetchRange(a, b, from, to), show) },
		fetchRangeRev: func(a, b string, from, to int64) []string { return list2(s.FetchRangeBackward(a, b, from, to), show) },
		fetchAll:      func(from, to int64) []string { return list2(s.FetchAll(from, to), show) },
		fetchAllBack:  func(from, to int64) []string { return list2(s.FetchAllBackward(from, to), show) },
	}, err
}

func openPlain(env statestore.Env, spec statestore.WindowSpec) (windowStore, error) {
	s, err := statestore.NewWindow(env, serde.String, serde.String, spec)
	show := func(k window.Key[string], v string) string { return text(k, v, 0) }
	one := func(key string) func(int64, string) string {
		return func(start int64, v string) string {
			return show(window.Key[string]{Key: key, Start: start, End: start + spec.Size}, v)
		}
	}
	return windowStore{
		Store:  s,
		put:    func(k window.Key[string], v string, _ int64) { s.Put(k.Key, k.Start, v) },
		remove: func(k window.Key[string], _ int64) { s.Delete(k.Key, k.Start) },
		get: func(k window.Key[string]) string {
			if v, ok := s.Get(k.Key, k.Start); ok {
				return show(k, v)
			}
			return ""
		},
		fetch:         func(key string, from, to int64) []string { return list2(s.Fetch(key, from, to), one(key)) },
		fetchBack:     func(key string, from, to int64) []string { return list2(s.FetchBackward(key, from, to), one(key)) },
		fetchRange:    func(a, b string, from, to int64) []string { return list2(s.FetchRange(a, b, from, to), show) },
		fetchRangeRev: func(a, b string, from, to int64) []string { return list2(s.FetchRangeBackward(a, b, from, to), show) },
		fetchAll:      func(from, to int64) []string { return list2(s.FetchAll(from, to), show) },
		fetchAllBack:  func(from, to int64) []string { return list2(s.FetchAllBackward(from, to), show) },
	}, err
}

func openJoin(env statestore.Env, spec statestore.WindowSpec) (windowStore, error) {
	s, err := statestore.NewJoinWindow(env, serde.String, serde.String, spec)
	show := func(k window.Key[string], v string) string { return text(k, v, 0) }
	return windowStore{
		Store: s,
		put:   func(k window.Key[string], v string, _ int64) { s.Put(k.Key, v, k.Start, nil) },
		fetch: func(key string, from, to int64) []string {
			return list2(s.Fetch(key, from, to), func(at int64, v string) string {
				return show(window.Key[string]{Key: key, Start: at, End: at + spec.Size}, v)
			})
		},
		fetchAll: func(from, to int64) []string { return list2(s.FetchAll(from, to), show) },
	}, err
}

func openSession(env statestore.Env, spec statestore.WindowSpec) (windowStore, error) {
	s, err := statestore.NewSession(env, serde.String, serde.String, spec)
	show := func(k window.Key[string], v string) string { return text(k, v, 0) }
	return windowStore{
		Store:  s,
		put:    func(k window.Key[string], v string, _ int64) { s.Put(k, v) },
		remove: func(k window.Key[string], _ int64) { s.Delete(k) },
		get: func(k window.Key[string]) string {
			if v, ok := s.Get(k); ok {
				return show(k, v)
			}
			return ""
		},
		fetch:        func(key string, from, to int64) []string { return list2(s.Find(key, from, to), show) },
		fetchBack:    func(key string, from, to int64) []string { return list2(s.FindBackward(key, from, to), show) },
		fetchRange:   func(a, b string, from, to int64) []string { return list2(s.FindRange(a, b, from, to), show) },
		fetchAll:     func(from, to int64) []string { return keepEnds(list2(s.All(), show), from, to) },
		ending:       func(from, to int64) []string { return list2(s.Ending(from, to), show) },
		fetchAllBack: func(from, to int64) []string { return keepEnds(list2(s.Backward(), show), from, to) },
	}, err
}

// keepEnds keeps the sessions that end in [from, to]; the store iterates over all.
func keepEnds(in []string, from, to int64) []string {
	var out []string
	for _, e := range in {
		var start, end int64
		if _, err := fmt.Sscanf(e[strings.LastIndexByte(e, '['):], "[%d,%d]", &start, &end); err == nil && from <= end && end <= to {
			out = append(out, e)
		}
	}
	return out
}

// windowTwin is the slow version: a list.
type windowTwin struct {
	kind     windowKind
	spec     statestore.WindowSpec
	entries  []twinEntry
	observed int64
}

type twinEntry struct {
	key window.Key[string]
	v   string
	ts  int64
	n   int // in the order of puts, for duplicates
}

func (w *windowTwin) time(k window.Key[string]) int64 {
	if w.kind.session {
		return k.End
	}
	return k.Start
}

func (w *windowTwin) clone() windowTwin {
	c := *w
	c.entries = slices.Clone(w.entries)
	return c
}

func (w *windowTwin) put(k window.Key[string], v string, ts int64, n int) {
	w.observed = max(w.observed, w.time(k))
	if !w.kind.duplicates {
		w.drop(func(e twinEntry) bool { return e.key == k })
	}
	if !w.kind.timestamped {
		ts = 0
	}
	w.entries = append(w.entries, twinEntry{k, v, ts, n})
	w.expire()
}

func (w *windowTwin) remove(k window.Key[string]) {
	w.observed = max(w.observed, w.time(k))
	w.drop(func(e twinEntry) bool { return e.key == k })
	w.expire()
}

func (w *windowTwin) expire() {
	w.drop(func(e twinEntry) bool { return w.time(e.key) < w.horizon() })
}

// stretch is a segment of Kafka Streams', within which it keeps what has expired.
func (w *windowTwin) stretch() int64 { return max(w.spec.Retention/2, 60_000) }

func (w *windowTwin) horizon() int64 {
	if w.spec.Order == statestore.ByTimeAndStart {
		return max(0, w.observed-w.spec.Retention) / w.stretch() * w.stretch()
	}
	return w.observed - w.spec.Retention + 1
}

// live reports whether an entry has not expired.
func (w *windowTwin) live(k window.Key[string]) bool { return w.time(k) > w.observed-w.spec.Retention }

func (w *windowTwin) drop(f func(twinEntry) bool) { w.entries = slices.DeleteFunc(w.entries, f) }

func (w *windowTwin) list(order statestore.WindowOrder, reverse bool, keep func(window.Key[string]) bool) []string {
	if order == statestore.ByTimeAndStart {
		order = statestore.ByKey
	}
	return w.listAll(order, reverse, func(k window.Key[string]) bool { return w.live(k) && keep(k) })
}

func (w *windowTwin) listAll(order statestore.WindowOrder, reverse bool, keep func(window.Key[string]) bool) []string {
	var in []twinEntry
	for _, e := range w.entries {
		if keep(e.key) {
			in = append(in, e)
		}
	}
	stretch := w.stretch()
	slices.SortFunc(in, func(a, b twinEntry) int {
		var d int
		time := cmp.Compare(w.time(a.key), w.time(b.key))
		key := strings.Compare(a.key.Key, b.key.Key)
		start := cmp.Compare(a.key.Start, b.key.Start)
		switch order {
		case statestore.ByTime:
			d = cmp.Or(time, key, start)
		case statestore.ByTimeAndStart: // of Ending
			d = cmp.Or(time, start, key)
		default:
			d = cmp.Or(cmp.Compare(w.time(a.key)/stretch, w.time(b.key)/stretch), key, time, start)
		}
		if d = cmp.Or(d, cmp.Compare(a.n, b.n)); reverse {
			return -d
		}
		return d
	})
	var out []string
	for _, e := range in {
		out = append(out, text(e.key, e.v, e.ts))
	}
	return out
}

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

	twin, committed, frozen windowTwin
	log, committedLog       []record.Raw
	frozenLog               int
	flushed                 bool
	puts                    int
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
	w.committed = w.twin.clone()
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

func (w *windowRun) confirm() {
	if !w.flushed {
		w.flush()
	}
	write(w.t, w.backend, w.store.Write)
	w.store.Written()
	w.committed, w.committedLog, w.flushed = w.frozen, slices.Clone(w.log[:w.frozenLog]), false
}

// restart throws away what has not been confirmed.
func (w *windowRun) restart() {
	w.openOn(w.backend)
	w.twin, w.log, w.flushed = w.committed.clone(), slices.Clone(w.committedLog), false
	w.all(w.store, &w.twin)
}

// restored builds the store of the last commit from its changelog alone.
func (w *windowRun) restored() {
	name := w.name + "-restored"
	e := engine(w.t, w.backend, name)
	restorer, err := w.kind.restore(e, w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
	rest := w.committedLog
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
