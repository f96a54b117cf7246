package topology

// tree is a red-black tree of nodes in the order of their sizes when each was added. Since sizes change
// afterwards, where a later node lands depends on the tree's shape, so its shape is that of Java's TreeMap.
// Source: Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms, chapter 13.
type tree struct{ root *treeNode }

type treeNode struct {
	item                *described
	left, right, parent *treeNode
	red                 bool
}

func (t *tree) add(item *described) {
	n := &treeNode{item: item, red: true}
	for at := &t.root; ; {
		if *at == nil {
			*at = n
			break
		}
		n.parent = *at
		switch c := item.compare((*at).item); {
		case c < 0:
			at = &(*at).left
		case c > 0:
			at = &(*at).right
		default:
			return // there already
		}
	}
	t.balance(n)
}

func (t *tree) balance(n *treeNode) {
	for n != t.root && n.parent.red {
		grand := n.parent.parent
		near, far, uncle := t.rotateLeft, t.rotateRight, grand.right
		inner := n.parent.right
		if n.parent == grand.right {
			near, far, uncle, inner = t.rotateRight, t.rotateLeft, grand.left, n.parent.left
		}
		if uncle != nil && uncle.red {
			n.parent.red, uncle.red, grand.red = false, false, true
			n = grand
			continue
		}
		if n == inner {
			n = n.parent
			near(n)
		}
		n.parent.red, grand.red = false, true
		far(grand)
	}
	t.root.red = false
}

func (t *tree) rotateLeft(n *treeNode) {
	r := n.right
	n.right = r.left
	if r.left != nil {
		r.left.parent = n
	}
	t.replace(n, r)
	r.left, n.parent = n, r
}

func (t *tree) rotateRight(n *treeNode) {
	l := n.left
	n.left = l.right
	if l.right != nil {
		l.right.parent = n
	}
	t.replace(n, l)
	l.right, n.parent = n, l
}

func (t *tree) replace(n, by *treeNode) {
	by.parent = n.parent
	switch {
	case n.parent == nil:
		t.root = by
	case n.parent.left == n:
		n.parent.left = by
	default:
		n.parent.right = by
	}
}

// items returns the nodes from left to right.
func (t *tree) items() []*described {
	var out []*described
	var walk func(*treeNode)
	walk = func(n *treeNode) {
		if n != nil {
			walk(n.left)
			out = append(out, n.item)
			walk(n.right)
		}
	}
	walk(t.root)
	return out
}
