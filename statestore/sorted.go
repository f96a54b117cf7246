package statestore

import "bytes"

// Sorted is a batch over another one that keeps the last write of each key only and passes the writes on in
// the order of keys when it is committed. A changelog has many values of a key and in no order; engines take
// few writes in order several times faster.
type Sorted struct {
	to     Batch
	stores []sortedStore
	row    []byte
}

var _ Batch = (*Sorted)(nil)

type sortedStore struct {
	engine Engine
	// ranges are deleted before rows are written: those that they covered were taken out when they came.
	ranges [][2][]byte
	rows   Tree
}

// NewSorted returns an empty batch that passes its writes on to another one, which nobody else uses.
func NewSorted(to Batch) *Sorted { return &Sorted{to: to} }

func (s *Sorted) store(e Engine) *sortedStore {
	for i := range s.stores {
		if s.stores[i].engine == e {
			return &s.stores[i]
		}
	}
	s.stores = append(s.stores, sortedStore{engine: e})
	return &s.stores[len(s.stores)-1]
}

// Set implements [Batch].
func (s *Sorted) Set(e Engine, key, value []byte) {
	s.row = append(append(s.row[:0], rowSet), value...)
	s.store(e).rows.Set(key, s.row)
}

// Delete implements [Batch].
func (s *Sorted) Delete(e Engine, key []byte) {
	s.row = append(s.row[:0], rowDelete)
	s.store(e).rows.Set(key, s.row)
}

// DeleteRange implements [Batch].
func (s *Sorted) DeleteRange(e Engine, from, to []byte) {
	st := s.store(e)
	st.rows.DeleteRange(from, to)
	st.ranges = append(st.ranges, [2][]byte{bytes.Clone(from), bytes.Clone(to)})
}

// SetPosition implements [Batch].
func (s *Sorted) SetPosition(store string, p Position) { s.to.SetPosition(store, p) }

// Size implements [Batch].
func (s *Sorted) Size() int {
	n := s.to.Size()
	for i := range s.stores {
		n += int(s.stores[i].rows.Bytes())
	}
	return n
}

// Commit implements [Batch].
func (s *Sorted) Commit() error {
	for i := range s.stores {
		st := &s.stores[i]
		for _, r := range st.ranges {
			s.to.DeleteRange(st.engine, r[0], r[1])
		}
		it := st.rows.Iterate(nil, nil, false)
		for it.Next() {
			if row := it.Value(); row[0] == rowDelete {
				s.to.Delete(st.engine, it.Key())
			} else {
				s.to.Set(st.engine, it.Key(), row[1:])
			}
		}
		_ = it.Close() // of memory, which does not fail
		st.rows.Reset()
		st.ranges = nil
	}
	return s.to.Commit()
}
