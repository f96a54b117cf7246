package statestore

import "encoding/binary"

// A Tree's keys and values lie in slabs, each filled from its beginning to its end. A block is a key with its
// value, or a separator, which is a key alone:
//
//	size u32 | key length u32 | value length u32 | key | value | rest up to size
//
// Sizes are multiples of 8, which leaves three bits of the size for flags. Nothing in a slab is a Go pointer.
const (
	blockHead = 12

	blockSep  = 1 // the key of an inner node
	blockDead = 2

	blockFlags = 7
)

// Slabs grow with the arena, so that a small tree stays small. The largest size bounds how long reclaiming
// one of them takes. A block above maxShared has a slab to itself.
const (
	minSlab   = 16 << 10
	maxSlab   = 256 << 10
	maxShared = maxSlab / 4
)

// handle is the place of a block: the slab's number and the offset in it.
type handle uint64

const noBlock = ^handle(0)

type slab struct {
	buf []byte
	// fill is the number of bytes handed out, dead how many of them belong to blocks that are no more.
	fill, dead uint32
}

type arena struct {
	slabs []slab
	// open is the slab that is being filled; there is one if opened.
	open   uint32
	opened bool
	// pool lists the empty slabs, holes the numbers that have no memory.
	pool, holes []uint32
	// held is the memory of all slabs; used of it are handed out; dead of these are to be reclaimed.
	held, used, dead int64
}

// block returns the block and all that follows it in its slab.
func (a *arena) block(h handle) []byte { return a.slabs[h>>32].buf[uint32(h):] }

func (a *arena) key(h handle) []byte {
	b := a.block(h)
	n := binary.LittleEndian.Uint32(b[4:])
	return b[blockHead : blockHead+n]
}

func (a *arena) value(h handle) []byte {
	b := a.block(h)
	at := blockHead + binary.LittleEndian.Uint32(b[4:])
	end := at + binary.LittleEndian.Uint32(b[8:])
	return b[at:end:end]
}

// put stores a block with room for slack more bytes of value. Key and value may lie in the arena.
func (a *arena) put(key, value []byte, slack int, flags uint32) handle {
	n := (blockHead + len(key) + len(value) + slack + 7) &^ 7
	if n > 1<<31 {
		panic("statestore: key and value exceed 2 GiB")
	}
	h := a.alloc(uint32(n))
	b := a.block(h)
	binary.LittleEndian.PutUint32(b, uint32(n)|flags)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(key)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(value)))
	copy(b[blockHead:], key)
	copy(b[blockHead+len(key):], value)
	return h
}

// replace overwrites the value in place if it fits and does not leave most of the block empty.
func (a *arena) replace(h handle, value []byte) bool {
	b := a.block(h)
	at := int(blockHead + binary.LittleEndian.Uint32(b[4:]))
	room := int(binary.LittleEndian.Uint32(b)&^blockFlags) - at
	if len(value) > room || room > 64 && len(value) < room/2 {
		return false
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(value)))
	copy(b[at:], value)
	return true
}

// kill gives a block up. A slab without living blocks is free for new ones at once.
func (a *arena) kill(h handle) {
	b := a.block(h)
	size := binary.LittleEndian.Uint32(b)
	binary.LittleEndian.PutUint32(b, size|blockDead)
	id := uint32(h >> 32)
	s := &a.slabs[id]
	s.dead += size &^ blockFlags
	a.dead += int64(size &^ blockFlags)
	if s.dead == s.fill && !(a.opened && id == a.open) {
		a.free(id)
	}
}

func (a *arena) alloc(n uint32) handle {
	if n > maxShared {
		id := a.newSlab(int(n))
		a.slabs[id].fill = n
		a.used += int64(n)
		return handle(id) << 32
	}
	if !a.opened || uint32(len(a.slabs[a.open].buf))-a.slabs[a.open].fill < n {
		full, was := a.open, a.opened
		a.open, a.opened = a.take(n), true
		if was && a.slabs[full].dead == a.slabs[full].fill {
			a.free(full)
		}
	}
	s := &a.slabs[a.open]
	at := s.fill
	s.fill += n
	a.used += int64(n)
	return handle(a.open)<<32 | handle(at)
}

// take returns an empty slab with room for n bytes, from the pool where there is one.
func (a *arena) take(n uint32) uint32 {
	for i := len(a.pool) - 1; i >= 0; i-- {
		id := a.pool[i]
		if uint32(len(a.slabs[id].buf)) >= n {
			a.pool[i] = a.pool[len(a.pool)-1]
			a.pool = a.pool[:len(a.pool)-1]
			return id
		}
	}
	size := minSlab
	for size < maxSlab && (int64(size) < a.held || uint32(size) < n) {
		size *= 2
	}
	return a.newSlab(size)
}

func (a *arena) newSlab(size int) uint32 {
	a.held += int64(size)
	if n := len(a.holes); n > 0 {
		id := a.holes[n-1]
		a.holes = a.holes[:n-1]
		a.slabs[id] = slab{buf: make([]byte, size)}
		return id
	}
	a.slabs = append(a.slabs, slab{buf: make([]byte, size)})
	return uint32(len(a.slabs) - 1)
}

// victim returns, once dead blocks outweigh the living, the slab with the largest share of them. The open slab
// is left alone.
func (a *arena) victim() (uint32, bool) {
	if a.dead < minSlab || a.dead*2 <= a.used {
		return 0, false
	}
	best, found := uint32(0), false
	for i := range a.slabs {
		s := &a.slabs[i]
		if s.dead == 0 || a.opened && uint32(i) == a.open {
			continue
		}
		if !found || uint64(s.dead)*uint64(a.slabs[best].fill) > uint64(a.slabs[best].dead)*uint64(s.fill) {
			best, found = uint32(i), true
		}
	}
	return best, found
}

// free takes back a slab whose blocks are all dead.
func (a *arena) free(id uint32) {
	s := &a.slabs[id]
	a.used -= int64(s.fill)
	a.dead -= int64(s.dead)
	s.fill, s.dead = 0, 0
	if len(s.buf) > maxSlab || len(a.pool) > 2+(len(a.slabs)-len(a.holes))/4 {
		a.release(id)
		return
	}
	a.pool = append(a.pool, id)
}

func (a *arena) release(id uint32) {
	a.held -= int64(len(a.slabs[id].buf))
	a.slabs[id].buf = nil
	a.holes = append(a.holes, id)
}

func (a *arena) reset() {
	filled := int64(0)
	for i := range a.slabs {
		if a.slabs[i].fill > 0 {
			filled += int64(len(a.slabs[i].buf))
		}
	}
	keep := max(filled, a.held/2)
	a.pool = a.pool[:0]
	a.holes = a.holes[:0]
	a.opened, a.used, a.dead = false, 0, 0
	// Downwards, so that the pool, which is taken from its end, gives the first slabs first.
	for i := len(a.slabs) - 1; i >= 0; i-- {
		s := &a.slabs[i]
		s.fill, s.dead = 0, 0
		switch {
		case s.buf == nil:
			a.holes = append(a.holes, uint32(i))
		case len(s.buf) > maxSlab || a.held-int64(len(s.buf)) >= keep:
			a.release(uint32(i))
		default:
			a.pool = append(a.pool, uint32(i))
		}
	}
}

// reclaim empties one slab if dead blocks outweigh the living: the living move, found again by their keys,
// and the last one to go frees the slab. It reports whether it did.
func (t *Tree) reclaim() bool {
	id, ok := t.arena.victim()
	if !ok {
		return false
	}
	buf, fill := t.arena.slabs[id].buf, t.arena.slabs[id].fill
	for at := uint32(0); at < fill; {
		size := binary.LittleEndian.Uint32(buf[at:])
		if size&blockDead == 0 {
			t.move(handle(id)<<32|handle(at), size&blockFlags)
		}
		at += size &^ blockFlags
	}
	return true
}

// move copies a block elsewhere and points the node that has it there.
func (t *Tree) move(h handle, flags uint32) {
	key, value := t.arena.key(h), t.arena.value(h)
	to := t.arena.put(key, value, 0, flags)
	node := t.root
	for range t.height {
		in := t.nodes.inner(node)
		pos := t.searchInner(in, key)
		if flags&blockSep != 0 && pos > 0 && in.seps[pos-1] == h {
			in.seps[pos-1] = to
			t.arena.kill(h)
			return
		}
		node = in.children[pos]
	}
	lf := t.nodes.leaf(node)
	pos, _ := t.searchLeaf(lf, key)
	lf.blocks[pos] = to
	t.arena.kill(h)
}
