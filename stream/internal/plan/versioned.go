package plan

// tellVersioned tells the nodes that care which of their parents' tables are versioned. It comes after the
// optimisations, which change parents.
//
// Source: KIP-914.
func (g *Graph) tellVersioned() {
	for _, n := range g.reachable() {
		if n.OnVersioned != nil {
			for _, p := range n.parents {
				if p.versioned() {
					n.OnVersioned(p.Name)
				}
			}
		}
		if n.RefuseVersioned != nil && n.versionedInput() {
			g.Fail(n.Caller, n.RefuseVersioned)
		}
	}
}

// versioned reports whether the table that leaves the node is versioned.
func (n *Node) versioned() bool {
	if n.Versioned != nil {
		return *n.Versioned
	}
	return n.versionedInput()
}

// versionedInput reports whether all of the tables that the node gets are versioned.
func (n *Node) versionedInput() bool {
	for _, p := range n.parents {
		if !p.versioned() {
			return false
		}
	}
	return len(n.parents) > 0
}

// reachable returns the nodes below the root, each once.
func (g *Graph) reachable() []*Node {
	var all []*Node
	seen := map[*Node]bool{g.root: true}
	var visit func(*Node)
	visit = func(n *Node) {
		for _, c := range n.children {
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
				visit(c)
			}
		}
	}
	visit(g.root)
	return all
}
