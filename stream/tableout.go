package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// tableOut is where the updates go that an operator makes of a table: into the table's store, and to the
// operator's children, at once or, in the record cache, later.
type tableOut[K comparable, V any] struct {
	node
	store statestore.Timestamped[K, V] // nil if the table is not kept
	out   *processor.Outlet[K, change[V]]
	old   bool
	held  *held[K, V] // nil if updates are sent on at once
}

// newTableOut returns the way out for a table that is kept in a store, or not at all if store is nil.
func newTableOut[K comparable, V any](sc *topology.Scope, store *plan.Store, out *processor.Outlet[K, change[V]], old bool) (t tableOut[K, V], err error) {
	t = tableOut[K, V]{node: newNode(sc), out: out, old: old}
	if store == nil {
		return t, nil
	}
	if t.store, err = topology.StoreOf[statestore.Timestamped[K, V]](sc, store.Name); err != nil {
		return t, err
	}
	t.held = hold(sc, store.Name, t.store, out, old)
	return t, nil
}

// update stores the new value of a key and sends the change on. timestamp is the value's; now and headers are
// those of the record in process.
func (t *tableOut[K, V]) update(key K, ch change[V], timestamp, now int64, headers record.Headers) {
	if t.held != nil {
		t.hold(key, &ch, timestamp, now, headers)
		return
	}
	if t.store == nil || put(t.node, t.store, key, &ch, timestamp, now) {
		t.out.Forward(record.Record[K, change[V]]{Key: key, Value: ch, Timestamp: timestamp, Headers: headers})
	}
}

// hold stores the new value and holds the change back. Versioned tables, of which put may refuse a value, take
// no part in the record cache.
func (t *tableOut[K, V]) hold(key K, ch *change[V], timestamp, now int64, headers record.Headers) {
	i, fresh := t.held.take(key)
	if fresh {
		v, ok := t.store.Get(key)
		t.held.was(i, v.Value, v.Timestamp, ok)
	}
	put(t.node, t.store, key, ch, timestamp, now)
	t.held.set(i, ch, timestamp, now, headers)
}
