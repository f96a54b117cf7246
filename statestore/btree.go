package statestore

import "bytes"

// Tree is a map of bytes ordered by [bytes.Compare]: a B+tree whose nodes and entries hold no Go pointers,
// so that the garbage collector neither scans nor counts them, however many there are. It is what an
// in-memory store consists of and what collects a task's writes between two commits.
//
// In steady state (values replaced by ones of about their size, or a tree filled and Reset again and again)
// no operation allocates. Space of replaced and deleted entries is reclaimed little by little, one slab of
// at most 256 KiB an operation, so that dead entries never take much more than the living ones.
//
// The zero value is an empty tree. Keys and values are copied in; a key may be empty, and a nil value is
// stored as an empty one. A key and its value take less than 2 GiB together; a larger pair panics. A Tree
// is used by one goroutine at a time.
//
// Keys with a long common beginning cost no more than others: a node compares eight bytes that come after
// what its keys have in common.
type Tree struct {
	arena arena
	nodes nodes
	// root is a leaf's number if height is 0, else an inner node's.
	root   uint32
	height int
	size   int
	// gen counts the changes after which an entry's leaf and place in it may be others.
	gen uint64

	scratch []byte
	cursors []*Cursor
}

// NewTree returns an empty tree.
func NewTree() *Tree { return new(Tree) }

// Len returns the number of keys.
func (t *Tree) Len() int { return t.size }

// Bytes returns the memory that the tree's contents take, in bytes: nodes and entries, those that wait to be
// reclaimed too. Memory that is kept for later use does not count.
func (t *Tree) Bytes() int64 { return t.arena.used + t.nodes.bytes() }

// Get returns the value of key. The value belongs to the tree and is valid until the tree next changes.
func (t *Tree) Get(key []byte) (value []byte, ok bool) {
	if t.size == 0 {
		return nil, false
	}
	lf := t.nodes.leaf(t.find(key))
	pos, ok := t.searchLeaf(lf, key)
	if !ok {
		return nil, false
	}
	return t.arena.value(lf.blocks[pos]), true
}

// Set stores value under key and reports whether the key is new. Key and value may be parts of this tree.
func (t *Tree) Set(key, value []byte) (added bool) {
	var path trail
	leafID := t.descend(key, &path)
	lf := t.nodes.leaf(leafID)
	pos, found := t.searchLeaf(lf, key)
	if found {
		if t.arena.replace(lf.blocks[pos], value) {
			return false
		}
		old := lf.blocks[pos]
		// A value that grew once will grow again.
		lf.blocks[pos] = t.arena.put(key, value, len(value)/4, 0)
		t.arena.kill(old)
		t.reclaim()
		return false
	}
	t.gen++
	t.size++
	t.insert(leafID, pos, &path, key, t.arena.put(key, value, 0, 0))
	t.reclaim()
	return true
}

// Delete removes key and reports whether it was there.
func (t *Tree) Delete(key []byte) bool {
	if t.size == 0 {
		return false
	}
	var path trail
	leafID := t.descend(key, &path)
	pos, found := t.searchLeaf(t.nodes.leaf(leafID), key)
	if !found {
		return false
	}
	t.removeSpan(leafID, pos, pos+1, &path, key)
	t.reclaim()
	return true
}

// DeleteRange removes the keys in [from, to), where nil means no bound, and returns how many they were. It
// takes time in proportion to them.
func (t *Tree) DeleteRange(from, to []byte) int {
	if from == nil && to == nil {
		n := t.size
		t.Reset()
		return n
	}
	removed := 0
	for t.size > 0 {
		leafID, pos := t.seek(from)
		if leafID == none {
			break
		}
		lf := t.nodes.leaf(leafID)
		end := int(lf.n)
		if to != nil {
			for end > pos && bytes.Compare(t.arena.key(lf.blocks[end-1]), to) >= 0 {
				end--
			}
		}
		if end == pos {
			break
		}
		// The key is copied because the path must be looked up by it while its entry goes.
		t.scratch = append(t.scratch[:0], t.arena.key(lf.blocks[pos])...)
		var path trail
		t.descend(t.scratch, &path)
		t.removeSpan(leafID, pos, end, &path, t.scratch)
		removed += end - pos
	}
	for t.reclaim() {
	}
	return removed
}

// Reset empties the tree and keeps its memory for what comes next: what it now held, or half of what it had
// kept if that is more, so that one large round does not keep its memory for good.
func (t *Tree) Reset() {
	t.gen++
	t.size, t.height, t.root = 0, 0, 0
	t.arena.reset()
	t.nodes.reset()
}

// descend returns the leaf in whose range key lies and notes the way to it.
func (t *Tree) descend(key []byte, path *trail) uint32 {
	if t.nodes.leaves.count == 0 {
		t.root = t.nodes.newLeaf()
	}
	id := t.root
	for level := range t.height {
		in := t.nodes.inner(id)
		pos := t.searchInner(in, key)
		path[level] = step{node: id, pos: int32(pos)}
		id = in.children[pos]
	}
	return id
}

// find is descend for those who do not come back up.
func (t *Tree) find(key []byte) uint32 {
	id := t.root
	for range t.height {
		in := t.nodes.inner(id)
		id = in.children[t.searchInner(in, key)]
	}
	return id
}

// seek returns the place of the first key at or after from (nil: of all keys), or none.
func (t *Tree) seek(from []byte) (leafID uint32, pos int) {
	if t.size == 0 {
		return none, 0
	}
	// nil orders before every key as the empty key does.
	leafID = t.find(from)
	lf := t.nodes.leaf(leafID)
	pos, _ = t.searchLeaf(lf, from)
	if pos == int(lf.n) {
		return lf.next, 0
	}
	return leafID, pos
}

// seekLast returns the place of the last key, or none.
func (t *Tree) seekLast() (leafID uint32, pos int) {
	if t.size == 0 {
		return none, 0
	}
	leafID = t.root
	for range t.height {
		in := t.nodes.inner(leafID)
		leafID = in.children[in.n]
	}
	return leafID, int(t.nodes.leaf(leafID).n) - 1
}

// seekBefore returns the place of the last key before to, or none.
func (t *Tree) seekBefore(to []byte) (leafID uint32, pos int) {
	if t.size == 0 {
		return none, 0
	}
	leafID = t.find(to)
	pos, _ = t.searchLeaf(t.nodes.leaf(leafID), to)
	if pos > 0 {
		return leafID, pos - 1
	}
	leafID = t.nodes.leaf(leafID).prev
	if leafID == none {
		return none, 0
	}
	return leafID, int(t.nodes.leaf(leafID).n) - 1
}

// searchLeaf returns the place of the first key at or after key, and whether it is key itself. The key must
// lie in the leaf's range.
func (t *Tree) searchLeaf(lf *leaf, key []byte) (int, bool) {
	skip := int(lf.skip)
	w := word(key, skip)
	lo, hi := 0, int(lf.n)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch m := lf.words[mid]; {
		case m < w:
			lo = mid + 1
		case m > w:
			hi = mid
		default:
			c := bytes.Compare(t.arena.key(lf.blocks[mid])[skip:], key[skip:])
			if c == 0 {
				return mid, true
			}
			if c < 0 {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
	}
	return lo, false
}

// searchInner returns the child in whose range key lies: the number of separators that are not greater.
func (t *Tree) searchInner(in *inner, key []byte) int {
	skip := int(in.skip)
	w := word(key, skip)
	lo, hi := 0, int(in.n)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch m := in.words[mid]; {
		case m < w:
			lo = mid + 1
		case m > w:
			hi = mid
		default:
			if bytes.Compare(t.arena.key(in.seps[mid])[skip:], key[skip:]) <= 0 {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
	}
	return lo
}
