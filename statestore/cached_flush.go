package statestore

import (
	"encoding/binary"

	"github.com/leatstream/leat/record"
)

// serialize writes the slot's key to keyBuf and its row to valBuf.
func (c *cached[K, V]) serialize(s *slot[K, V]) bool { return c.serializeKey(s) && c.serializeRow(s) }

func (c *cached[K, V]) serializeKey(s *slot[K, V]) bool {
	var err error
	if c.keyBuf, err = c.keys.Append(c.keyBuf[:0], s.key); err != nil {
		c.fail("serialize a key", err)
		return false
	}
	c.measureKey(len(c.keyBuf))
	return true
}

func (c *cached[K, V]) serializeRow(s *slot[K, V]) bool {
	mark := rowSet
	if s.state&slotPresent == 0 {
		mark = rowDelete
	}
	if s.state&slotLogged != 0 {
		mark |= rowLogged
	}
	c.valBuf = append(c.valBuf[:0], mark)
	c.valBuf = binary.BigEndian.AppendUint64(c.valBuf, uint64(s.timestamp))
	if s.state&slotPresent != 0 {
		var err error
		if c.valBuf, err = c.values.Append(c.valBuf, s.value); err != nil {
			c.fail("serialize a value", err)
			return false
		}
	}
	c.measureRow(len(c.valBuf))
	return true
}

func (c *cached[K, V]) log(key, row []byte) { c.logWith(key, row, nil) }

func (c *cached[K, V]) logWith(key, row []byte, headers record.Headers) {
	value := row[rowHead:]
	if row[0]&rowDelete != 0 {
		value = nil
	}
	if c.logKey != nil {
		c.logBuf = c.logKey(c.logBuf[:0], key)
		key = c.logBuf
	}
	c.env.Log(key, value, int64(binary.BigEndian.Uint64(row[1:])), headers)
}

func (c *cached[K, V]) stage(s *slot[K, V]) {
	switch {
	case !c.serialize(s):
	case c.gone == nil || !c.gone(&s.key):
		c.staged.Set(c.keyBuf, c.valBuf)
	case s.state&slotLogged == 0 && c.env.Log != nil:
		c.log(c.keyBuf, c.valBuf)
	}
	s.state &^= slotDirty | slotLogged | slotBehind
}

// stageAll stages every dirty slot.
func (c *cached[K, V]) stageAll() {
	for _, i := range c.dirty {
		if s := c.slots.at(i); s.state&slotDirty != 0 {
			c.stage(s)
		}
	}
	c.dirty = c.dirty[:0]
}

func (c *cached[K, V]) Flush() {
	c.flush(c.leave())
	c.shrink(0)
}

// shrink settles with the budget, from which others entries are taken, too. A cache that has clearly more than it
// may hold starts over: only so does its memory become free.
func (c *cached[K, V]) shrink(others int) {
	c.share(c.slots.len()+others, 0)
	if c.budget == nil || c.slots.len() <= c.limit+c.limit/4 {
		return
	}
	c.freezeAll()
	c.slots, c.hand, c.dirty, c.whole = newSlots[K, V](), 0, nil, false
	c.share(others, 0)
}

// flush makes the change records that are missing, of what is staged and of slots that were left, and freezes the
// first.
func (c *cached[K, V]) flush(left *sortedSlots[K, V]) {
	if c.flushed && !c.failed {
		c.fail("flush", errUnconfirmed)
	}
	if c.failed {
		return
	}
	if c.env.Log != nil {
		c.inOrder(left, c.staged, func(key, row []byte) {
			if row[0]&rowLogged == 0 {
				c.log(key, row)
			}
		})
	}
	left.reset() // or it would keep slots that are given up
	c.flushed = c.staged.Len() > 0 || len(c.behind) > 0
	c.freezeStaged()
}

// logStaged makes the change records that staged rows before end still lack.
func (c *cached[K, V]) logStaged(end []byte) {
	if c.env.Log == nil {
		return
	}
	it := c.staged.Iterate(nil, end, false)
	defer it.Close()
	for it.Next() {
		if row := it.Value(); row[0]&rowLogged == 0 {
			c.log(it.Key(), row)
		}
	}
}

// slotCost is what a dirty slot is taken to hold beyond its key and value, which are not measured.
const slotCost = 128

func (c *cached[K, V]) Pending() int {
	n := int(c.staged.Bytes()) + len(c.dirty)*slotCost
	if c.flushed {
		n += c.deferred()
	}
	return n
}
