package statestore

import (
	"bytes"
	"encoding/binary"
)

// iterate calls yield for the entries in [from, to) until it returns false. It reads ahead in chunks and
// holds nothing open in between, so yield may read and write the store. Entries that are written meanwhile
// may be seen or not.
func (c *cached[K, V]) iterate(from, to []byte, reverse bool, yield func(K, V, int64) bool) {
	type entry struct {
		key       K
		value     V
		timestamp int64
	}
	from, to = bytes.Clone(from), bytes.Clone(to)
	if to == nil && from != nil && len(from) == 0 {
		from = nil
	}
	var chunk []entry
	var last []byte
	for size := 16; !c.failed; size = min(size*4, 1024) {
		c.lowerAll()
		chunk = chunk[:0]
		m := c.merge(from, to, reverse)
		for len(chunk) < size && m.next() {
			k, err := c.keys.Decode(m.key)
			if err != nil {
				c.fail("read a key", err)
				break
			}
			v, err := c.values.Decode(m.value)
			if err != nil {
				c.fail("read a value", err)
				break
			}
			chunk = append(chunk, entry{k, v, m.timestamp})
			last = append(last[:0], m.key...)
		}
		if err := m.close(); err != nil {
			c.fail("iterate", err)
		}
		if c.failed {
			return
		}
		for _, e := range chunk {
			if !yield(e.key, e.value, e.timestamp) {
				return
			}
		}
		if len(chunk) < size {
			return
		}
		if reverse {
			to = append(to[:0], last...)
		} else {
			from = append(append(from[:0], last...), 0)
		}
	}
}

// merged walks over the layers below the slots as one ordered map.
type merged struct {
	layers      [3]layer
	reverse     bool
	timestamped bool
	key, value  []byte
	timestamp   int64
	err         error
}

type layer struct {
	it   Iterator
	more bool
	rows bool // values carry the row head
}

func (c *cached[K, V]) merge(from, to []byte, reverse bool) *merged {
	m := &merged{reverse: reverse, timestamped: c.timestamped}
	for i, t := range [...]*Tree{c.staged, c.frozen} {
		m.layers[i] = layer{it: noEntries{}, rows: true}
		if t.Len() > 0 {
			m.layers[i].it = t.Iterate(from, to, reverse)
		}
	}
	m.layers[2] = layer{it: c.env.Engine.Iterate(from, to, reverse)}
	for i := range m.layers {
		m.layers[i].more = m.layers[i].it.Next()
	}
	return m
}

// noEntries is the iterator of a tree without entries; making one costs nothing.
type noEntries struct{}

func (noEntries) Next() bool    { return false }
func (noEntries) Key() []byte   { return nil }
func (noEntries) Value() []byte { return nil }
func (noEntries) Err() error    { return nil }
func (noEntries) Close() error  { return nil }

// next moves to the next entry. Its key and value are valid until the call after.
func (m *merged) next() bool {
	for {
		first := -1
		for i := range m.layers {
			if !m.layers[i].more {
				continue
			}
			if first < 0 {
				first = i
				continue
			}
			if d := bytes.Compare(m.layers[i].it.Key(), m.layers[first].it.Key()); d != 0 && (d < 0) != m.reverse {
				first = i
			}
		}
		if first < 0 {
			return false
		}
		l := &m.layers[first]
		m.key = append(m.key[:0], l.it.Key()...)
		present := true
		row := l.it.Value()
		switch {
		case l.rows:
			present = row[0]&rowDelete == 0
			m.timestamp = int64(binary.BigEndian.Uint64(row[1:]))
			m.value = append(m.value[:0], row[rowHead:]...)
		case m.timestamped && len(row) < 8:
			m.err = errShortRow
			return false
		case m.timestamped:
			m.timestamp = int64(binary.BigEndian.Uint64(row))
			m.value = append(m.value[:0], row[8:]...)
		default:
			m.value = append(m.value[:0], row...)
		}
		for i := range m.layers { // pass over older versions of the key
			if l := &m.layers[i]; l.more && bytes.Equal(l.it.Key(), m.key) {
				l.more = l.it.Next()
			}
		}
		if present {
			return true
		}
	}
}

func (m *merged) close() error {
	err := m.err
	for _, l := range m.layers {
		if e := l.it.Err(); err == nil {
			err = e
		}
		if e := l.it.Close(); err == nil {
			err = e
		}
	}
	return err
}

// span returns the bounds of the keys from one to another, both included.
func (c *cached[K, V]) span(from, to K) (lo, hi []byte, ok bool) {
	lo, err := c.keys.Append(nil, from)
	if err == nil {
		hi, err = c.keys.Append(nil, to)
	}
	if err != nil {
		c.fail("serialize a key", err)
		return nil, nil, false
	}
	return lo, append(hi, 0), bytes.Compare(lo, hi) <= 0
}

// prefixEnd returns the first key after all that begin with prefix, nil if there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}
