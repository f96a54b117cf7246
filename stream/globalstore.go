package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// GlobalStoreFrom reads a topic into a store that every instance of the application has in full, by a processor of
// the user's that puts into it what it makes of each record, null keys and values included. Unlike in a
// [GlobalTable] the store may have other keys and values than the topic. Processors read it by its handle without
// being connected to it; only update writes it, and it forwards nothing. The rest is as for a global table: all
// of the topic is read before the first record is processed, and goes on being read beside the tasks.
//
// The store has no changelog. It must have a name, and keeps one value a key: of key-value stores, or
// [Store.WithTimestamps]. Options: [Named], [Timestamp], [InvalidTimestamp].
//
// Source: KIP-233; org.apache.kafka.streams.StreamsBuilder.addGlobalStore.
func GlobalStoreFrom[K, V any, SK comparable, SV any](b *Builder, topic Topic[K, V], store *Store[SK, SV], update processor.Supplier[K, V, struct{}, struct{}], opts ...Option) {
	c := b.begin("GlobalStoreFrom", opts, optName, optTime, optInvalid)
	source := c.suffixed("-source", "KSTREAM-SOURCE-")
	name := c.name("KTABLE-SOURCE-")
	checkTopic(c, name, topic)
	if err := topology.CheckSupplier(update); err != nil {
		c.fail("node %q: %w", name, err)
	}
	if store == nil {
		c.fail("node %q fills no store; pass one made with NewStore", name)
		return
	}
	st := store.unmade(c, name)
	if st == nil {
		return
	}
	if store.config != nil {
		c.fail("global store %q is given settings for a changelog topic; its own topic serves as one", store.name)
	}
	src := sourceOf(c, source, topic)
	n := topology.Node{Name: name, Caller: c.at, New: topology.NewProcessor(update)}
	b.plan.Add(&plan.Node{Name: name, Write: func(w *plan.Writer, _ []string) { w.AddGlobal(st.Store, src, n) }})
}

// sourceOf is the source of a global store.
func sourceOf[K, V any](c *call, name string, topic Topic[K, V]) topology.Node {
	return topology.Node{
		Name: name, Topics: []topology.Topic{{Name: topic.name}}, Caller: c.at,
		New: sourceNode(c, name, topology.SourceConfig[K, V]{Key: topic.keys, Value: topic.values}),
	}
}
