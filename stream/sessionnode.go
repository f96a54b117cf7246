package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// sessionFold aggregates sessions.
type sessionFold[K comparable, V, A any] struct {
	node
	closing
	fold       merger[K, V, A]
	store      statestore.Session[K, A]
	out        *processor.Outlet[window.Key[K], change[A]]
	old        bool
	held       *held[window.Key[K], A] // nil if updates are sent on at once
	gap, grace int64
	// observed is the highest timestamp seen. It begins anew with the task, as in Kafka Streams.
	observed int64
	joined   []joinedSession[K, A]
	recaller processor.Recaller // nil in tasks that do not say where records come from
}

// joinedSession is a session that a record joins to others.
type joinedSession[K comparable, A any] struct {
	key window.Key[K]
	agg A
}

// newSessionNode makes the running part of an aggregation of sessions.
func newSessionNode[K comparable, V, A any](sc *topology.Scope, w window.Sessions, onClose bool, store string, fold merger[K, V, A], out *processor.Outlet[window.Key[K], change[A]], old bool) (processor.Receiver[K, V], error) {
	st, err := topology.StoreOf[statestore.Session[K, A]](sc, store)
	if err != nil {
		return nil, err
	}
	recaller, _ := sc.Task.(processor.Recaller)
	return &sessionFold[K, V, A]{
		recaller: recaller,
		node:     newNode(sc), fold: fold, store: st, out: out, old: old, gap: w.Gap(), grace: w.GracePeriod(),
		observed: -1, closing: closing{on: onClose, store: store}, held: hold(sc, store, st, out, old),
	}, nil
}

// Process implements processor.Receiver.
func (s *sessionFold[K, V, A]) Process(r record.Record[K, V]) {
	if r.Null.Key() {
		s.task.Drop(s.name, processor.DropNullKey)
		return
	}
	// Change records are of the time of the record here, which an operator before may have given another one.
	if s.recaller != nil && s.task.Timestamp() != r.Timestamp {
		source, known := s.task.Source()
		before := s.recaller.Recall(processor.Origin{Source: source, Known: known, Timestamp: r.Timestamp})
		defer s.recaller.Recall(before)
	}
	s.observed = max(s.observed, r.Timestamp)
	closeTime := s.observed - s.grace - s.gap
	if !s.update(&r, closeTime) {
		return
	}
	if last, ok := s.due(s.task, closeTime); ok {
		// The bounds are included, and the end of a session belongs to it.
		if from, to := max(0, last), closeTime-1; to >= from {
			s.emit(&r, from, to, closeTime)
		}
	}
}

func (s *sessionFold[K, V, A]) update(r *record.Record[K, V], closeTime int64) bool {
	agg, ok := s.fold.initial()
	if !ok {
		return false
	}
	whole := window.Key[K]{Key: r.Key, Start: r.Timestamp, End: r.Timestamp}
	s.joined = s.joined[:0]
	for k, v := range s.store.Find(r.Key, r.Timestamp-s.gap, r.Timestamp+s.gap) {
		s.joined = append(s.joined, joinedSession[K, A]{k, v})
	}
	for i := range s.joined {
		j := &s.joined[i]
		if agg, ok = s.fold.merge(r.Key, agg, record.Some(j.agg)); !ok {
			return false
		}
		whole.Start, whole.End = min(whole.Start, j.key.Start), max(whole.End, j.key.End)
	}
	if whole.End < closeTime {
		s.task.Drop(s.name, processor.DropLate)
		return true
	}
	if whole.Start != r.Timestamp || whole.End != r.Timestamp {
		for i := range s.joined {
			j := &s.joined[i]
			s.put(r, j.key, record.Optional[A]{}, record.Some(j.agg))
		}
	}
	sum, ok := s.fold.add(r.Key, r.Value, r.Null.Value(), agg)
	if !ok {
		return false
	}
	s.put(r, whole, sum, record.Optional[A]{})
	return true
}

// put stores a session's aggregate, or removes the session, and, unless sessions are emitted as they close, sends
// the change on: at once or, in the record cache, later.
func (s *sessionFold[K, V, A]) put(r *record.Record[K, V], key window.Key[K], agg, before record.Optional[A]) {
	if s.held != nil {
		i, fresh := s.held.take(key)
		if fresh {
			v, ok := s.store.Get(key)
			s.held.was(i, v, key.End, ok)
		}
		s.keep(key, agg)
		s.held.set(i, &change[A]{new: agg.Value, newNull: !agg.Valid}, key.End, key.End, r.Headers)
		return
	}
	s.keep(key, agg)
	if !s.on {
		s.out.Forward(record.Record[window.Key[K], change[A]]{Key: key, Value: changeTo(agg, before, s.old), Timestamp: key.End})
	}
}

func (s *sessionFold[K, V, A]) keep(key window.Key[K], agg record.Optional[A]) {
	if agg.Valid {
		s.store.Put(key, agg.Value)
	} else {
		s.store.Delete(key)
	}
}

// emit forwards the sessions that end in [from, to], which have closed.
func (s *sessionFold[K, V, A]) emit(r *record.Record[K, V], from, to, closeTime int64) {
	for k, v := range s.store.Ending(from, to) {
		s.out.Forward(record.Record[window.Key[K], change[A]]{
			Key: k, Value: change[A]{new: v, oldNull: true}, Timestamp: k.End, Headers: r.Headers,
		})
	}
	s.task.KeepTime(s.closing.store, closeTime)
}

// sessionKeys returns the serde of the keys of a table of sessions, nil if that of the keys is not known.
func sessionKeys[K comparable](keys serde.Serde[K]) serde.Serde[window.Key[K]] {
	if keys == nil {
		return nil
	}
	return window.SessionKeys(keys)
}
