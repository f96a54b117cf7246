package topology

import (
	"fmt"
	"slices"
	"strings"
)

// Describe returns the text that Kafka Streams' Topology.describe() gives for the same graph. Internal topics
// stand in it without the application id.
func (t *Topology) Describe() string {
	var w strings.Builder
	w.WriteString("Topologies:\n ")
	for _, s := range t.Subtopologies {
		if s.Global {
			fmt.Fprintf(&w, "  Sub-topology: %d for global store (will not generate tasks)\n", s.ID)
		} else {
			fmt.Fprintf(&w, "  Sub-topology: %d\n", s.ID)
		}
		d := newDescription(s)
		for _, n := range d.nodes() {
			d.write(&w, n)
		}
		if !s.Global {
			w.WriteByte('\n')
		}
	}
	return w.String()
}

// description is a subtopology in the order of its text: nodes with more below them come first.
type description struct {
	byName map[string]*described
	all    []*described
}

type described struct {
	node *Node
	// size is the number of paths that begin at the node and end anywhere.
	size         int
	predecessors tree
	successors   tree
}

func newDescription(s *Subtopology) *description {
	d := &description{byName: make(map[string]*described)}
	names := make([]string, len(s.Nodes))
	for i, n := range s.Nodes {
		names[i] = n.Name
		d.byName[n.Name] = &described{node: n, size: 1}
	}
	// Kafka Streams keeps parents and children in trees ordered by sizes that still grow while the trees are
	// filled, and fills them in the order of a hash map. So the order of a list of children depends on both,
	// and all of it is followed here.
	for _, name := range hashOrder(names, hashMapCapacity(len(names))) {
		n := d.byName[name]
		d.all = append(d.all, n)
		for _, p := range n.node.Parents {
			parent := d.byName[p]
			n.predecessors.add(parent)
			parent.successors.add(n)
			parent.grow(n.size)
		}
	}
	return d
}

func (n *described) grow(by int) {
	n.size += by
	for _, p := range n.predecessors.items() {
		p.grow(by)
	}
}

// compare orders nodes: larger ones first, then by name.
func (n *described) compare(other *described) int {
	if n.size != other.size {
		return other.size - n.size
	}
	return strings.Compare(n.node.Name, other.node.Name)
}

func (d *description) nodes() []*described {
	out := slices.Clone(d.all)
	slices.SortFunc(out, (*described).compare)
	return out
}

func (d *description) write(w *strings.Builder, n *described) {
	switch n.node.Kind {
	case Source:
		fmt.Fprintf(w, "    Source: %s (topics: %s)\n      --> %s\n", n.node.Name, list(n.node.topicNames()), names(&n.successors))
	case Processor:
		fmt.Fprintf(w, "    Processor: %s (stores: %s)\n      --> %s\n      <-- %s\n", n.node.Name, list(storeOrder(n.node.Stores)), names(&n.successors), names(&n.predecessors))
	case Sink:
		topic := "extractor class: " + n.node.Extractor
		if len(n.node.Topics) > 0 {
			topic = "topic: " + n.node.Topics[0].Name
		}
		fmt.Fprintf(w, "    Sink: %s (%s)\n      <-- %s\n", n.node.Name, topic, names(&n.predecessors))
	}
}

func (n *Node) topicNames() []string {
	out := make([]string, len(n.Topics))
	for i, t := range n.Topics {
		out[i] = t.Name
	}
	return hashOrder(out, hashCopyCapacity(len(out)))
}

// storeOrder is the order of a copy of a set that was filled one by one.
func storeOrder(stores []string) []string {
	n := len(stores)
	return hashOrder(hashOrder(stores, hashMapCapacity(n)), hashCopyCapacity(n))
}

func list(names []string) string { return "[" + strings.Join(names, ", ") + "]" }

func names(t *tree) string {
	items := t.items()
	if len(items) == 0 {
		return "none"
	}
	out := make([]string, len(items))
	for i, n := range items {
		out[i] = n.node.Name
	}
	return strings.Join(out, ", ")
}
