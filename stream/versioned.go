package stream

import (
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
)

// planHistory makes the description of a store that of a versioned one.
func (s *Store[K, V]) planHistory(c *call, node string, p *plan.Store) {
	history := s.history.Milliseconds()
	if *s.history < time.Millisecond {
		c.fail("store %q of node %q keeps a history of %v; it must be at least a millisecond", s.name, node, *s.history)
	} else if *s.history%time.Millisecond != 0 {
		c.fail("store %q of node %q keeps a history of %v; times count in whole milliseconds", s.name, node, *s.history)
	}
	keys, values := s.keys, s.values
	p.Kind = changelog.Versioned
	p.Retention = history
	p.Cached = false
	p.New = func(env statestore.Env) (statestore.Store, error) {
		return statestore.NewVersioned(env, keys, values, history)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) { return statestore.RestoreVersioned(e, history) }
}

// versioned says for the graph whether the table is versioned.
func (k *kept[K, V]) versioned() *bool {
	v := k.store.Kind == changelog.Versioned
	return &v
}

// putVersion writes a versioned table's new value at the time that it is of.
func putVersion[K comparable, V any](n node, s statestore.Versioned[K, V], key K, ch *change[V], timestamp int64) bool {
	var p statestore.Placement
	if ch.newNull {
		p = s.DeleteVersion(key, timestamp)
	} else {
		p = s.PutVersion(key, ch.new, timestamp)
	}
	ch.late = !p.Latest()
	if !p.Kept {
		n.task.Drop(n.name, processor.DropExpired)
	}
	return p.Kept
}

// historyGetter is a getter that may know the values that a table had at other times.
type historyGetter[K comparable, V any] interface {
	getter[K, V]
	// versioned reports whether it does.
	versioned() bool
	getAsOf(key K, at int64) (value V, timestamp int64, ok bool)
}

// historyOf returns the getter as one that knows a table's history, nil if it does not.
func historyOf[K comparable, V any](g getter[K, V]) historyGetter[K, V] {
	if h, ok := g.(historyGetter[K, V]); ok && h.versioned() {
		return h
	}
	return nil
}

func (g storeGetter[K, V]) versioned() bool {
	_, ok := g.store.(statestore.Versioned[K, V])
	return ok
}

func (g storeGetter[K, V]) getAsOf(key K, at int64) (V, int64, bool) {
	v, ok := g.store.(statestore.Versioned[K, V]).GetAsOf(key, at)
	return v.Value, v.From, ok
}

func (g *derivedGetter[K, V, V2]) versioned() bool { return historyOf(g.parent) != nil }

func (g *derivedGetter[K, V, V2]) getAsOf(key K, at int64) (v2 V2, timestamp int64, ok bool) {
	v, timestamp, ok := historyOf(g.parent).getAsOf(key, at)
	return g.of(key, v, timestamp, ok)
}
