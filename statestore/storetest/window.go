package storetest

import (
	"fmt"
	"iter"
	"strings"
	"testing"

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
