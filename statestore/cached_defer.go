package statestore

import "errors"

// Deferrer is a store whose commits need not reach the engine one by one. Every key that several of them write is
// then written once.
type Deferrer interface {
	Store
	// Defers reports whether the store can.
	Defers() bool
	// Defer takes the place of Write and Written: what was flushed is committed, or is about to be, and stays with the
	// store, where reads find it, for a later commit's Write, which must follow a Flush. Until then the engine, and the
	// position that belongs to it, are those of an earlier commit; a crash costs a longer restore. It returns about how
	// many bytes are waiting. It must not be called if the store cannot.
	Defer() (bytes int)
}

// deferring lets the store defer, if a changelog has what the engine lacks.
func (c *cached[K, V]) deferring() *cached[K, V] {
	c.defers = c.env.Log != nil
	return c
}

// Defers implements [Deferrer].
func (c *cached[K, V]) Defers() bool { return c.defers }

// Defer implements [Deferrer].
func (c *cached[K, V]) Defer() (bytes int) {
	c.flushed = false
	return c.deferred()
}

// deferred is about how many bytes were flushed and are not in the engine. A slot that is behind takes none, but
// its key, its row and some more when it is written.
func (c *cached[K, V]) deferred() int {
	return int(c.frozen.Bytes()) + len(c.behind)*c.behindSize()
}

func (c *cached[K, V]) behindSize() int { return int(behindCost + (2*c.key+c.row)/16) }

const behindCost = 48

// leave flushes the dirty slots by marking them, and returns those that have no change records yet. A store that cannot
// defer stages them.
func (c *cached[K, V]) leave() *sortedSlots[K, V] {
	left := &c.left
	if !c.defers {
		c.stageAll()
		return left
	}
	for _, i := range c.dirty {
		s := c.slots.at(i)
		if s.state&slotDirty == 0 {
			continue
		}
		if s.state&slotBehind == 0 {
			c.behind = append(c.behind, i)
		}
		c.leaveSlot(s, left)
	}
	c.dirty = c.dirty[:0]
	return left
}

func (c *cached[K, V]) leaveSlot(s *slot[K, V], left *sortedSlots[K, V]) {
	if s.state&slotLogged == 0 && c.serializeKey(s) {
		left.add(c.keyBuf, s)
	}
	s.state = s.state&^(slotDirty|slotLogged) | slotBehind
}

// lowerAll brings what slots alone have to the layers below, for reads that go past them.
func (c *cached[K, V]) lowerAll() {
	c.stageAll()
	c.freezeAll()
}

// freeze moves what was last flushed of a slot to frozen.
func (c *cached[K, V]) freeze(s *slot[K, V]) {
	s.state &^= slotBehind
	if c.serialize(s) {
		c.frozen.Set(c.keyBuf, c.valBuf)
	}
}

// freezeAll does so with all slots.
func (c *cached[K, V]) freezeAll() {
	c.eachBehind(c.freeze)
	c.behind = c.behind[:0]
}

// eachBehind calls f with the slots that are behind.
func (c *cached[K, V]) eachBehind(f func(*slot[K, V])) {
	for _, i := range c.behind {
		c.ifBehind(c.slots.at(i), f)
	}
}

func (c *cached[K, V]) ifBehind(s *slot[K, V], f func(*slot[K, V])) {
	switch {
	case s.state&slotBehind == 0:
	case s.state&slotDirty != 0:
		c.fail("write", errors.New("it has changed since it was flushed"))
	default:
		f(s)
	}
}

// freezeStaged moves what is staged to frozen, over what is there.
func (c *cached[K, V]) freezeStaged() {
	if c.frozen.Len() == 0 {
		c.staged, c.frozen = c.frozen, c.staged
		return
	}
	it := c.staged.Iterate(nil, nil, false)
	for it.Next() {
		c.frozen.Set(it.Key(), it.Value())
	}
	it.Close()
	c.staged.Reset()
}
