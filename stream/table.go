package stream

import (
	"reflect"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Table is the latest value of each key: a record of it is an update of its key, and a null value deletes it.
// Like a [Stream] it is a handle. Whether it is kept in a store depends on the operator that makes it and on
// what is done with it.
type Table[K comparable, V any] struct{ *table[K, V] }

type table[K comparable, V any] struct {
	b      *Builder
	name   string
	node   *plan.Node
	keys   serde.Serde[K]
	values serde.Serde[V]
	// sources are the source nodes that the updates can have come in by, for co-partitioning.
	sources []string
	upkeep  upkeep[K, V]
	old     bool
}

// upkeep is what operators below a table ask of the operator that makes it, while the program is described.
type upkeep[K comparable, V any] interface {
	// sendOldValues asks for updates that carry the value before. It reports false if the table does not
	// know it; force makes it keep a store then.
	sendOldValues(force bool) bool
	// view gives access to the current values, for which the table may have to be kept from then on.
	view() view[K, V]
}

// sendOldValues asks once; the answer stays.
func (t *table[K, V]) sendOldValues(force bool) bool {
	if !t.old {
		t.old = t.upkeep.sendOldValues(force)
	}
	return t.old
}

// view reads a table's current values from a node of the same task, which must be connected to the stores.
type view[K comparable, V any] struct {
	stores []string
	open   func(*topology.Scope) (getter[K, V], error)
}

type getter[K comparable, V any] interface {
	get(key K) (value V, timestamp int64, ok bool)
}

// change is an update of a table: the new value and, where it was asked for, the one before.
type change[V any] struct {
	new, old         V
	newNull, oldNull bool
	// late marks an update that is not the latest of its key by time, which versioned tables know.
	late bool
}

// changesOf is the type of the records that a table hands to its children.
func changesOf[K, V any]() reflect.Type { return recordsOf[K, change[V]]() }

// update returns the record of a change to the key of r.
func update[K, V, V2 any](r record.Record[K, V], ch change[V2], timestamp int64) record.Record[K, change[V2]] {
	return record.Record[K, change[V2]]{Key: r.Key, Value: ch, Timestamp: timestamp, Headers: r.Headers}
}

// kept is the upkeep of a table that always has a store.
type kept[K comparable, V any] struct {
	store *plan.Store
	old   bool
}

func (k *kept[K, V]) sendOldValues(bool) bool {
	k.old = true
	return true
}

func (k *kept[K, V]) view() view[K, V] { return storeView[K, V](k.store.Name) }

func storeView[K comparable, V any](store string) view[K, V] {
	return view[K, V]{[]string{store}, func(sc *topology.Scope) (getter[K, V], error) {
		st, err := topology.StoreOf[statestore.Timestamped[K, V]](sc, store)
		return storeGetter[K, V]{st}, err
	}}
}

type storeGetter[K comparable, V any] struct{ store statestore.Timestamped[K, V] }

func (g storeGetter[K, V]) get(key K) (V, int64, bool) {
	v, ok := g.store.Get(key)
	return v.Value, v.Timestamp, ok
}

func (g storeGetter[K, V]) sent(sc *topology.Scope) getter[K, V] {
	return sentFrom(sc, g.store.Name(), g)
}

// put writes a table's new value; now is the time of the record in process. A versioned table says whether the
// value is the latest of its key; put reports false, and counts the drop, if it comes too late for the table.
func put[K comparable, V any](n node, s statestore.Timestamped[K, V], key K, ch *change[V], timestamp, now int64) bool {
	if v, ok := s.(statestore.Versioned[K, V]); ok {
		return putVersion(n, v, key, ch, timestamp)
	}
	ch.late = false
	if ch.newNull {
		s.Delete(key, now)
	} else {
		s.Put(key, ch.new, timestamp)
	}
	return true
}
