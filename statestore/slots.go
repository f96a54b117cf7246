package statestore

import "hash/maphash"

// slots are the entries of a typed cache, found by their keys. They stay where they are: a table that grows adds a
// chunk.
type slots[K comparable, V any] struct {
	seed   maphash.Seed
	index  hashIndex
	chunks []*[slotChunk]slot[K, V]
	end    uint32 // slots that were ever in use
	last   uint32 // the slot that was last found or added
	free   []uint32
}

type slot[K comparable, V any] struct {
	key       K
	value     V
	timestamp int64
	state     slotState
}

type slotState uint8

const (
	slotUsed    slotState = 1 << iota // the slot holds a key
	slotPresent                       // the key has a value; else it is known to have none
	slotDirty                         // the slot is newer than staged
	slotLogged                        // its change record has been made (Env.EveryUpdate)
	slotRecent                        // it was used since the clock hand last passed
	slotBehind                        // what was last flushed of it is not in frozen, nor in the engine
)

// slotChunk is how many slots are made at once.
const slotChunk = 128

func newSlots[K comparable, V any]() slots[K, V] { return slots[K, V]{seed: maphash.MakeSeed()} }

// hash returns what find and add want to have with a key.
func (t *slots[K, V]) hash(key K) uint32 { return uint32(maphash.Comparable(t.seed, key)) }

// at returns a slot by its number.
func (t *slots[K, V]) at(i uint32) *slot[K, V] { return &t.chunks[i/slotChunk][i%slotChunk] }

// len is the number of keys.
func (t *slots[K, V]) len() int { return t.index.n }

// find returns the number of a key's slot.
func (t *slots[K, V]) find(key K, hash uint32) (uint32, bool) {
	i, place := t.index.probe(hash)
	for i != noNumber && t.at(i).key != key {
		i, place = t.index.again(hash, place)
	}
	if i == noNumber {
		return i, false
	}
	t.last = i
	return i, true
}

// same returns the number of a key's slot if it is the one that was last found or added: what is read is often
// written next.
func (t *slots[K, V]) same(key K) (uint32, bool) {
	if t.last >= t.end {
		return 0, false
	}
	s := t.at(t.last)
	return t.last, s.state&slotUsed != 0 && s.key == key
}

// add returns the number of a slot for a key that has none.
func (t *slots[K, V]) add(key K, hash uint32) uint32 {
	var i uint32
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else {
		i = t.end
		if t.end++; i/slotChunk == uint32(len(t.chunks)) {
			t.chunks = append(t.chunks, new([slotChunk]slot[K, V]))
		}
	}
	t.index.add(hash, i)
	t.last = i
	s := t.at(i)
	s.key, s.state = key, slotUsed|slotRecent
	return i
}

// remove empties a slot.
func (t *slots[K, V]) remove(i uint32) {
	s := t.at(i)
	t.index.remove(t.hash(s.key), i)
	*s = slot[K, V]{}
	t.free = append(t.free, i)
}

// clear removes all keys and keeps the memory.
func (t *slots[K, V]) clear() {
	t.index.clear()
	for _, c := range t.chunks {
		clear(c[:])
	}
	t.end, t.free = 0, t.free[:0]
}
