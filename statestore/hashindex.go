package statestore

import (
	"math/bits"
	"slices"
)

// hashIndex finds numbers by the hashes of the keys that they stand for. The keys themselves are kept once, by its
// user, who compares them: a cell is a hash and a number, 8 bytes, where a map would hold the key again.
//
// It is a table with linear probing, whose cells are in the order of their hashes but for those that had to give way.
type hashIndex struct {
	cells []hashCell
	n     int
	shift uint8 // of a hash to its home, the cell where a probe begins
}

// hashCell has the hash in its upper half and the number + 1 in its lower one; 0 is a free cell.
type hashCell uint64

const minHashCells = 16

func (c hashCell) hash() uint32   { return uint32(c >> 32) }
func (c hashCell) number() uint32 { return uint32(c) - 1 }

// noNumber stands for a number that there is not.
const noNumber = 1<<32 - 1

// probe returns the first number of a hash, and the place to go on from with again if it is of another key.
func (x *hashIndex) probe(hash uint32) (number uint32, place int) {
	if x.n == 0 {
		return noNumber, 0
	}
	return x.again(hash, int(hash>>x.shift)-1)
}

// again returns the next number of a hash after a place, noNumber if there is none.
func (x *hashIndex) again(hash uint32, place int) (number uint32, next int) {
	mask := len(x.cells) - 1
	for {
		place = (place + 1) & mask
		switch c := x.cells[place]; {
		case c == 0:
			return noNumber, 0
		case c.hash() == hash:
			return c.number(), place
		}
	}
}

// add adds a number that the index does not have.
func (x *hashIndex) add(hash, number uint32) {
	if 4*(x.n+1) > 3*len(x.cells) {
		x.grow()
	}
	x.n++
	x.put(hashCell(hash)<<32 | hashCell(number+1))
}

func (x *hashIndex) put(c hashCell) {
	mask := len(x.cells) - 1
	place := int(c.hash() >> x.shift)
	for x.cells[place] != 0 {
		place = (place + 1) & mask
	}
	x.cells[place] = c
}

func (x *hashIndex) grow() {
	old := x.cells
	x.cells = make([]hashCell, max(minHashCells, 2*len(old)))
	x.shift = uint8(33 - bits.Len(uint(len(x.cells))))
	for _, c := range old {
		if c != 0 {
			x.put(c)
		}
	}
}

// remove takes a number out. If it is not among those of the hash, it is looked for everywhere: a key that does not
// equal itself, a NaN, has another hash each time.
func (x *hashIndex) remove(hash, number uint32) {
	found, free := x.probe(hash)
	for found != number && found != noNumber {
		found, free = x.again(hash, free)
	}
	if found == noNumber {
		free = slices.IndexFunc(x.cells, func(c hashCell) bool { return c != 0 && c.number() == number })
	}
	x.n--
	mask := len(x.cells) - 1
	x.cells[free] = 0
	// What had to give way to the removed one moves up, so that no probe ends too early.
	for place := free; ; {
		place = (place + 1) & mask
		c := x.cells[place]
		if c == 0 {
			return
		}
		if home := int(c.hash() >> x.shift); (place-home)&mask >= (place-free)&mask {
			x.cells[free], x.cells[place] = c, 0
			free = place
		}
	}
}

// clear empties the index and keeps its memory.
func (x *hashIndex) clear() {
	clear(x.cells)
	x.n = 0
}
