package statestore

import (
	"bytes"
	"slices"
)

// sortedSlots are slots that are gathered first and then sorted by their serialized keys, which costs less than a [Tree]
// that is in order after each of them.
type sortedSlots[K comparable, V any] struct {
	order []sortedSlot[K, V]
	keys  []byte
	// common is how many bytes all keys begin with.
	common int
}

// sortedSlot has the place of its key, and the first bytes of it behind the common ones, by which most compare.
type sortedSlot[K comparable, V any] struct {
	head     uint64
	from, to uint32
	slot     *slot[K, V]
}

// reset empties them, and keeps their memory if it is not much.
func (r *sortedSlots[K, V]) reset() {
	const most = 8 << 10
	if cap(r.order) > most {
		*r = sortedSlots[K, V]{}
	}
	clear(r.order)
	r.keys, r.order, r.common = r.keys[:0], r.order[:0], 0
}

func (r *sortedSlots[K, V]) add(key []byte, s *slot[K, V]) {
	if len(r.order) == 0 {
		r.common = len(key)
	} else {
		r.common = commonPrefix(r.key(&r.order[0])[:r.common], key)
	}
	from := len(r.keys)
	r.keys = append(r.keys, key...)
	r.order = append(r.order, sortedSlot[K, V]{from: uint32(from), to: uint32(len(r.keys)), slot: s})
}

func (r *sortedSlots[K, V]) key(s *sortedSlot[K, V]) []byte { return r.keys[s.from:s.to] }

func (r *sortedSlots[K, V]) sort() {
	for i := range r.order {
		r.order[i].head = word(r.key(&r.order[i]), r.common)
	}
	slices.SortFunc(r.order, func(a, b sortedSlot[K, V]) int {
		switch {
		case a.head < b.head:
			return -1
		case a.head > b.head:
			return 1
		}
		return bytes.Compare(r.key(&a), r.key(&b))
	})
}
