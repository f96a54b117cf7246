package topology

import (
	"fmt"
	"slices"
)

// maxName is Kafka's limit for a topic's name, which the names of nodes and stores become part of.
const maxName = 249

// legalName reports what is wrong with a name of a node, store or topic.
func legalName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("is empty")
	case len(name) > maxName:
		return fmt.Errorf("is %d bytes long, Kafka allows %d", len(name), maxName)
	case name == "." || name == "..":
		return fmt.Errorf("is not one that Kafka allows")
	}
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("holds %q; use letters, digits, '.', '_' and '-'", c)
		}
	}
	return nil
}

func (b *Builder) checkName(caller, kind, name string) bool {
	if err := legalName(name); err != nil {
		b.failf(caller, "the name of %s %q %w", kind, name, err)
		return false
	}
	return true
}

func (b *Builder) checkTopic(n *Node, t Topic) {
	if err := legalName(t.Name); err != nil {
		b.failf(n.Caller, "%s %q: the name of topic %q %w", n.Kind, n.Name, t.Name, err)
	}
}

// connectStores settles which processors use which stores.
func (b *Builder) connectStores(t *Topology) {
	used := make(map[string]bool)
	for _, c := range b.connections {
		used[c.store] = true // a faulty use is a use: the fault is reported, not that nobody uses it
		store, node := b.storeByName[c.store], b.byName[c.node]
		switch {
		case store == nil:
			b.failf(c.caller, "node %q uses store %q, which is unknown; add it with AddStore", c.node, c.store)
		case node == nil:
			b.failf(c.caller, "store %q is connected to node %q, which is unknown; add it with AddProcessor", c.store, c.node)
		case node.Kind != Processor:
			b.failf(c.caller, "store %q is connected to the %s %q; only processors use stores", c.store, node.Kind, c.node)
		case slices.Contains(node.Stores, c.store):
		case b.isGlobal(store) && !b.updates(node, store):
			b.failf(c.caller, "global store %q is connected to node %q; every node reads global stores without being connected", c.store, c.node)
		default:
			node.Stores = append(node.Stores, c.store)
			store.Nodes = append(store.Nodes, c.node)
		}
	}
	for _, s := range b.stores {
		if !used[s.Name] {
			t.Warnings = append(t.Warnings, fmt.Sprintf("%s: store %q is used by no node and will not be made", s.Caller, s.Name))
		}
		if s.Source != "" && b.readers[Topic{Name: s.Source}] == "" {
			b.failf(s.Caller, "store %q is restored from topic %q, which no source reads; read it, or clear Store.Source", s.Name, s.Source)
		}
	}
}

// isGlobal reports whether a store is filled by a global source, and updates whether a node is what fills it.
func (b *Builder) isGlobal(s *Store) bool {
	return s.Source != "" && b.global[b.readers[Topic{Name: s.Source}]]
}

func (b *Builder) updates(n *Node, s *Store) bool {
	return len(n.Parents) == 1 && n.Parents[0] == b.readers[Topic{Name: s.Source}]
}

// checkRepartitions checks that internal topics are declared, written and read.
func (b *Builder) checkRepartitions() {
	declared, written := make(map[Topic]bool), make(map[Topic]bool)
	for _, r := range b.repartitions {
		declared[r.Topic] = true
	}
	for _, n := range b.nodes {
		for _, t := range n.Topics {
			if t.Internal && !declared[t] {
				b.failf(n.Caller, "%s %q uses the internal topic %q, which is unknown; add it with AddRepartition", n.Kind, n.Name, t.Name)
			}
			if n.Kind == Sink {
				written[t] = true
			}
		}
	}
	for _, r := range b.repartitions {
		switch {
		case b.readers[r.Topic] == "":
			b.failf(r.Caller, "repartition topic %q is read by no source; add one", r.Topic.Name)
		case !written[r.Topic]:
			b.failf(r.Caller, "repartition topic %q is written by no sink; add one", r.Topic.Name)
		}
	}
}

// copartitioned returns the topics of a co-partitioned group of sources.
func (b *Builder) copartitioned(c copartition) []Topic {
	var topics []Topic
	for _, name := range c.sources {
		n := b.byName[name]
		switch {
		case n == nil:
			b.failf(c.caller, "co-partition node %q, which is unknown; name sources that have been added", name)
		case n.Kind != Source:
			b.failf(c.caller, "co-partition the %s %q; only sources are co-partitioned", n.Kind, name)
		default:
			for _, t := range n.Topics {
				if !slices.Contains(topics, t) {
					topics = append(topics, t)
				}
			}
		}
	}
	b.checkPartitions(c, topics)
	return topics
}

// checkPartitions finds a contradiction that needs no broker: repartition topics that are to be co-partitioned
// with each other alone, but whose numbers of partitions were set apart.
func (b *Builder) checkPartitions(c copartition, topics []Topic) {
	var first *Repartition
	for _, t := range topics {
		i := slices.IndexFunc(b.repartitions, func(r *Repartition) bool { return r.Topic == t && r.Partitions > 0 })
		switch {
		case i < 0:
			return // its number is not known yet: the assignor checks
		case first == nil:
			first = b.repartitions[i]
		}
	}
	for _, t := range topics {
		i := slices.IndexFunc(b.repartitions, func(r *Repartition) bool { return r.Topic == t })
		if r := b.repartitions[i]; r.Partitions != first.Partitions {
			b.failf(c.caller, "repartition topics %q and %q must be co-partitioned but have %d and %d partitions; give them the same number", first.Topic.Name, t.Name, first.Partitions, r.Partitions)
		}
	}
}
