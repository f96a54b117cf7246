package statestore

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Write adds what the engine lacks to a batch, in the order of keys: engines take it several times faster so.
func (c *cached[K, V]) Write(b Batch) {
	r := c.serializeBehind()
	frozen := c.frozen.Iterate(nil, nil, false)
	defer frozen.Close()
	more := frozen.Next()
	var last []byte
	for _, next := range r.order {
		key, row := r.at(next)
		if bytes.Equal(key, last) && last != nil {
			continue // a slot that lost its key and got it again is listed twice
		}
		last = key
		for more && bytes.Compare(frozen.Key(), key) < 0 {
			c.write(b, frozen.Key(), frozen.Value())
			more = frozen.Next()
		}
		if more && bytes.Equal(frozen.Key(), key) { // of an earlier commit
			more = frozen.Next()
		}
		c.write(b, key, row)
	}
	for ; more; more = frozen.Next() {
		c.write(b, frozen.Key(), frozen.Value())
	}
}

func (c *cached[K, V]) write(b Batch, key, row []byte) {
	switch {
	case row[0]&rowDelete != 0:
		b.Delete(c.env.Engine, key)
	case c.timestamped:
		b.Set(c.env.Engine, key, row[1:])
	default:
		b.Set(c.env.Engine, key, row[rowHead:])
	}
}

// serializeBehind returns the rows of all slots that are behind.
func (c *cached[K, V]) serializeBehind() *sortedRows {
	r := &sortedRows{rows: make([]byte, 0, len(c.behind)*int(rowsHead+c.row/16)), order: make([]sortedRow, 0, len(c.behind))}
	c.eachBehind(func(s *slot[K, V]) {
		if c.serialize(s) {
			r.add(c.keyBuf, c.valBuf)
		}
	})
	r.sort()
	return r
}

// Written drops what Write has written.
func (c *cached[K, V]) Written() {
	for _, i := range c.behind {
		c.slots.at(i).state &^= slotBehind
	}
	c.behind = c.behind[:0]
	c.frozen.Reset()
	c.flushed = false
}

// sortedRows are rows that are gathered first and then sorted, which costs less than a [Tree] that is in order after
// each of them.
type sortedRows struct {
	// rows have each the length of the key, that of the row, and the two.
	rows  []byte
	order []sortedRow
	// common is how many bytes all keys begin with.
	common int
}

const rowsHead = 8

// sortedRow is the place of a row, and the first bytes of its key behind the common ones, by which most compare.
type sortedRow struct {
	head uint64
	at   int
}

func (r *sortedRows) add(key, row []byte) {
	if len(r.order) == 0 {
		r.common = len(key)
	} else {
		first, _ := r.at(r.order[0])
		r.common = commonPrefix(first[:r.common], key)
	}
	r.order = append(r.order, sortedRow{at: len(r.rows)})
	r.rows = binary.LittleEndian.AppendUint32(r.rows, uint32(len(key)))
	r.rows = binary.LittleEndian.AppendUint32(r.rows, uint32(len(row)))
	r.rows = append(append(r.rows, key...), row...)
}

// at returns a row and its key.
func (r *sortedRows) at(s sortedRow) (key, row []byte) {
	b := r.rows[s.at:]
	n, m := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	return b[rowsHead : rowsHead+n], b[rowsHead+n : rowsHead+n+m]
}

func (r *sortedRows) sort() {
	for i := range r.order {
		key, _ := r.at(r.order[i])
		r.order[i].head = word(key, r.common)
	}
	slices.SortFunc(r.order, func(a, b sortedRow) int {
		switch {
		case a.head < b.head:
			return -1
		case a.head > b.head:
			return 1
		}
		x, _ := r.at(a)
		y, _ := r.at(b)
		return bytes.Compare(x, y)
	})
}
