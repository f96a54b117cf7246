package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/topology"
)

// sentGetter reads a table of the record cache as it has been sent on: without the updates that are held back.
// That is how joins of tables must see each other's rows. Did they see what is held back, a join could show a row
// that goes before it is ever sent on, miss that both rows have gone, or take back a result that it never had.
type sentGetter[K comparable, V any] struct {
	getter[K, V]
	holder processor.Holder
	store  string
	held   *held[K, V]
}

func (g *sentGetter[K, V]) get(key K) (V, int64, bool) {
	if g.held == nil { // the table's own nodes are made after those below
		g.held, _ = g.holder.HeldOf(g.store).(*held[K, V])
	}
	if g.held != nil {
		if v, timestamp, ok, held := g.held.sent(key); held {
			return v, timestamp, ok
		}
	}
	return g.getter.get(key)
}

// sentFrom returns the getter of a table in a store as one of what has been sent on.
func sentFrom[K comparable, V any](sc *topology.Scope, store string, g getter[K, V]) getter[K, V] {
	if holder, ok := sc.Task.(processor.Holder); ok && holder.Holds(store) {
		return &sentGetter[K, V]{getter: g, holder: holder, store: store}
	}
	return g
}

// sentOf returns a getter as one of what has been sent on.
func sentOf[K comparable, V any](sc *topology.Scope, g getter[K, V]) getter[K, V] {
	if s, ok := g.(interface {
		sent(sc *topology.Scope) getter[K, V]
	}); ok {
		return s.sent(sc)
	}
	return g
}

// openSent is open for what has been sent on.
func (v view[K, V]) openSent(sc *topology.Scope) (getter[K, V], error) {
	g, err := v.open(sc)
	if err != nil {
		return nil, err
	}
	return sentOf(sc, g), nil
}
