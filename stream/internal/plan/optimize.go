package plan

import "slices"

// Optimization is a set of changes to the graph that save topics. They change names, so they are chosen
// before an application first runs.
type Optimization uint8

const (
	// ReuseSourceTopics lets the topic that a table is read from serve as the changelog of its store.
	ReuseSourceTopics Optimization = 1 << iota
	// MergeRepartitionTopics sends records that are needed by one key in several places through one topic.
	MergeRepartitionTopics
	// SingleStoreSelfJoin lets a join of a stream with itself keep its records once.
	SingleStoreSelfJoin
)

func (g *Graph) optimize(o Optimization) {
	if o&ReuseSourceTopics != 0 {
		for _, t := range g.tables {
			t.TableSource.reuse = true
		}
	}
	if o&MergeRepartitionTopics != 0 {
		g.moveChangersToMerges()
		for _, c := range g.changers {
			g.mergeRepartitions(c.node, c.repartitions)
		}
	}
	if o&SingleStoreSelfJoin != 0 {
		for _, n := range g.reachable() {
			n.joinItself()
		}
	}
	keepNullKeys(g.root, map[*Node]bool{}, map[*Node]bool{})
}

// moveChangersToMerges lets a merge of streams stand for the key changers above it if all their repartitions
// lie below it.
func (g *Graph) moveChangersToMerges() {
	type move struct {
		merge        *Node
		repartitions []*Node
	}
	var moves []move
	moved := map[*Node]bool{}
	for _, m := range g.merges {
		v := move{merge: m}
		for _, c := range g.changers {
			below := !slices.ContainsFunc(c.repartitions, func(r *Node) bool { return child(r, m) == nil })
			if !below || child(m, c.node) == nil {
				continue
			}
			moved[c.node] = true
			for _, r := range c.repartitions {
				if !slices.Contains(v.repartitions, r) {
					v.repartitions = append(v.repartitions, r)
				}
			}
		}
		moves = append(moves, v)
	}
	for _, v := range moves {
		g.setChanger(v.merge, v.repartitions)
	}
	g.changers = slices.DeleteFunc(g.changers, func(c *changer) bool { return moved[c.node] })
}

// child finds the node on the way up from n that is a child of top.
func child(n, top *Node) *Node {
	return find(n, func(x *Node) bool { return slices.Contains(x.parents, top) })
}

// mergeRepartitions puts one repartition right below the key changer in place of the given ones, under the
// name of the first.
func (g *Graph) mergeRepartitions(top *Node, repartitions []*Node) {
	// Types can differ where a processor between the two changes them without the graph being told; Kafka
	// Streams merges even then and fails on the first record.
	repartitions = slices.DeleteFunc(slices.Clone(repartitions), func(r *Node) bool {
		return r.Output != top.Output || len(r.parents) == 0 // or it went into another one already
	})
	if len(repartitions) == 0 {
		return
	}
	one := repartitions[0]
	if i := slices.IndexFunc(repartitions, func(r *Node) bool { return r.Repartition.Missing == nil }); i > 0 {
		one = repartitions[i] // any that has serdes will do
	}
	merged := g.NewRepartition(repartitions[0].Repartition.Topic, *one.Repartition)
	merged.Output = one.Output
	merged.priority = top.priority

	for _, r := range repartitions {
		// There is no such child if another repartition below it came first and moved it.
		if c := child(r, top); c != nil {
			merged.addChild(c)
			top.removeChild(c)
		}
		children, parents := slices.Clone(r.children), slices.Clone(r.parents)
		for _, rc := range children {
			for _, p := range parents {
				p.addChild(rc)
			}
		}
		for _, p := range parents {
			p.removeChild(r)
		}
		for _, rc := range children {
			r.removeChild(rc)
		}
		g.replaceCopartitioned(r.Name, merged.Name)
	}
	top.addChild(merged)
}

// keepNullKeys marks the repartitions that a join with a use for null keys lies below. It reports for each
// node whether there is one.
func keepNullKeys(n *Node, visited, keep map[*Node]bool) {
	if visited[n] {
		return
	}
	visited[n] = true
	for _, c := range n.children {
		keepNullKeys(c, visited, keep)
		if c.RelaxedNullKeyJoin || keep[c] {
			keep[n] = true
		}
	}
	if n.Repartition != nil {
		n.Repartition.keepNullKeys = keep[n]
	}
}
