package topology

import (
	"errors"
	"fmt"
	"slices"

	"github.com/leatstream/leat/changelog"
)

// Builder collects a topology. Its methods do not return errors: what is wrong comes out of Build, all of it
// together, each problem with the place in the user's code that made it. A Builder is used by one goroutine
// and builds one topology.
type Builder struct {
	nodes        []*Node
	byName       map[string]*Node
	stores       []*Store
	storeByName  map[string]*Store
	global       map[string]bool // sources of global stores
	readers      map[Topic]string
	repartitions []*Repartition
	copartitions []copartition
	connections  []connection
	problems     []error
}

// connection is a store's use by a processor, checked once everything is there.
type connection struct {
	store, node, caller string
}

type copartition struct {
	sources []string
	caller  string
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	return &Builder{
		byName:      make(map[string]*Node),
		storeByName: make(map[string]*Store),
		global:      make(map[string]bool),
		readers:     make(map[Topic]string),
	}
}

// Fail adds a mistake that was found elsewhere to those that Build reports. caller is a file and line, see
// [Caller].
func (b *Builder) Fail(caller string, err error) {
	b.problems = append(b.problems, fmt.Errorf("%s: %w", caller, err))
}

func (b *Builder) failf(caller, format string, args ...any) {
	b.Fail(caller, fmt.Errorf(format, args...))
}

// AddSource adds a node that reads n.Topics. The caller sets Name, Topics, Reset and New; the builder sets
// Kind, Parents, Children and, if it is empty, Caller.
func (b *Builder) AddSource(n Node) {
	b.addSource(n)
}

func (b *Builder) addSource(n Node) {
	n.Kind = Source
	node := b.add(n, nil)
	if len(n.Topics) == 0 {
		b.failf(node.Caller, "source %q reads no topic; name at least one", n.Name)
	}
	for _, t := range n.Topics {
		b.checkTopic(node, t)
		if reader, ok := b.readers[t]; ok {
			b.failf(node.Caller, "source %q reads topic %q, which source %q reads already; read it once and use that stream twice", n.Name, t.Name, reader)
			continue
		}
		b.readers[t] = n.Name
	}
}

// AddProcessor adds a node that gets its parents' records. The parents must have been added before. The
// caller sets Name, New and, for the stores that it uses, Stores, which is the same as [Builder.Connect].
func (b *Builder) AddProcessor(n Node, parents ...string) {
	n.Kind = Processor
	b.add(n, parents)
}

// AddSink adds a node that writes its parents' records to the topic in n.Topics, or, if that is empty, to one
// chosen for each record, in which case n.Extractor describes the choice. The caller sets Name, Topics and New.
func (b *Builder) AddSink(n Node, parents ...string) {
	n.Kind = Sink
	node := b.add(n, parents)
	if len(n.Topics) > 1 {
		b.failf(node.Caller, "sink %q has %d topics; a sink writes one topic, or chooses it for each record", n.Name, len(n.Topics))
	}
	for _, t := range n.Topics {
		b.checkTopic(node, t)
	}
}

func (b *Builder) add(n Node, parents []string) *Node {
	if n.Caller == "" {
		n.Caller = Caller()
	}
	node := &n
	node.Topics, node.Parents, node.Children = slices.Clone(n.Topics), nil, nil
	stores := node.Stores
	node.Stores = nil
	b.checkName(n.Caller, n.Kind.String(), n.Name)
	if n.New == nil {
		b.failf(n.Caller, "%s %q has no factory; set Node.New", n.Kind, n.Name)
	}
	if other := b.byName[n.Name]; other != nil {
		b.failf(n.Caller, "%s %q has the name of a %s added at %s; names of nodes are unique", n.Kind, n.Name, other.Kind, other.Caller)
		return node
	}
	if n.Kind != Source && len(parents) == 0 {
		b.failf(n.Caller, "%s %q has no parent; name the nodes whose records it gets", n.Kind, n.Name)
	}
	for _, name := range parents {
		b.connectParent(node, name)
	}
	b.nodes = append(b.nodes, node)
	b.byName[n.Name] = node
	for _, s := range stores {
		b.connections = append(b.connections, connection{s, n.Name, n.Caller})
	}
	return node
}

func (b *Builder) connectParent(n *Node, name string) {
	parent := b.byName[name]
	switch {
	case name == n.Name:
		b.failf(n.Caller, "%s %q is its own parent; a topology has no cycles", n.Kind, n.Name)
	case parent == nil:
		b.failf(n.Caller, "%s %q has the unknown parent %q; add the parent before it", n.Kind, n.Name, name)
	case parent.Kind == Sink:
		b.failf(n.Caller, "%s %q has the sink %q as a parent; nothing comes out of a sink, take the sink's own parent", n.Kind, n.Name, name)
	case b.global[name]:
		b.failf(n.Caller, "%s %q has the source of a global store, %q, as a parent; only the store's own processor gets its records", n.Kind, n.Name, name)
	case slices.Contains(n.Parents, name):
		b.failf(n.Caller, "%s %q names the parent %q twice; it would get each record twice", n.Kind, n.Name, name)
	default:
		n.Parents = append(n.Parents, name)
		parent.Children = append(parent.Children, n.Name)
	}
}

// AddStore adds a store and connects it to nodes. Nodes that share a store are in one subtopology.
func (b *Builder) AddStore(s Store, nodes ...string) {
	if b.addStore(s) {
		for _, n := range nodes {
			b.connections = append(b.connections, connection{s.Name, n, b.storeByName[s.Name].Caller})
		}
	}
}

func (b *Builder) addStore(s Store) bool {
	if s.Caller == "" {
		s.Caller = Caller()
	}
	s.Nodes = nil
	b.checkName(s.Caller, "store", s.Name)
	if s.New == nil {
		b.failf(s.Caller, "store %q has no factory; set Store.New", s.Name)
	}
	if other := b.storeByName[s.Name]; other != nil {
		b.failf(s.Caller, "store %q has the name of a store added at %s; names of stores are unique, use Connect to share one", s.Name, other.Caller)
		return false
	}
	b.stores = append(b.stores, &s)
	b.storeByName[s.Name] = &s
	return true
}

// Connect lets processors use a store. Both may also be added later.
func (b *Builder) Connect(store string, nodes ...string) {
	caller := Caller()
	for _, n := range nodes {
		b.connections = append(b.connections, connection{store, n, caller})
	}
}

// AddGlobal adds a global store: one that every instance fills from all partitions of the source's one topic,
// through the processor update. The group of the two takes the id of a subtopology but has no tasks. Every
// processor may read the store without being connected to it.
func (b *Builder) AddGlobal(s Store, source, update Node) {
	if s.Caller == "" {
		s.Caller = Caller()
	}
	b.addSource(source)
	if len(source.Topics) != 1 {
		b.failf(s.Caller, "global store %q is filled from %d topics; it needs exactly one", s.Name, len(source.Topics))
	} else {
		s.Source = source.Topics[0].Name
	}
	if s.Kind != changelog.KeyValue && s.Kind != changelog.Timestamped {
		b.failf(s.Caller, "global store %q keeps more than one value a key; tasks read global stores through views, which there are for key-value and timestamped stores", s.Name)
	}
	s.Logged = false
	b.AddProcessor(update, source.Name)
	b.global[source.Name] = true
	if b.addStore(s) {
		b.connections = append(b.connections, connection{s.Name, update.Name, s.Caller})
	}
}

// AddRepartition adds an internal topic. Exactly one source reads it and at least one sink writes it, both
// with r.Topic among their topics.
func (b *Builder) AddRepartition(r Repartition) {
	if r.Caller == "" {
		r.Caller = Caller()
	}
	caller := r.Caller
	r.Topic.Internal = true
	if !b.checkName(caller, "repartition topic", r.Topic.Name) {
		return
	}
	for _, other := range b.repartitions {
		if other.Topic == r.Topic {
			b.failf(caller, "repartition topic %q is added twice; give each its own name", r.Topic.Name)
			return
		}
	}
	if r.Partitions < 0 {
		b.failf(caller, "repartition topic %q has %d partitions; set a positive number, or 0 to take that of the topics before it", r.Topic.Name, r.Partitions)
	}
	b.repartitions = append(b.repartitions, &r)
}

// Copartition demands equal numbers of partitions of the topics that these sources read.
func (b *Builder) Copartition(sources ...string) { b.CopartitionFor(Caller(), sources...) }

// CopartitionFor is [Builder.Copartition] on behalf of a caller, a file and line, that problems are reported with.
func (b *Builder) CopartitionFor(caller string, sources ...string) {
	b.copartitions = append(b.copartitions, copartition{slices.Clone(sources), caller})
}

// Build checks the topology and returns it. The error joins all problems.
func (b *Builder) Build() (*Topology, error) {
	t := new(Topology)
	b.connectStores(t)
	b.checkRepartitions()
	if len(b.readers) == 0 {
		b.failf(Caller(), "the topology has no source; read at least one topic")
	}
	b.split(t)
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	return t, nil
}

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Source:
		return "source"
	case Sink:
		return "sink"
	default:
		return "processor"
	}
}
