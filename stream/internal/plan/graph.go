// Package plan is the logical graph behind package stream: what the user's calls made, before it becomes a
// topology. It knows names and edges but no types of keys and values; those are closed over in the factories
// that its nodes carry.
//
// It decides what has to equal Kafka Streams to the letter so that an application can be moved over: the
// numbers in generated names, the order in which nodes reach the topology (and with it the numbering of
// subtopologies), the merging of sources, and the optimisations. A Graph is used by one goroutine and written
// once.
//
// Source: KIP-295, KIP-307, KIP-962.
package plan

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/leatstream/leat/topology"
)

// Graph collects nodes in the order of the user's calls.
type Graph struct {
	index    int
	priority int
	// generated are the names that NewName made.
	generated map[string]bool
	root      *Node

	// changers are the nodes that change keys, each with the repartition nodes below it that an optimisation
	// may merge; both in the order in which they were added.
	changers []*changer
	merges   []*Node
	tables   []*Node

	copartitioned []copartitioned
	uses          []use
	mistakes      []mistake
}

type changer struct {
	node         *Node
	repartitions []*Node
}

type use struct {
	node   string
	store  *Store
	caller string
}

type copartitioned struct {
	sources []string
	caller  string
}

type mistake struct {
	caller string
	err    error
}

// New returns an empty graph.
func New() *Graph { return &Graph{root: &Node{}, generated: map[string]bool{}} }

// NewName returns a generated name and uses up a number. A node that the user named uses one up as well, so
// that naming it does not rename those after it.
func (g *Graph) NewName(prefix string) string {
	g.index++
	return g.Generated(fmt.Sprintf("%s%010d", prefix, g.index-1))
}

// Generated notes a name that was made of one of NewName, and returns it.
func (g *Graph) Generated(name string) string {
	g.generated[name] = true
	return name
}

// numbered matches what a name begins with that NewName made: branches, stores and topics append to it.
var numbered = regexp.MustCompile(`^.*-[0-9]{10}`)

func (g *Graph) isGenerated(name string) bool { return g.generated[numbered.FindString(name)] }

// NewStoreName is NewName for stores.
func (g *Graph) NewStoreName(prefix string) string { return g.NewName(prefix + "STATE-STORE-") }

// Fail keeps a mistake for Write to report.
func (g *Graph) Fail(caller string, err error) {
	g.mistakes = append(g.mistakes, mistake{caller, err})
}

// Copartition says that the topics of these source nodes must have equal numbers of partitions. caller is the file
// and line of the operator that needs it.
func (g *Graph) Copartition(caller string, sources ...string) {
	c := copartitioned{caller: caller}
	for _, s := range sources {
		if !slices.Contains(c.sources, s) { // merged streams can come of one source several times
			c.sources = append(c.sources, s)
		}
	}
	g.copartitioned = append(g.copartitioned, c)
}

// Use connects a processor to a store that it does not make by itself: one that an operator makes anywhere in
// the graph or, if there is none of that name, the given one.
func (g *Graph) Use(node string, s *Store, caller string) {
	g.uses = append(g.uses, use{node, s, caller})
}

// Add adds a node below its parents; without parents it is a source. Adding a node again connects it to more
// parents and moves it back in the order of writing.
func (g *Graph) Add(n *Node, parents ...*Node) {
	if len(parents) == 0 {
		parents = []*Node{g.root}
	}
	for _, p := range parents {
		p.addChild(n)
		n.priority = g.priority
		g.priority++
		g.remember(n)
	}
}

func (g *Graph) remember(n *Node) {
	switch {
	case n.KeyChanging:
		g.setChanger(n, nil)
	case n.Repartition != nil && n.Repartition.Optimizable:
		if c := g.changer(keyChangingParent(n)); c != nil && !slices.Contains(c.repartitions, n) {
			c.repartitions = append(c.repartitions, n)
		}
	case n.Merge:
		if !slices.Contains(g.merges, n) {
			g.merges = append(g.merges, n)
		}
	case n.TableSource != nil:
		g.tables = append(g.tables, n)
	}
}

func (g *Graph) changer(n *Node) *changer {
	for _, c := range g.changers {
		if c.node == n {
			return c
		}
	}
	return nil
}

func (g *Graph) setChanger(n *Node, repartitions []*Node) {
	if c := g.changer(n); c != nil {
		c.repartitions = repartitions
		return
	}
	g.changers = append(g.changers, &changer{n, repartitions})
}

// Node is one step of the user's program; it becomes one or more nodes of the topology.
type Node struct {
	// Name is the node's name, which its children know it by in the topology.
	Name string
	// KeyChanging nodes make a repartition necessary further down.
	KeyChanging bool
	// ValueChanging nodes keep repartitions below them from being merged above them.
	ValueChanging bool
	// Merge marks a merge of streams.
	Merge bool
	// RelaxedNullKeyJoin marks a left or outer join, which has a use for null keys: repartitions above it
	// let them pass.
	RelaxedNullKeyJoin bool
	// Versioned says whether the table that leaves the node is versioned; nil leaves that to the nodes above.
	Versioned *bool
	// OnVersioned is called when the graph is written, for each parent whose table is versioned.
	OnVersioned func(parent string)
	// RefuseVersioned is the mistake that it is if the table that the node gets is versioned.
	RefuseVersioned error
	// Caller is where the mistake was made.
	Caller string
	// Grace is how long the windows of a windowed aggregation stay open for late records, in milliseconds; nil
	// on other nodes.
	Grace *int64
	// Output is the type of the records that leave the node, as seen by what a merged repartition needs.
	Output reflect.Type
	// SelfJoin is set on joins of two streams of one type.
	SelfJoin *SelfJoin
	// Source, TableSource and Repartition are set on nodes of these kinds, which optimisations change.
	Source      *Source
	TableSource *TableSource
	Repartition *Repartition
	// Write adds a node of another kind to the topology.
	Write func(w *Writer, parents []string)

	priority int
	parents  []*Node
	children []*Node
	written  bool
}

// Source is a source of a stream.
type Source struct {
	Topics []string
	Reset  topology.OffsetReset
	New    func(*topology.Scope) (any, error)
	Caller string
}

// TableSource is a source of a table: the node that reads the topic and the one that keeps the table.
type TableSource struct {
	Source
	// Name is the source node's name; the table's is that of the Node.
	Name string
	// Store returns the table's store, nil if nothing needs one. It is asked when the graph is written,
	// when every operator has said what it needs.
	Store func() *Store
	// NewTable makes the running part that keeps the table.
	NewTable func(*topology.Scope) (any, error)
	reuse    bool
}

// Repartition carries records to the partition of their new key through an internal topic.
type Repartition struct {
	// Topic is the topic's name without the application id.
	Topic string
	// Filter is the name of a processor before the sink, empty if there is none.
	Filter, Sink, Source string
	// NewFilter makes the filter, with or without null keys dropped.
	NewFilter          func(dropNullKeys bool) func(*topology.Scope) (any, error)
	NewSink, NewSource func(*topology.Scope) (any, error)
	// Partitions is the number of partitions asked for, 0 for none.
	Partitions int32
	// Optimizable repartitions may be merged with others of the same records.
	Optimizable bool
	// Missing says why the topic cannot be written, such as a missing serde.
	Missing error
	Caller  string

	keepNullKeys bool
}

// Store is a store that one or more processors share. Who adds the same *Store again shares it; another one
// of the same name is a mistake.
type Store struct {
	topology.Store
	// Keys and Values are the types that the store holds.
	Keys, Values reflect.Type
}

func (n *Node) addChild(c *Node) {
	if !slices.Contains(n.children, c) {
		n.children = append(n.children, c)
	}
	if !slices.Contains(c.parents, n) {
		c.parents = append(c.parents, n)
	}
}

func (n *Node) removeChild(c *Node) {
	n.children = remove(n.children, c)
	c.parents = remove(c.parents, n)
}

func (n *Node) parentNames() []string {
	var names []string
	for _, p := range n.parents {
		names = append(names, p.Name)
	}
	return names
}

func remove(s []*Node, n *Node) []*Node {
	return slices.DeleteFunc(slices.Clone(s), func(x *Node) bool { return x == n })
}

// find returns the first node that matches on the way up from n, n included: a parent before that parent's
// own parents, the parents in order.
func find(n *Node, match func(*Node) bool) *Node {
	if match(n) {
		return n
	}
	for _, p := range n.parents {
		if match(p) {
			return p
		}
		if f := find(p, match); f != nil {
			return f
		}
	}
	return nil
}

// keyChangingParent is the node that made n's repartition necessary, nil if the values are changed between
// the two: they could not be sent from further up.
func keyChangingParent(n *Node) *Node {
	key := find(n, func(x *Node) bool { return x.KeyChanging })
	if find(n, func(x *Node) bool { return x.KeyChanging || x.ValueChanging }) != key {
		return nil
	}
	return key
}
