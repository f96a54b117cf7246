package statestore

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Write adds what the engine lacks to a batch, in the order of keys: engines take it several times faster so.
func (c *cached[K, V]) Write(b Batch) {
	c.writeAll(b, c.gatherBehind(len(c.behind)))
}

// writeAll adds the frozen rows and those of slots that are behind.
func (c *cached[K, V]) writeAll(b Batch, behind *sortedRows) {
	behind.sort()
	behind.over(c.frozen, func(key, row []byte) { c.write(b, key, row) })
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

// gatherBehind returns the rows of all slots that are behind, with room for n.
func (c *cached[K, V]) gatherBehind(n int) *sortedRows {
	r := &sortedRows{rows: make([]byte, 0, n*int(rowsHead+c.row/16)), order: make([]sortedRow, 0, n)}
	c.eachBehind(c.gather(r))
	return r
}

func (c *cached[K, V]) gather(r *sortedRows) func(*slot[K, V]) {
	return func(s *slot[K, V]) {
		if c.serialize(s) {
			r.add(c.keyBuf, c.valBuf)
		}
	}
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

// reset empties them, and keeps their memory if it is not much.
func (r *sortedRows) reset() {
	const most = 1 << 20
	if cap(r.rows) > most {
		*r = sortedRows{}
	}
	r.rows, r.order, r.common = r.rows[:0], r.order[:0], 0
}

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

// over calls f with the rows and those of a tree in the order of keys, once for each: they are the newer ones.
func (r *sortedRows) over(t *Tree, f func(key, row []byte)) {
	it := t.Iterate(nil, nil, false)
	defer it.Close()
	more := it.Next()
	var last []byte
	for _, next := range r.order {
		key, row := r.at(next)
		if bytes.Equal(key, last) && last != nil {
			continue // a slot that lost its key and got it again is listed twice
		}
		last = key
		for more && bytes.Compare(it.Key(), key) < 0 {
			f(it.Key(), it.Value())
			more = it.Next()
		}
		if more && bytes.Equal(it.Key(), key) {
			more = it.Next()
		}
		f(key, row)
	}
	for ; more; more = it.Next() {
		f(it.Key(), it.Value())
	}
}
