package statestore

import (
	"encoding/binary"
	"errors"
)

// pending holds the writes to an engine that no commit has confirmed: those since the last freeze in staged,
// those of the commit that is being confirmed in frozen. Reads go through both. Each row begins with 8 bytes
// that mean a time; in staged and frozen it has the mark of cached's rows in front.
type pending struct {
	engine         Engine
	staged, frozen *Tree
	row            []byte
}

func newPending(e Engine) pending { return pending{engine: e, staged: NewTree(), frozen: NewTree()} }

// get returns a row. It is valid until the next call.
func (p *pending) get(key []byte) ([]byte, bool, error) {
	for _, t := range [...]*Tree{p.staged, p.frozen} {
		if row, ok := t.Get(key); ok {
			return row[1:], row[0] != rowDelete, nil
		}
	}
	return p.engine.Get(key)
}

func (p *pending) set(key []byte, timestamp int64, rest ...[]byte) {
	p.row = binary.BigEndian.AppendUint64(append(p.row[:0], rowSet), uint64(timestamp))
	for _, b := range rest {
		p.row = append(p.row, b...)
	}
	p.staged.Set(key, p.row)
}

func (p *pending) delete(key []byte) {
	p.row = append(p.row[:0], rowDelete, 0, 0, 0, 0, 0, 0, 0, 0)
	p.staged.Set(key, p.row)
}

// merge iterates over the rows in [from, to).
func (p *pending) merge(from, to []byte, reverse bool) *merged {
	m := &merged{reverse: reverse, timestamped: true}
	m.layers[0] = layer{it: p.staged.Iterate(from, to, reverse), rows: true}
	m.layers[1] = layer{it: p.frozen.Iterate(from, to, reverse), rows: true}
	m.layers[2] = layer{it: p.engine.Iterate(from, to, reverse)}
	for i := range m.layers {
		m.layers[i].more = m.layers[i].it.Next()
	}
	return m
}

var errUnconfirmed = errors.New("the writes of the commit before have not been confirmed")

// freeze sets the writes aside for write.
func (p *pending) freeze() error {
	if p.frozen.Len() > 0 {
		return errUnconfirmed
	}
	p.staged, p.frozen = p.frozen, p.staged
	return nil
}

// write adds the frozen rows to a batch, but for new ones that skip tells to leave out; skip may be nil.
func (p *pending) write(b Batch, skip func(key []byte) bool) {
	it := p.frozen.Iterate(nil, nil, false)
	defer it.Close()
	for it.Next() {
		switch key, row := it.Key(), it.Value(); {
		case row[0] == rowDelete:
			b.Delete(p.engine, key)
		case skip == nil || !skip(key):
			b.Set(p.engine, key, row[1:])
		}
	}
}

func (p *pending) bytes() int { return int(p.staged.Bytes() + p.frozen.Bytes()) }
