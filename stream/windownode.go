package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// newWindowNode makes the running part of an aggregation of windows of all kinds but sessions.
func newWindowNode[K comparable, V, A any](sc *topology.Scope, w window.Windows, onClose bool, store string, fold folder[K, V, A], out *processor.Outlet[window.Key[K], change[A]], old bool) (processor.Receiver[K, V], error) {
	st, err := topology.StoreOf[statestore.TimestampedWindow[K, A]](sc, store)
	if err != nil {
		return nil, err
	}
	base := windowBase[K, V, A]{
		node: newNode(sc), fold: fold, store: st, out: out, old: old, size: w.Size(), grace: w.GracePeriod(),
		observed: -1, closing: closing{on: onClose, store: store},
		held: hold(sc, store, st, out, old),
	}
	if w.IsSliding() {
		return &slidingFold[K, V, A]{windowBase: base}, nil
	}
	if w.IsUnlimited() {
		return &unlimitedFold[K, V, A]{windowBase: base, start: w.Start()}, nil
	}
	return &alignedFold[K, V, A]{windowBase: base, advance: w.Advance()}, nil
}

// windowBase is what aggregations of windows of all kinds but sessions have.
type windowBase[K comparable, V, A any] struct {
	node
	closing
	fold        folder[K, V, A]
	store       statestore.TimestampedWindow[K, A]
	out         *processor.Outlet[window.Key[K], change[A]]
	old         bool
	held        *held[window.Key[K], A] // nil if updates are sent on at once
	size, grace int64
	// observed is the highest timestamp seen. It begins anew with the task, as in Kafka Streams.
	observed int64
}

// put stores a window's aggregate and, unless windows are emitted as they close, sends the change on: at once
// or, in the record cache, later.
func (w *windowBase[K, V, A]) put(r *record.Record[K, V], start int64, agg, before record.Optional[A], timestamp int64) {
	key := window.Key[K]{Key: r.Key, Start: start, End: end(start, w.size)}
	if w.held != nil {
		i, fresh := w.held.take(key)
		if fresh {
			v, ok := w.store.Get(r.Key, start)
			w.held.was(i, v.Value, v.Timestamp, ok)
		}
		w.keep(r, start, agg, timestamp)
		w.held.set(i, &change[A]{new: agg.Value, newNull: !agg.Valid}, timestamp, r.Timestamp, r.Headers)
		return
	}
	w.keep(r, start, agg, timestamp)
	if !w.on {
		w.forward(r, key, changeTo(agg, before, w.old), timestamp)
	}
}

func (w *windowBase[K, V, A]) keep(r *record.Record[K, V], start int64, agg record.Optional[A], timestamp int64) {
	if agg.Valid {
		w.store.Put(r.Key, start, agg.Value, timestamp)
	} else {
		w.store.Delete(r.Key, start, r.Timestamp)
	}
}

// update adds a record to the window that begins at start.
func (w *windowBase[K, V, A]) update(r *record.Record[K, V], start int64) bool {
	stored, found := w.store.Get(r.Key, start)
	agg, timestamp := record.Optional[A]{Value: stored.Value, Valid: true}, max(r.Timestamp, stored.Timestamp)
	if !found {
		var ok bool
		if agg, ok = w.fold.initial(); !ok {
			return false
		}
		timestamp = r.Timestamp
	}
	sum, ok := w.fold.add(r.Key, r.Value, r.Null.Value(), agg)
	if !ok {
		return false
	}
	w.put(r, start, sum, agg, timestamp)
	return true
}

func (w *windowBase[K, V, A]) forward(r *record.Record[K, V], key window.Key[K], ch change[A], timestamp int64) {
	w.out.Forward(record.Record[window.Key[K], change[A]]{Key: key, Value: ch, Timestamp: timestamp, Headers: r.Headers})
}

// emit forwards the windows that begin in [from, to], which have closed.
func (w *windowBase[K, V, A]) emit(r *record.Record[K, V], from, to, closeTime int64) {
	for k, v := range w.store.FetchAll(from, to) {
		w.forward(r, k, change[A]{new: v.Value, oldNull: true}, v.Timestamp)
	}
	w.task.KeepTime(w.closing.store, closeTime)
}

// closing is how an aggregation knows which windows have closed that it has not emitted.
type closing struct {
	on    bool
	store string
	// next is the wall-clock time before which it does not look again.
	next int64
}

// due reports whether to look for closed windows now, and up to when they have been emitted, -1 if none was.
func (c *closing) due(t processor.Task, closeTime int64) (last int64, ok bool) {
	now := t.WallClock()
	if !c.on || now < c.next {
		return 0, false
	}
	c.next = now + t.EmitInterval()
	if last, ok = t.KeptTime(c.store); !ok {
		return -1, true
	}
	return last, last == -1 || last < closeTime
}

// alignedFold aggregates tumbling and hopping windows.
type alignedFold[K comparable, V, A any] struct {
	windowBase[K, V, A]
	advance int64
}

// first is the start of the earliest window that a time is in.
func (a *alignedFold[K, V, A]) first(t int64) int64 {
	return max(0, t-a.size+a.advance) / a.advance * a.advance
}

// Process implements processor.Receiver.
func (a *alignedFold[K, V, A]) Process(r record.Record[K, V]) {
	if r.Null.Key() {
		a.task.Drop(a.name, processor.DropNullKey)
		return
	}
	a.observed = max(a.observed, r.Timestamp)
	closeTime := a.observed - a.grace
	for start := a.first(r.Timestamp); start <= r.Timestamp; start += a.advance {
		if start+a.size <= closeTime {
			a.task.Drop(a.name, processor.DropLate)
			continue
		}
		if !a.update(&r, start) {
			return
		}
	}
	if last, ok := a.due(a.task, closeTime); ok {
		a.emitClosed(&r, last, closeTime)
	}
}

// emitClosed emits the windows that have closed since last.
func (a *alignedFold[K, V, A]) emitClosed(r *record.Record[K, V], last, closeTime int64) {
	to := closeTime - a.size
	if to < 0 {
		return
	}
	from := int64(0)
	if last >= 0 {
		before := max(0, last-a.size)
		// The same windows then and now: none has closed in between.
		if a.first(to) == a.first(before) && to/a.advance == before/a.advance {
			return
		}
		from = before + 1
	}
	a.emit(r, from, to, closeTime)
}
