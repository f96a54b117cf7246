package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// TableFrom reads a topic as a table. Records without a key are dropped, null values delete. The last record
// of a key by offset wins, whatever its time. With a nil store the table is kept only if something below
// needs it. Options: [Named], [Reset], [Timestamp], [InvalidTimestamp].
func TableFrom[K comparable, V any](b *Builder, topic Topic[K, V], store *Store[K, V], opts ...Option) Table[K, V] {
	c := b.begin("TableFrom", opts, sourceOptions...)
	m := materialize(store)
	m.ofTopic(c, topic.name)
	m.serdes(topic.keys, topic.values)
	source := c.suffixed("-source", "KSTREAM-SOURCE-")
	name := c.name("KTABLE-SOURCE-")
	checkTopic(c, name, topic)
	needKey[K](c, name)
	u := &sourceUpkeep[K, V]{c: c, name: name, m: m, needed: m.queryable}
	n := &plan.Node{Name: name, Output: changesOf[K, V](), Versioned: m.versioned(), TableSource: &plan.TableSource{
		Source: plan.Source{
			Topics: []string{topic.name},
			Reset:  c.options.reset,
			New:    sourceNode(c, source, topology.SourceConfig[K, V]{Key: topic.keys, Value: topic.values}),
			Caller: c.at,
		},
		Name:     source,
		Store:    u.store,
		NewTable: factory(u.make),
	}}
	b.plan.Add(n)
	return Table[K, V]{&table[K, V]{
		b: b, name: name, node: n, keys: topic.keys, values: topic.values, sources: []string{source}, upkeep: u,
	}}
}

// ToTable takes each record of a stream as an update of its key: a null value deletes, records without a key
// are dropped. If the keys were changed, it goes through a repartition topic first. With a nil store the
// table is kept only if something below needs it. Options: [Named], and the repartition topic's serdes,
// [Keys] and [Values].
//
// Source: KIP-523.
func ToTable[K comparable, V any](s Stream[K, V], store *Store[K, V], opts ...Option) Table[K, V] {
	c := s.b.begin("ToTable", opts, optName, optKeys, optValues)
	name := c.name("KSTREAM-TOTABLE-")
	m := materialize(store)
	m.named(c, "KSTREAM-TOTABLE-")
	needKey[K](c, name)
	keys, values := toTableSerdes(c, name, s, m)
	m.serdes(keys, values)
	in := s
	if s.rekeyed {
		r := repartition(c, name, keys, values, nil)
		c.b.plan.Add(r, s.node)
		in = through(c, r, keys, values)
	}
	u := &sourceUpkeep[K, V]{c: c, name: name, m: m, needed: m.queryable}
	n := &plan.Node{Name: name, Output: changesOf[K, V](), Versioned: m.versioned(), Write: func(w *plan.Writer, parents []string) {
		processorNode(c, name, u.make, u.store())(w, parents)
	}}
	c.b.plan.Add(n, in.node)
	return Table[K, V]{&table[K, V]{b: c.b, name: name, node: n, keys: keys, values: values, sources: in.sources, upkeep: u}}
}

// toTableSerdes gives the store's serdes precedence over the stream's, as for the store they are exact.
func toTableSerdes[K comparable, V any](c *call, name string, s Stream[K, V], m materialized[K, V]) (serde.Serde[K], serde.Serde[V]) {
	return serdesOf(c, name, firstSerde(m.store.keys, s.keys), firstSerde(m.store.values, s.values))
}

// sourceUpkeep is the upkeep of a table made directly of records.
type sourceUpkeep[K comparable, V any] struct {
	c      *call
	name   string
	m      materialized[K, V]
	needed bool
	old    bool
	made   *plan.Store
}

func (u *sourceUpkeep[K, V]) sendOldValues(force bool) bool {
	if !force && !u.needed {
		return false
	}
	u.needed, u.old = true, true
	return true
}

func (u *sourceUpkeep[K, V]) view() view[K, V] {
	u.needed = true
	return storeView[K, V](u.m.store.name)
}

// store returns the table's store if something needs it. It is called when nothing more can need it.
func (u *sourceUpkeep[K, V]) store() *plan.Store {
	if u.needed && u.made == nil {
		u.made = u.m.store.plan(u.c, u.name, true)
	}
	return u.made
}

func (u *sourceUpkeep[K, V]) make(sc *topology.Scope, out *processor.Outlet[K, change[V]]) (any, error) {
	t, err := newTableOut(sc, u.store(), out, u.old)
	return &tableSource[K, V]{t}, err
}

// tableSource makes changes of records.
type tableSource[K comparable, V any] struct{ tableOut[K, V] }

// Process implements processor.Receiver.
func (t *tableSource[K, V]) Process(r record.Record[K, V]) {
	if r.Null.Key() {
		t.task.Drop(t.name, processor.DropNullKey)
		return
	}
	ch := change[V]{new: r.Value, newNull: r.Null.Value(), oldNull: true}
	if t.store != nil && t.old && t.held == nil {
		if v, ok := t.store.Get(r.Key); ok {
			ch.old, ch.oldNull = v.Value, false
		}
	}
	t.update(r.Key, ch, r.Timestamp, r.Timestamp, r.Headers)
}
