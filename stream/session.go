package stream

import (
	"context"
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// SessionWindowed is a grouped stream cut into sessions, to be aggregated into a table of one value a key and
// session.
type SessionWindowed[K comparable, V any] struct{ *sessionWindowed[K, V] }

type sessionWindowed[K comparable, V any] struct {
	g       Grouped[K, V]
	w       window.Sessions
	onClose bool
}

// SessionsBy cuts a grouped stream into sessions. Options: [EmitOnClose].
//
// A record that joins sessions takes their place: the table deletes them, then has the new one. An aggregation
// drops and counts records without a key, and those whose session closed before the highest timestamp that the
// aggregation has seen since it started. A null value is aggregated like any other. The time of a session is
// its end.
func SessionsBy[K comparable, V any](g Grouped[K, V], w window.Sessions, opts ...Option) SessionWindowed[K, V] {
	c := g.s.b.begin("SessionsBy", opts, optEmit)
	c.failEach(fmt.Sprintf("sessions of the stream %q", g.s.name), w.Validate())
	return SessionWindowed[K, V]{&sessionWindowed[K, V]{g, w, c.options.onClose}}
}

// AggregateSessions folds the values of each key and session into one: initial makes the aggregate to begin
// with, merge puts those of the sessions that a record joins into it, earlier sessions first, and add the
// record's value. A null from add deletes. See [SessionsBy] for which records are dropped.
//
// Neither function may change an aggregate in place where that is a pointer, slice or map.
//
// The store's serdes are needed for an aggregate that is not of one of Kafka's types; it may be nil
// otherwise. Options: [Named].
func AggregateSessions[K comparable, V, A any](w SessionWindowed[K, V], initial func() A, add func(key K, value V, agg A) A, merge func(key K, a, b A) A, store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := w.g.s.b.begin("AggregateSessions", opts, optName)
	var merging func(context.Context, K, pair[A, A]) (A, error)
	if merge != nil {
		merging = func(_ context.Context, k K, p pair[A, A]) (A, error) { return merge(k, p.key, p.value), nil }
	}
	return aggregateSessions(c, w, initial, foldRow(add), merging, store)
}

// TryAggregateSessions is [AggregateSessions] with functions that can fail.
func TryAggregateSessions[K comparable, V, A any](w SessionWindowed[K, V], initial func() A, add func(ctx context.Context, key K, value V, agg A) (A, error), merge func(ctx context.Context, key K, a, b A) (A, error), store *Store[K, A], opts ...Option) Table[window.Key[K], A] {
	c := w.g.s.b.begin("TryAggregateSessions", opts, optName)
	var merging func(context.Context, K, pair[A, A]) (A, error)
	if merge != nil {
		merging = func(ctx context.Context, k K, p pair[A, A]) (A, error) { return merge(ctx, k, p.key, p.value) }
	}
	return aggregateSessions(c, w, initial, tryFoldRow(add), merging, store)
}

func aggregateSessions[K comparable, V, A any](c *call, w SessionWindowed[K, V], initial func() A, add func(context.Context, pair[K, V], A) (A, error), merge func(context.Context, K, pair[A, A]) (A, error), store *Store[K, A]) Table[window.Key[K], A] {
	m := materialize(store)
	m.serdes(nil, native[A]())
	return foldSessions(c, w, "KSTREAM-AGGREGATE-", m, initial == nil || add == nil || merge == nil, func(n node) merger[K, V, A] {
		return newAggregateFold(n, initial, add, merge)
	})
}

// CountSessions counts the values of each key and session. Options: [Named].
func CountSessions[K comparable, V any](w SessionWindowed[K, V], store *Store[K, int64], opts ...Option) Table[window.Key[K], int64] {
	c := w.g.s.b.begin("CountSessions", opts, optName)
	if store != nil && store.name == "" {
		c.b.plan.NewStoreName("KSTREAM-AGGREGATE-") // Kafka Streams once made a name here
	}
	m := materialize(store)
	m.serdes(nil, native[int64]())
	return foldSessions(c, w, "KSTREAM-AGGREGATE-", m, false, func(node) merger[K, V, int64] { return countFold[K, V]{} })
}

// ReduceSessions combines the values of each key and session into one of the same type: the first value stands
// for itself, and sessions are combined like values. A null result deletes. See [AggregateSessions].
func ReduceSessions[K comparable, V any](w SessionWindowed[K, V], f func(agg, value V) V, store *Store[K, V], opts ...Option) Table[window.Key[K], V] {
	return reduceSessions(w.g.s.b.begin("ReduceSessions", opts, optName), w, plain(f), store)
}

// TryReduceSessions is [ReduceSessions] with a function that can fail.
func TryReduceSessions[K comparable, V any](w SessionWindowed[K, V], f func(ctx context.Context, agg, value V) (V, error), store *Store[K, V], opts ...Option) Table[window.Key[K], V] {
	return reduceSessions(w.g.s.b.begin("TryReduceSessions", opts, optName), w, f, store)
}

func reduceSessions[K comparable, V any](c *call, w SessionWindowed[K, V], f func(context.Context, V, V) (V, error), store *Store[K, V]) Table[window.Key[K], V] {
	m := materialize(store)
	m.serdes(nil, w.g.values)
	return foldSessions(c, w, "KSTREAM-REDUCE-", m, f == nil, func(n node) merger[K, V, V] {
		return &reduceFold[K, V]{function[V, V, V]{n, f}, record.NullnessOf[V]()}
	})
}

// foldSessions adds the node of an aggregation of sessions.
func foldSessions[K comparable, V, A any](c *call, w SessionWindowed[K, V], prefix string, m materialized[K, A], noFunc bool, makeFold func(node) merger[K, V, A]) Table[window.Key[K], A] {
	m.named(c, prefix)
	name := c.name(prefix)
	c.needFunc(name, "functions to make, change and merge an aggregate", noFunc)
	in := w.g.input(c, m.store.name, m.store.keys)
	m.serdes(in.keys, nil)
	k := &keptWindows[K, A]{store: m.store.planSessions(c, name, w.w, w.onClose), open: openSessions[K, A]}
	keys := sessionKeys(m.store.keys)
	return keepWindows(c, in, name, w.w.Retention(), k, keys, m.store.values, func(sc *topology.Scope, out *processor.Outlet[window.Key[K], change[A]]) (any, error) {
		return newSessionNode(sc, w.w, w.onClose, k.store.Name, makeFold(newNode(sc)), out, k.old)
	})
}
