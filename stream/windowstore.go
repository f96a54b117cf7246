package stream

import (
	"math"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// planWindows returns the description of the store for a windowed aggregation.
func (s *Store[K, V]) planWindows(c *call, node string, w window.Windows, onClose bool) *plan.Store {
	spec := statestore.WindowSpec{Size: w.Size(), Retention: s.retain(c, node, w.Retention()), Order: s.order(onClose, statestore.ByTime)}
	if !w.IsSliding() && !w.IsUnlimited() {
		spec.Segment = max(1, w.Advance())
	}
	p := s.planSpec(c, node, onClose, changelog.TimestampedWindow, spec)
	if onClose && !s.inMemory {
		spec.Retention++ // as in Kafka Streams, whose other stores drop the very window that closes at the bound
	}
	keys, values := s.keys, s.values
	p.New = func(env statestore.Env) (statestore.Store, error) {
		return statestore.NewTimestampedWindow(env, keys, values, spec)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) {
		return statestore.RestoreWindow(e, spec, true)
	}
	return p
}

// planSessions returns the description of the store for an aggregation of sessions.
func (s *Store[K, V]) planSessions(c *call, node string, w window.Sessions, onClose bool) *plan.Store {
	spec := statestore.WindowSpec{Retention: s.retain(c, node, w.Retention()), Order: s.order(onClose, statestore.ByTimeAndStart)}
	p := s.planSpec(c, node, onClose, changelog.Session, spec)
	keys, values := s.keys, s.values
	p.New = func(env statestore.Env) (statestore.Store, error) {
		return statestore.NewSession(env, keys, values, spec)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) {
		return statestore.RestoreSession(e, spec)
	}
	return p
}

func (s *Store[K, V]) planSpec(c *call, node string, onClose bool, kind changelog.Kind, spec statestore.WindowSpec) *plan.Store {
	if s.history != nil {
		c.fail("store %q of node %q keeps windows and cannot keep a history of them, too; leave out WithHistory", s.name, node)
	}
	plain := *s
	plain.history = nil
	p := plain.plan(c, node, false)
	p.Kind, p.Retention, p.Cached = kind, spec.Retention, !s.uncached && !onClose
	return p
}

// retain returns how long the store keeps windows that need at least so long.
func (s *Store[K, V]) retain(c *call, node string, least int64) int64 {
	if s.retention != nil && least == math.MaxInt64 {
		c.fail("store %q of node %q retains windows for %v, but unlimited windows are kept for ever; leave Retention out", s.name, node, *s.retention)
		return least
	}
	if s.retention != nil {
		if *s.retention%time.Millisecond != 0 {
			c.fail("store %q of node %q retains windows for %v; times count in whole milliseconds", s.name, node, *s.retention)
		}
		if given := s.retention.Milliseconds(); given >= least {
			least = given
		} else {
			c.fail("store %q of node %q retains windows for %v, but their size and grace period need at least %d ms; retain them longer or shorten the grace period", s.name, node, *s.retention, least)
		}
	}
	return max(1, least)
}

// order is the order of Kafka Streams' store of the same kind; onCloseOnDisk is that of persistent ones that
// emit on close.
func (s *Store[K, V]) order(onClose bool, onCloseOnDisk statestore.WindowOrder) statestore.WindowOrder {
	switch {
	case s.inMemory:
		return statestore.ByTime
	case onClose:
		return onCloseOnDisk
	default:
		return statestore.ByKey
	}
}

// keptWindows is the upkeep of a table of windows, which always has a store.
type keptWindows[K comparable, A any] struct {
	store *plan.Store
	open  func(*topology.Scope, string) (getter[window.Key[K], A], error)
	old   bool
}

func (k *keptWindows[K, A]) sendOldValues(bool) bool {
	k.old = true
	return true
}

func (k *keptWindows[K, A]) view() view[window.Key[K], A] {
	return view[window.Key[K], A]{stores: []string{k.store.Name}, open: func(sc *topology.Scope) (getter[window.Key[K], A], error) {
		return k.open(sc, k.store.Name)
	}}
}

// keepWindows adds a node below a stream that keeps a table of windows.
func keepWindows[K comparable, V, A any](c *call, in Stream[K, V], name string, grace int64, k *keptWindows[K, A], keys serde.Serde[window.Key[K]], values serde.Serde[A], makeNode func(*topology.Scope, *processor.Outlet[window.Key[K], change[A]]) (any, error)) Table[window.Key[K], A] {
	n := &plan.Node{
		Name: name, Output: changesOf[window.Key[K], A](), Grace: &grace, Versioned: new(false),
		Write: processorNode(c, name, makeNode, k.store),
	}
	c.b.plan.Add(n, in.node)
	return Table[window.Key[K], A]{&table[window.Key[K], A]{
		b: c.b, name: name, node: n, keys: keys, values: values, sources: in.sources, upkeep: k,
	}}
}

// windowGetter reads the values of a table of windows.
type windowGetter[K comparable, A any] struct {
	store statestore.TimestampedWindow[K, A]
}

func (g windowGetter[K, A]) get(k window.Key[K]) (A, int64, bool) {
	v, ok := g.store.Get(k.Key, k.Start)
	return v.Value, v.Timestamp, ok
}

func (g windowGetter[K, A]) sent(sc *topology.Scope) getter[window.Key[K], A] {
	return sentFrom(sc, g.store.Name(), g)
}

func openWindows[K comparable, A any](sc *topology.Scope, store string) (getter[window.Key[K], A], error) {
	st, err := topology.StoreOf[statestore.TimestampedWindow[K, A]](sc, store)
	return windowGetter[K, A]{st}, err
}

// sessionGetter reads the values of a table of sessions, whose time is their end.
type sessionGetter[K comparable, A any] struct{ store statestore.Session[K, A] }

func (g sessionGetter[K, A]) get(k window.Key[K]) (A, int64, bool) {
	v, ok := g.store.Get(k)
	return v, k.End, ok
}

func (g sessionGetter[K, A]) sent(sc *topology.Scope) getter[window.Key[K], A] {
	return sentFrom(sc, g.store.Name(), g)
}

func openSessions[K comparable, A any](sc *topology.Scope, store string) (getter[window.Key[K], A], error) {
	st, err := topology.StoreOf[statestore.Session[K, A]](sc, store)
	return sessionGetter[K, A]{st}, err
}

// windowKeys returns the serde of the keys of a table of windows, nil if that of the keys is not known.
func windowKeys[K comparable](keys serde.Serde[K], size int64) serde.Serde[window.Key[K]] {
	if keys == nil {
		return nil
	}
	return window.Keys(keys, size)
}
