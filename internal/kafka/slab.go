package kafka

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// maxBufferedBytes bounds the bytes of keys and values that wait to be acknowledged.
	maxBufferedBytes = 64 << 20
	// slabRecords is the number of productions in a slab, slabBytes the room that it keeps for their bytes.
	slabRecords = 128
	slabBytes   = 16 << 10
	// maxSlabBytes is what a slab keeps at most if its records do not fit into slabBytes.
	maxSlabBytes = 64 << 10
)

// production is a record on its way: franz-go's record, which has it as its context (the one way to hand
// something to the partitioner and to the promise), and what both need.
type production struct {
	record kgo.Record
	// Context never ends and never changes: franz-go may still ask it when the production is another record's.
	context.Context
	slab *slab
	// deadline ends when the delivery timeout has passed.
	deadline context.Context
	done     func(partition int32, offset int64, err error)
	cause    Cause
	// partition is where it goes; if that is negative, hash names it where hashed is set.
	partition int32
	hash      int32
	hashed    bool
	// spilled tells that the bytes are not in the slab's own buffer.
	spilled bool
}

// slab is a run of productions, with a buffer for their keys and values. They are given out one after the
// other, so that what touches each of them in turn (Produce, the encoder, the acknowledgement) walks through
// memory in order, and the slab is used again as a whole when all are acknowledged: the records in flight are
// more than a processor's cache holds, and memory used at random costs more than all the rest.
type slab struct {
	productions []production
	used        int
	// bytes is the buffer to append to: kept, or one that replaced it when it was full.
	bytes, kept []byte
	spilled     bool
	// size is the sum of the keys and values.
	size int
	// pending is how many productions have not come back. As long as the slab is the current one, those not given
	// out count, and one more, so that it cannot come back before it is full.
	pending atomic.Int32
}

// slabs lends productions and holds producers back while too much waits to be acknowledged. franz-go can do
// that too, but the context with which it lets a producer give up waiting is also the record's, so that
// ending it would throw away records that were accepted long ago.
type slabs struct {
	records   int // in a slab
	maxSlabs  int
	maxBytes  int
	deadlines *deadlines

	mu       sync.Mutex
	current  *slab // being filled; counts as in flight
	free     []*slab
	inFlight int
	bytes    int           // of the slabs in flight
	room     chan struct{} // closed when something left; nil while nobody waits
}

func newSlabs(maxRecords, maxBytes int, d *deadlines) *slabs {
	n := max(1, min(slabRecords, maxRecords/16))
	return &slabs{records: n, maxSlabs: maxRecords / n, maxBytes: maxBytes, deadlines: d}
}

// take returns a production with a copy of a key and a value in it. It waits for room as long as ctx lasts. A
// record is let in whatever its size when nothing is in flight.
func (g *slabs) take(ctx context.Context, key, value []byte) (*production, error) {
	size := len(key) + len(value)
	for {
		g.mu.Lock()
		if g.fits(size) || g.open(size) {
			p := g.fill(key, value)
			g.mu.Unlock()
			return p, nil
		}
		if g.room == nil {
			g.room = make(chan struct{})
		}
		room := g.room
		g.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fits tells whether the current slab takes a record.
func (g *slabs) fits(size int) bool {
	s := g.current
	return s != nil && s.used < len(s.productions) && (g.bytes+size <= g.maxBytes || g.bytes == 0)
}

// open replaces the current slab by an empty one, if there may be one.
func (g *slabs) open(size int) bool {
	if s := g.current; s != nil {
		// It comes back when its last production does, which may have happened already.
		g.current = nil
		if s.pending.Add(int32(s.used-len(s.productions)-1)) == 0 {
			g.recycle(s)
		}
	}
	if g.inFlight > 0 && (g.inFlight >= g.maxSlabs || g.bytes+size > g.maxBytes) {
		return false
	}
	g.inFlight++
	if n := len(g.free); n > 0 { // the last one is most likely still in the cache
		g.current, g.free = g.free[n-1], g.free[:n-1]
		return true
	}
	s := &slab{productions: make([]production, g.records), kept: make([]byte, 0, slabBytes*g.records/slabRecords)}
	for i := range s.productions {
		s.productions[i].slab, s.productions[i].Context = s, context.Background()
	}
	s.bytes = s.kept
	s.pending.Store(int32(g.records) + 1)
	g.current = s
	return true
}

// fill takes the next production of the current slab.
func (g *slabs) fill(key, value []byte) *production {
	s, size := g.current, len(key)+len(value)
	p := &s.productions[s.used]
	s.used++
	s.size += size
	g.bytes += size
	if size > cap(s.bytes)-len(s.bytes) {
		s.bytes, s.spilled = make([]byte, 0, max(size, cap(s.kept))), true
	}
	p.spilled = s.spilled
	p.record.Key, p.record.Value = s.copied(key), s.copied(value)
	p.deadline = g.deadlines.next()
	return p
}

// copied appends b to the slab's buffer. A null stays one.
func (s *slab) copied(b []byte) []byte {
	if b == nil {
		return nil
	}
	at := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[at:len(s.bytes):len(s.bytes)]
}

// leave gives a production back.
func (g *slabs) leave(p *production) {
	s := p.slab
	if len(p.record.Headers) > 0 {
		clear(p.record.Headers)
		p.record.Headers = p.record.Headers[:0]
	}
	if p.spilled { // nothing large stays for the sake of a slab that waits to be used again
		p.record.Key, p.record.Value = nil, nil
	}
	if s.pending.Add(-1) > 0 {
		return
	}
	g.mu.Lock()
	g.recycle(s)
	g.mu.Unlock()
}

// recycle makes a slab empty that is no longer current and of which every production has come back.
func (g *slabs) recycle(s *slab) {
	g.inFlight--
	g.bytes -= s.size
	if s.spilled && s.size <= maxSlabBytes { // the next records are most likely as large
		s.kept = make([]byte, 0, min(s.size+s.size/8, maxSlabBytes))
	}
	s.used, s.size, s.spilled = 0, 0, false
	s.bytes = s.kept
	s.pending.Store(int32(len(s.productions)) + 1)
	g.free = append(g.free, s)
	if g.room != nil {
		close(g.room)
		g.room = nil
	}
}
