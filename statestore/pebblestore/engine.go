package pebblestore

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/leatstream/leat/statestore"
)

// engine is one store's range of keys.
type engine struct {
	owner  *backend
	name   string
	number uint16
	// stored says that the catalogue in the database has the store; it gets there with the first batch.
	stored      bool
	prefix, end []byte
	// key is the buffer for full keys.
	key []byte
	// absent rises with keys that are not there and falls with others: above zero, lookups prepare for the
	// former.
	absent int
}

var _ statestore.Engine = (*engine)(nil)

// An absent key counts as much as three present ones, about the ratio of what the wrong way to look costs them.
const (
	absentStep  = 3
	absentLimit = 48
)

func (e *engine) Get(key []byte) (value []byte, ok bool, err error) {
	b := e.owner
	if err := b.check(); err != nil {
		return nil, false, err
	}
	e.key = append(append(e.key[:0], e.prefix...), key...)
	if e.absent > 0 {
		value, ok, err = b.seek(e.key)
	} else {
		value, ok, err = b.get(e.key)
	}
	if ok {
		e.absent = max(e.absent-1, -absentLimit)
	} else {
		e.absent = min(e.absent+absentStep, absentLimit)
	}
	return value, ok, err
}

func (e *engine) Stats() statestore.Stats {
	s := statestore.Stats{Keys: -1}
	b := e.owner
	if b.check() != nil {
		return s
	}
	size, err := b.db.pebble.EstimateDiskUsage(e.prefix, e.end)
	if err == nil {
		s.Bytes = int64(size)
	}
	return s
}

// bounds returns the range of full keys for [from, to) in buffers of their own, and whether it is empty.
func (e *engine) bounds(lowBuf, highBuf, from, to []byte) (low, high []byte, empty bool) {
	low = append(append(lowBuf[:0], e.prefix...), from...)
	if to == nil {
		return low, append(highBuf[:0], e.end...), false
	}
	high = append(append(highBuf[:0], e.prefix...), to...)
	return low, high, string(low) >= string(high)
}

func (e *engine) Iterate(from, to []byte, reverse bool) statestore.Iterator {
	it := &iterator{engine: e, epoch: e.owner.epoch, reverse: reverse}
	it.err = it.open(from, to)
	return it
}

// iterator walks over a range of a store.
type iterator struct {
	engine  *engine
	pebble  *pebble.Iterator
	epoch   uint64
	reverse bool
	started bool
	err     error
	low     []byte
	high    []byte
}

func (it *iterator) open(from, to []byte) (err error) {
	b := it.engine.owner
	if err := b.check(); err != nil {
		return err
	}
	var empty bool
	if it.low, it.high, empty = it.engine.bounds(nil, nil, from, to); empty {
		return nil
	}
	defer b.db.failure.recovered(&err)
	if n := len(b.idle); n > 0 {
		it.pebble = b.idle[n-1]
		b.idle = b.idle[:n-1]
		it.pebble.SetBounds(it.low, it.high)
	} else {
		it.pebble, err = b.db.pebble.NewIter(&pebble.IterOptions{LowerBound: it.low, UpperBound: it.high})
		if err != nil {
			return b.db.failure.wrap(b.op("iterate"), err)
		}
	}
	b.live = append(b.live, it)
	return nil
}

func (it *iterator) Next() (ok bool) {
	if it.pebble == nil || it.err != nil {
		return false
	}
	f := it.engine.owner.db.failure
	defer f.recovered(&it.err)
	switch {
	case !it.started && it.reverse:
		ok = it.pebble.Last()
	case !it.started:
		ok = it.pebble.First()
	case !it.pebble.Valid():
		return false
	case it.reverse:
		ok = it.pebble.Prev()
	default:
		ok = it.pebble.Next()
	}
	it.started = true
	if !ok {
		it.err = f.wrap(it.engine.owner.op("iterate"), it.pebble.Error())
	}
	return ok
}

func (it *iterator) Key() []byte {
	if it.pebble == nil || !it.pebble.Valid() {
		return nil
	}
	return it.pebble.Key()[len(it.engine.prefix):]
}

func (it *iterator) Value() []byte {
	if it.pebble == nil || !it.pebble.Valid() {
		return nil
	}
	value, err := it.pebble.ValueAndErr()
	if err != nil {
		it.err = it.engine.owner.db.failure.wrap(it.engine.owner.op("iterate"), err)
	}
	return value
}

func (it *iterator) Err() error { return it.err }

func (it *iterator) Close() error { return it.detach() }

// detach gives Pebble's iterator back, for further use if it still shows the state.
func (it *iterator) detach() (err error) {
	p := it.pebble
	if p == nil {
		return nil
	}
	it.pebble = nil
	b := it.engine.owner
	defer b.db.failure.recovered(&err)
	for i, other := range b.live {
		if other == it {
			last := len(b.live) - 1
			b.live[i] = b.live[last]
			b.live[last] = nil
			b.live = b.live[:last]
			break
		}
	}
	const maxIdle = 4
	if it.epoch == b.epoch && it.err == nil && b.err == nil && len(b.idle) < maxIdle {
		b.idle = append(b.idle, p)
		return nil
	}
	return b.db.failure.wrap(b.op("iterate"), p.Close())
}
