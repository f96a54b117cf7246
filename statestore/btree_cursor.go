package statestore

import "bytes"

// Cursor walks over a [Tree]'s entries in order. The tree may change meanwhile: the cursor goes on from its
// key and meets the entries as they are when it gets to them. It is an [Iterator].
type Cursor struct {
	tree    *Tree
	reverse bool
	started bool
	done    bool
	// bound is where the walk ends: to, or from if reverse. start is where it begins.
	bound, start       []byte
	hasBound, hasStart bool

	leaf  uint32
	pos   int
	gen   uint64
	key   []byte
	value []byte
}

var _ Iterator = (*Cursor)(nil)

// Iterate returns a cursor over the keys in [from, to), where nil means no bound, from the last to the first
// if reverse. Bounds are copied. Close gives the cursor back for the next Iterate; it must not be used after.
func (t *Tree) Iterate(from, to []byte, reverse bool) *Cursor {
	var c *Cursor
	if n := len(t.cursors); n > 0 {
		c = t.cursors[n-1]
		t.cursors = t.cursors[:n-1]
	} else {
		c = &Cursor{}
	}
	if reverse {
		from, to = to, from
	}
	*c = Cursor{
		tree: t, reverse: reverse,
		start: append(c.start[:0], from...), hasStart: from != nil,
		bound: append(c.bound[:0], to...), hasBound: to != nil,
		key: c.key[:0],
	}
	return c
}

// Next moves to the next entry, the first time to the first one, and reports whether there is one.
func (c *Cursor) Next() bool {
	if c.done {
		return false
	}
	t := c.tree
	switch {
	case !c.started:
		c.started = true
		switch {
		case c.reverse && c.hasStart:
			c.leaf, c.pos = t.seekBefore(c.start)
		case c.reverse:
			c.leaf, c.pos = t.seekLast()
		default:
			c.leaf, c.pos = t.seek(c.start)
		}
	case c.gen != t.gen:
		if c.reverse {
			c.leaf, c.pos = t.seekBefore(c.key)
		} else if c.leaf, c.pos = t.seek(c.key); c.leaf != none {
			lf := t.nodes.leaf(c.leaf)
			if bytes.Equal(t.arena.key(lf.blocks[c.pos]), c.key) {
				c.step(lf)
			}
		}
	default:
		c.step(t.nodes.leaf(c.leaf))
	}
	c.gen = t.gen
	if c.leaf == none {
		return c.end()
	}
	h := t.nodes.leaf(c.leaf).blocks[c.pos]
	c.key = append(c.key[:0], t.arena.key(h)...)
	if c.hasBound {
		if cmp := bytes.Compare(c.key, c.bound); c.reverse && cmp < 0 || !c.reverse && cmp >= 0 {
			return c.end()
		}
	}
	c.value = t.arena.value(h)
	return true
}

func (c *Cursor) step(lf *leaf) {
	if c.reverse {
		if c.pos--; c.pos < 0 {
			if c.leaf = lf.prev; c.leaf != none {
				c.pos = int(c.tree.nodes.leaf(c.leaf).n) - 1
			}
		}
		return
	}
	if c.pos++; c.pos == int(lf.n) {
		c.leaf, c.pos = lf.next, 0
	}
}

func (c *Cursor) end() bool {
	c.done, c.key, c.value = true, c.key[:0], nil
	return false
}

// Key returns the entry's key. It is valid until the next call of Next or Close.
func (c *Cursor) Key() []byte { return c.key }

// Value returns the entry's value. It belongs to the tree and is valid until the next call of Next or Close,
// or until the tree changes.
func (c *Cursor) Value() []byte { return c.value }

// Err returns nil: walking over memory does not fail.
func (c *Cursor) Err() error { return nil }

// Close gives the cursor back to its tree. It returns nil.
func (c *Cursor) Close() error {
	t := c.tree
	if t == nil {
		return nil
	}
	c.tree, c.done, c.value = nil, true, nil
	t.cursors = append(t.cursors, c)
	return nil
}
