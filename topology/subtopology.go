package topology

import "slices"

// split makes subtopologies: the connected parts of the graph, where nodes are connected by edges and by
// shared stores. Their ids follow the order in which the first node of each was added.
func (b *Builder) split(t *Topology) {
	group := newUnion()
	for _, n := range b.nodes {
		for _, p := range n.Parents {
			group.join(n.Name, p)
		}
	}
	for _, s := range b.stores {
		for _, n := range s.Nodes {
			group.join(s.Nodes[0], n)
		}
	}
	subs := make(map[string]*Subtopology)
	sub := func(node string) *Subtopology { return subs[group.root(node)] }
	for _, n := range b.nodes {
		s := sub(n.Name)
		if s == nil {
			s = &Subtopology{ID: len(t.Subtopologies)}
			subs[group.root(n.Name)] = s
			t.Subtopologies = append(t.Subtopologies, s)
		}
		s.Nodes = append(s.Nodes, n)
		s.Global = s.Global || b.global[n.Name]
	}
	for _, st := range b.stores {
		if len(st.Nodes) > 0 {
			s := sub(st.Nodes[0])
			s.Stores = append(s.Stores, st)
		}
	}
	for _, r := range b.repartitions {
		if reader := b.readers[r.Topic]; reader != "" {
			s := sub(reader)
			s.Repartitions = append(s.Repartitions, r)
		}
	}
	for _, c := range b.copartitions {
		topics := b.copartitioned(c)
		if i := slices.IndexFunc(c.sources, func(n string) bool { return b.byName[n] != nil }); i >= 0 && len(topics) > 1 {
			s := sub(c.sources[i])
			s.Copartitioned = append(s.Copartitioned, topics)
		}
	}
}

// union is a partition of names into sets.
type union struct{ parent map[string]string }

func newUnion() *union { return &union{parent: make(map[string]string)} }

func (u *union) root(name string) string {
	for {
		p, ok := u.parent[name]
		if !ok {
			return name
		}
		name = p
	}
}

func (u *union) join(a, b string) {
	if a, b = u.root(a), u.root(b); a != b {
		u.parent[a] = b
	}
}
