package storetest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/window"
)

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
