package statestore

import "encoding/binary"

// Nodes are numbered and lie in chunks of a fixed number; none holds a Go pointer. The capacities make a node
// fill 1 KiB.
const (
	leafCap  = 63
	innerCap = 50

	leafMerge = leafCap / 4
	leafFull  = leafCap * 3 / 4

	chunkNodes = 16
	nodeBytes  = 1 << 10

	// maxHeight is out of reach: innerCap/2 to the power of it is more than there are node numbers.
	maxHeight = 12

	none = ^uint32(0)
)

// leaf holds entries in key order. All keys of its range begin with the same skip bytes, and words are the
// eight bytes after them: most comparisons need no more.
type leaf struct {
	words      [leafCap]uint64
	blocks     [leafCap]handle
	next, prev uint32
	skip, n    uint32
}

// inner holds n separators and n+1 children: child i has the keys from separator i-1 up to, but without,
// separator i. Separators are blocks of their own, no longer than they must be. A separator outlives the keys
// that it was made from.
type inner struct {
	words    [innerCap]uint64
	seps     [innerCap]handle
	children [innerCap + 1]uint32
	skip, n  uint32
}

// step is one node on the way down and the child taken there.
type step struct {
	node uint32
	pos  int32
}

type trail [maxHeight]step

// numbered hands out numbers of nodes, freed ones first.
type numbered struct {
	count uint32
	freed []uint32
}

func (p *numbered) take() uint32 {
	if n := len(p.freed); n > 0 {
		id := p.freed[n-1]
		p.freed = p.freed[:n-1]
		return id
	}
	p.count++
	return p.count - 1
}

func (p *numbered) inUse() int64 { return int64(p.count) - int64(len(p.freed)) }

type nodes struct {
	leafChunks  []*[chunkNodes]leaf
	innerChunks []*[chunkNodes]inner
	leaves      numbered
	inners      numbered
}

func (s *nodes) leaf(id uint32) *leaf   { return &s.leafChunks[id/chunkNodes][id%chunkNodes] }
func (s *nodes) inner(id uint32) *inner { return &s.innerChunks[id/chunkNodes][id%chunkNodes] }

func (s *nodes) bytes() int64 { return (s.leaves.inUse() + s.inners.inUse()) * nodeBytes }

func (s *nodes) newLeaf() uint32 {
	id := s.leaves.take()
	if int(id/chunkNodes) == len(s.leafChunks) {
		s.leafChunks = append(s.leafChunks, new([chunkNodes]leaf))
	}
	lf := s.leaf(id)
	lf.n, lf.skip, lf.next, lf.prev = 0, 0, none, none
	return id
}

func (s *nodes) newInner() uint32 {
	id := s.inners.take()
	if int(id/chunkNodes) == len(s.innerChunks) {
		s.innerChunks = append(s.innerChunks, new([chunkNodes]inner))
	}
	in := s.inner(id)
	in.n, in.skip = 0, 0
	return id
}

func (s *nodes) reset() {
	s.leafChunks = trimmed(s.leafChunks, s.leaves.count)
	s.innerChunks = trimmed(s.innerChunks, s.inners.count)
	s.leaves = numbered{freed: s.leaves.freed[:0]}
	s.inners = numbered{freed: s.inners.freed[:0]}
}

// trimmed keeps the chunks that count nodes need, or half of all if that is more.
func trimmed[N any](chunks []*N, count uint32) []*N {
	keep := max((int(count)+chunkNodes-1)/chunkNodes, (len(chunks)+1)/2)
	clear(chunks[keep:])
	return chunks[:keep]
}

// word returns the eight bytes of key after the first skip, padded with zeros, so that words order as keys do
// except that equal words decide nothing.
func word(key []byte, skip int) uint64 {
	if len(key) >= skip+8 {
		return binary.BigEndian.Uint64(key[skip:])
	}
	var w uint64
	for i, shift := skip, 56; i < len(key); i, shift = i+1, shift-8 {
		w |= uint64(key[i]) << shift
	}
	return w
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// insert puts a block into the leaf that path leads to, which splits if it is full.
func (t *Tree) insert(id uint32, pos int, path *trail, key []byte, h handle) {
	lf := t.nodes.leaf(id)
	if lf.n < leafCap {
		t.insertAt(lf, pos, key, h)
		return
	}
	// Keys that arrive in order fill their leaves; others split in the middle.
	at := (leafCap + 1) / 2
	if pos == leafCap && lf.next == none {
		at = leafCap
	}
	rightID := t.nodes.newLeaf()
	right := t.nodes.leaf(rightID)
	right.n = uint32(copy(right.blocks[:], lf.blocks[at:]))
	copy(right.words[:], lf.words[at:])
	right.skip = lf.skip
	lf.n = uint32(at)
	right.next, right.prev = lf.next, id
	if right.next != none {
		t.nodes.leaf(right.next).prev = rightID
	}
	lf.next = rightID

	if pos > at || pos == leafCap {
		t.insertAt(right, pos-at, key, h)
	} else {
		t.insertAt(lf, pos, key, h)
	}
	last := t.arena.key(lf.blocks[lf.n-1])
	first := t.arena.key(right.blocks[0])
	sep := t.arena.put(first[:commonPrefix(last, first)+1], nil, 0, blockSep)

	lo, hi := t.fences(path, t.height)
	t.fitLeaf(lf, t.skip(lo, sep))
	t.fitLeaf(right, t.skip(sep, hi))
	t.insertSep(path, sep, rightID)
}

func (t *Tree) insertAt(lf *leaf, pos int, key []byte, h handle) {
	n := int(lf.n)
	copy(lf.words[pos+1:n+1], lf.words[pos:n])
	copy(lf.blocks[pos+1:n+1], lf.blocks[pos:n])
	lf.words[pos] = word(key, int(lf.skip))
	lf.blocks[pos] = h
	lf.n++
}

// insertSep adds a child and the separator before it to the parent that path leads to, and so on upwards
// where a parent is full.
func (t *Tree) insertSep(path *trail, sep handle, child uint32) {
	for level := t.height - 1; level >= 0; level-- {
		id, pos := path[level].node, int(path[level].pos)
		in := t.nodes.inner(id)
		if in.n < innerCap {
			t.insertChild(in, pos, sep, child)
			return
		}
		mid := innerCap / 2
		if pos == innerCap {
			mid = innerCap - 1
		}
		up := in.seps[mid]
		rightID := t.nodes.newInner()
		right := t.nodes.inner(rightID)
		right.n = uint32(copy(right.seps[:], in.seps[mid+1:]))
		copy(right.words[:], in.words[mid+1:])
		copy(right.children[:], in.children[mid+1:])
		right.skip = in.skip
		in.n = uint32(mid)
		if pos > mid {
			t.insertChild(right, pos-mid-1, sep, child)
		} else {
			t.insertChild(in, pos, sep, child)
		}
		lo, hi := t.fences(path, level)
		t.fitInner(in, t.skip(lo, up))
		t.fitInner(right, t.skip(up, hi))
		sep, child = up, rightID
	}
	id := t.nodes.newInner()
	in := t.nodes.inner(id)
	in.children[0] = t.root
	t.insertChild(in, 0, sep, child)
	t.root = id
	t.height++
}

// insertChild puts a separator at pos and the child that follows it.
func (t *Tree) insertChild(in *inner, pos int, sep handle, child uint32) {
	n := int(in.n)
	copy(in.words[pos+1:n+1], in.words[pos:n])
	copy(in.seps[pos+1:n+1], in.seps[pos:n])
	copy(in.children[pos+2:n+2], in.children[pos+1:n+1])
	in.words[pos] = word(t.arena.key(sep), int(in.skip))
	in.seps[pos] = sep
	in.children[pos+1] = child
	in.n++
}

// fences returns the separators around the node that path leads to at level: the nearest above it on each
// side, noBlock at the tree's edges.
func (t *Tree) fences(path *trail, level int) (lo, hi handle) {
	lo, hi = noBlock, noBlock
	for i := level - 1; i >= 0 && (lo == noBlock || hi == noBlock); i-- {
		in, pos := t.nodes.inner(path[i].node), int(path[i].pos)
		if lo == noBlock && pos > 0 {
			lo = in.seps[pos-1]
		}
		if hi == noBlock && pos < int(in.n) {
			hi = in.seps[pos]
		}
	}
	return lo, hi
}

// skip returns how many bytes all keys from lo up to hi have in common.
func (t *Tree) skip(lo, hi handle) uint32 {
	if lo == noBlock || hi == noBlock {
		return 0
	}
	return uint32(commonPrefix(t.arena.key(lo), t.arena.key(hi)))
}

func (t *Tree) fitLeaf(lf *leaf, skip uint32) {
	if lf.skip == skip {
		return
	}
	lf.skip = skip
	for i, h := range lf.blocks[:lf.n] {
		lf.words[i] = word(t.arena.key(h), int(skip))
	}
}

func (t *Tree) fitInner(in *inner, skip uint32) {
	if in.skip == skip {
		return
	}
	in.skip = skip
	for i, h := range in.seps[:in.n] {
		in.words[i] = word(t.arena.key(h), int(skip))
	}
}

// removeSpan removes a leaf's entries [pos, end); key is one in the leaf's range, path the way to the leaf.
// An empty leaf goes, and one that is nearly empty joins a neighbour. Inner nodes go when they have no child
// left; a nearly empty one stays, for its height is that of its neighbours.
func (t *Tree) removeSpan(id uint32, pos, end int, path *trail, key []byte) {
	t.gen++
	t.size -= end - pos
	lf := t.nodes.leaf(id)
	for _, h := range lf.blocks[pos:end] {
		t.arena.kill(h)
	}
	copy(lf.words[pos:], lf.words[end:lf.n])
	copy(lf.blocks[pos:], lf.blocks[end:lf.n])
	lf.n -= uint32(end - pos)
	if lf.n > leafMerge || t.height == 0 {
		return
	}
	at := &path[t.height-1]
	parent := t.nodes.inner(at.node)
	switch {
	case lf.n == 0:
		t.dropLeaf(id)
	case int(at.pos) < int(parent.n) && t.nodes.leaf(parent.children[at.pos+1]).n+lf.n <= leafFull:
		right := parent.children[at.pos+1]
		t.join(lf, right)
		at.pos++
	case at.pos > 0 && t.nodes.leaf(parent.children[at.pos-1]).n+lf.n <= leafFull:
		t.join(t.nodes.leaf(parent.children[at.pos-1]), id)
	default:
		return
	}
	t.removeChild(path)
	t.refit(key)
}

// join appends the right leaf's entries to the left one and drops the right one.
func (t *Tree) join(left *leaf, rightID uint32) {
	right := t.nodes.leaf(rightID)
	copy(left.blocks[left.n:], right.blocks[:right.n])
	left.n += right.n
	// The words are made anew by refit.
	left.skip = none
	t.dropLeaf(rightID)
}

func (t *Tree) dropLeaf(id uint32) {
	lf := t.nodes.leaf(id)
	if lf.prev != none {
		t.nodes.leaf(lf.prev).next = lf.next
	}
	if lf.next != none {
		t.nodes.leaf(lf.next).prev = lf.prev
	}
	t.nodes.leaves.freed = append(t.nodes.leaves.freed, id)
}

// removeChild takes the child that path ends at out of its parent, and the parent too if that was its last.
// The range of the child falls to a neighbour.
func (t *Tree) removeChild(path *trail) {
	level := t.height - 1
	for level > 0 && t.nodes.inner(path[level].node).n == 0 {
		t.nodes.inners.freed = append(t.nodes.inners.freed, path[level].node)
		level--
	}
	// The root has another child: else it would have been replaced by its only one.
	in, pos := t.nodes.inner(path[level].node), int(path[level].pos)
	sep := max(pos-1, 0)
	t.arena.kill(in.seps[sep])
	copy(in.words[sep:], in.words[sep+1:in.n])
	copy(in.seps[sep:], in.seps[sep+1:in.n])
	copy(in.children[pos:], in.children[pos+1:in.n+1])
	in.n--
	for t.height > 0 && t.nodes.inner(t.root).n == 0 {
		old := t.root
		t.root = t.nodes.inner(old).children[0]
		t.nodes.inners.freed = append(t.nodes.inners.freed, old)
		t.height--
	}
}

// refit makes the nodes on the way to key fit ranges that have grown: what their keys have in common may be
// less than before.
func (t *Tree) refit(key []byte) {
	var lo, hi []byte
	edges := 0
	id := t.root
	common := func() uint32 {
		if edges != 3 {
			return 0
		}
		return uint32(commonPrefix(lo, hi))
	}
	for range t.height {
		in := t.nodes.inner(id)
		t.fitInner(in, common())
		pos := t.searchInner(in, key)
		if pos > 0 {
			lo, edges = t.arena.key(in.seps[pos-1]), edges|1
		}
		if pos < int(in.n) {
			hi, edges = t.arena.key(in.seps[pos]), edges|2
		}
		id = in.children[pos]
	}
	t.fitLeaf(t.nodes.leaf(id), common())
}
