package topology

import (
	"fmt"
	"slices"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

// Handle stands for nodes of a topology that is built by hand, and for the types of what comes out of them.
// [From], [Process] and [To] connect nodes by it, so that the compiler checks the types of every edge.
type Handle[K, V any] struct {
	b     *Builder
	nodes []string
}

// Nodes returns the names of the nodes.
func (h Handle[K, V]) Nodes() []string { return slices.Clone(h.nodes) }

// From adds a source that reads topics with these serdes, with the timestamps that Kafka stored.
func From[K, V any](b *Builder, name string, keys serde.Serde[K], values serde.Serde[V], topics ...string) Handle[K, V] {
	n := Node{Name: name}
	for _, t := range topics {
		n.Topics = append(n.Topics, Topic{Name: t})
	}
	return FromNode(b, n, SourceConfig[K, V]{Key: keys, Value: values})
}

// FromNode adds a source by its node, of which Name, Topics and Reset are taken, and its config.
func FromNode[K, V any](b *Builder, n Node, c SourceConfig[K, V]) Handle[K, V] {
	n.Caller = Caller()
	if c.Key == nil || c.Value == nil {
		b.failf(n.Caller, "source %q has no serde for its keys or values; pass both", n.Name)
	}
	n.New = NewSource(c)
	b.AddSource(n)
	return Handle[K, V]{b: b, nodes: []string{n.Name}}
}

// Union returns a handle of all nodes of several: a node below it gets the records of each.
func Union[K, V any](first Handle[K, V], others ...Handle[K, V]) Handle[K, V] {
	u := Handle[K, V]{b: first.b, nodes: slices.Clone(first.nodes)}
	for _, h := range others {
		u.nodes = append(u.nodes, h.nodes...)
	}
	return u
}

// Process adds a processor below from and connects it to stores, which are added with [Builder.AddStore]. The
// supplier is called twice at once, to see that it returns a new processor each time, and then for each task.
func Process[KIn, VIn, KOut, VOut any](from Handle[KIn, VIn], name string, supplier processor.Supplier[KIn, VIn, KOut, VOut], stores ...string) Handle[KOut, VOut] {
	n := Node{Name: name, Stores: stores, Caller: Caller(), New: NewProcessor(supplier)}
	if err := CheckSupplier(supplier); err != nil {
		from.b.failf(n.Caller, "processor %q: %w", name, err)
	}
	from.b.AddProcessor(n, from.nodes...)
	return Handle[KOut, VOut]{b: from.b, nodes: []string{name}}
}

// To adds a sink below from that writes a topic with these serdes, partitioned by the hash of the key.
func To[K, V any](from Handle[K, V], name, topic string, keys serde.Serde[K], values serde.Serde[V]) {
	ToNode(from, Node{Name: name, Topics: []Topic{{Name: topic}}}, SinkConfig[K, V]{Key: keys, Value: values})
}

// ToNode adds a sink by its node, of which Name, Topics and Extractor are taken, and its config.
func ToNode[K, V any](from Handle[K, V], n Node, c SinkConfig[K, V]) {
	n.Caller = Caller()
	if c.Key == nil || c.Value == nil {
		from.b.failf(n.Caller, "sink %q has no serde for its keys or values; pass both", n.Name)
	}
	if (len(n.Topics) > 0) == (c.Topic != nil) {
		from.b.failf(n.Caller, "sink %q needs either one topic or a function that chooses it", n.Name)
	}
	n.New = NewSink(c)
	from.b.AddSink(n, from.nodes...)
}

// KeyValue describes a store of one value a key, kept on disk and logged to a changelog; fields of the result
// may be changed before it is added. A processor gets it with
//
//	topology.StoreIn[statestore.KeyValue[K, V]](ctx, name)
func KeyValue[K comparable, V any](name string, keys serde.Serde[K], values serde.Serde[V]) Store {
	return Store{
		Name: name, Kind: changelog.KeyValue, Persistent: true, Logged: true, Caller: Caller(),
		New: func(env statestore.Env) (statestore.Store, error) { return statestore.NewKeyValue(env, keys, values) },
	}
}

// Timestamped describes a store of one value and timestamp a key, otherwise as [KeyValue].
func Timestamped[K comparable, V any](name string, keys serde.Serde[K], values serde.Serde[V]) Store {
	return Store{
		Name: name, Kind: changelog.Timestamped, Persistent: true, Logged: true, Caller: Caller(),
		New: func(env statestore.Env) (statestore.Store, error) {
			return statestore.NewTimestamped(env, keys, values)
		},
	}
}

// StoreContext is the part of a processor's context that a store is taken from.
type StoreContext interface {
	Store(name string) (statestore.Store, error)
}

// StoreIn returns a store that the processor is connected to, by the interface that it uses it with. It fails
// if the processor is not connected to it, or if it is a store of another type.
func StoreIn[S statestore.Store](ctx StoreContext, name string) (S, error) {
	var zero S
	st, err := ctx.Store(name)
	if err != nil {
		return zero, err
	}
	typed, ok := st.(S)
	if !ok {
		return zero, fmt.Errorf("store %q is used as %s, but it is a %T", name, typeName[S](), st)
	}
	return typed, nil
}
