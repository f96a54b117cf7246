package stream

import (
	"errors"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// GlobalTable is a table that every instance of the application has in full: the latest value of each key, over
// all partitions of its topic. Streams are joined with it by any key, without a repartition, and its topic may
// have any number of partitions. Each instance reads all of the topic before it processes its first record, and
// keeps reading beside the tasks, so a join sees what the table holds at that moment, whatever the timestamps.
//
// Processors read its store by the handle, without being connected to it; nobody writes it but by its topic.
type GlobalTable[K comparable, V any] struct{ *globalTable[K, V] }

type globalTable[K comparable, V any] struct {
	b    *Builder
	name string
	rows view[K, V]
	// values is the serde of the rows.
	values serde.Serde[V]
}

// GlobalTableFrom reads a topic as a global table. Records without a key are dropped, null values delete. With a
// nil store it has one under a generated name. Options: [Named], [Timestamp], [InvalidTimestamp].
func GlobalTableFrom[K comparable, V any](b *Builder, topic Topic[K, V], store *Store[K, V], opts ...Option) GlobalTable[K, V] {
	c := b.begin("GlobalTableFrom", opts, optName, optTime, optInvalid)
	m := materialize(store)
	m.ofTopic(c, topic.name)
	m.serdes(topic.keys, topic.values)
	source := c.suffixed("-source", "KSTREAM-SOURCE-")
	name := c.name("KTABLE-SOURCE-")
	checkTopic(c, name, topic)
	if m.store.config != nil {
		c.b.plan.Fail(c.at, errors.New("global store \""+m.store.name+"\" is given settings for a changelog topic; its own topic serves as one"))
	}
	if m.store.history != nil {
		c.fail("global table %q keeps a history; only tables that tasks share out can be versioned", name)
		m.store.history = nil
	}
	st := m.store.plan(c, name, true)
	src := sourceOf(c, source, topic)
	update := topology.Node{Name: name, Caller: c.at, New: factory(func(sc *topology.Scope, out *processor.Outlet[K, change[V]]) (any, error) {
		t, err := newTableOut(sc, st, out, false)
		return &tableSource[K, V]{t}, err
	})}
	b.plan.Add(&plan.Node{Name: name, Write: func(w *plan.Writer, _ []string) { w.AddGlobal(st.Store, src, update) }})
	return GlobalTable[K, V]{&globalTable[K, V]{b: b, name: name, rows: storeView[K, V](st.Name), values: m.store.values}}
}

// selectedKey finds the row's key with a function of the user's.
type selectedKey[K, V any, RK comparable] struct {
	function[K, V, RK]
	null record.Nullness[RK]
}

func (s *selectedKey[K, V, RK]) of(r record.Record[K, V]) (key RK, null, ok bool) {
	if key, ok = s.call(r.Key, r.Value); !ok {
		return key, true, false
	}
	return key, s.null.IsNull(&key), true
}
