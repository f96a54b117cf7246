package stream

import (
	"math"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// held are the updates of a table in the record cache: the last one of each key since the table was last
// flushed, in the order of these last ones. Each goes on with the value that was sent on before, so that what is
// sent on is without gaps: each old value is the new one before. A key that has come and gone in between is not
// sent on at all.
//
// An update that makes the budget overflow flushes the table that it is of, not the one that holds the most:
// that is what evicting a changed entry does in Kafka Streams. Entries that have not changed since the last
// flush are the typed cache's business and do not count here, so which was read last makes no difference.
//
// Source: KIP-63; org.apache.kafka.streams.state.internals.NamedCache, ThreadCache, CachingKeyValueStore.
type held[K comparable, V any] struct {
	task     processor.Task
	recaller processor.Recaller // nil in tasks that do not say where records come from
	cache    *processor.Cache
	size     statestore.Sized[K, V]
	out      *processor.Outlet[K, change[V]]
	// old tells to send the values before along.
	old bool

	index       map[K]uint32
	updates     []heldUpdate[K, V]
	free        []uint32
	first, last uint32
	bytes       int64
	absorbed    int64
}

type heldUpdate[K comparable, V any] struct {
	key K
	// ch has the value that was sent on last as the old one, whose time is oldTime.
	ch        change[V]
	oldTime   int64
	timestamp int64
	headers   record.Headers
	origin    processor.Origin
	// count is the number of updates that this one stands for, bytes their size when it was last measured.
	count      uint32
	bytes      int64
	prev, next uint32
}

const (
	// none is no update's number.
	none = math.MaxUint32
	// heldCost is what an update takes in the cache beyond its key and value.
	heldCost = 128
)

// hold returns what the task holds back of the table that a node keeps in a store, nil if it sends updates on
// at once.
func hold[K comparable, V any](sc *topology.Scope, store string, st statestore.Store, out *processor.Outlet[K, change[V]], old bool) *held[K, V] {
	holder, ok := sc.Task.(processor.Holder)
	if !ok {
		return nil
	}
	h, _ := holder.Hold(sc.Node.Name, store, func(c *processor.Cache) processor.Held {
		h := &held[K, V]{task: sc.Task, cache: c, out: out, old: old, index: make(map[K]uint32), first: none, last: none}
		h.recaller, _ = sc.Task.(processor.Recaller)
		h.size, _ = st.(statestore.Sized[K, V])
		return h
	}).(*held[K, V])
	return h
}

// take returns the number of the update of a key, which is valid until the next take. If none was held back,
// fresh is true and the value that the key still has in the store must be given to was.
func (h *held[K, V]) take(key K) (i uint32, fresh bool) {
	if i, ok := h.index[key]; ok {
		h.absorbed++
		return i, false
	}
	if n := len(h.free); n > 0 {
		i, h.free = h.free[n-1], h.free[:n-1]
	} else {
		i = uint32(len(h.updates))
		h.updates = append(h.updates, heldUpdate[K, V]{})
	}
	h.index[key] = i
	h.updates[i].key = key
	h.append(i)
	return i, true
}

// was tells the value that an update's key has had so far, and its time.
func (h *held[K, V]) was(i uint32, v V, timestamp int64, ok bool) {
	u := &h.updates[i]
	u.oldTime, u.ch.oldNull = timestamp, !ok
	if ok {
		u.ch.old = v
	}
}

// sent returns the value of a key that was sent on last; held is false if it is the one that the store has.
func (h *held[K, V]) sent(key K) (v V, timestamp int64, ok, held bool) {
	i, held := h.index[key]
	if !held {
		return v, 0, false, false
	}
	u := &h.updates[i]
	return u.ch.old, u.oldTime, !u.ch.oldNull, true
}

// set makes the update one to a new value, which the store must have already. timestamp is the value's, now that
// of a deletion; headers are those of the record in process.
func (h *held[K, V]) set(i uint32, ch *change[V], timestamp, now int64, headers record.Headers) {
	u := &h.updates[i]
	u.ch.new, u.ch.newNull = ch.new, ch.newNull
	u.timestamp, u.headers = timestamp, headers
	if ch.newNull {
		u.timestamp = now
	}
	u.origin = processor.Origin{Timestamp: h.task.Timestamp()}
	u.origin.Source, u.origin.Known = h.task.Source()
	h.remove(i)
	h.append(i)
	// An aggregate that grows by each value is measured each time that it may have doubled.
	if u.count++; u.count&(u.count-1) == 0 {
		h.measure(u)
	}
	if h.cache.Over() {
		h.Flush()
	}
}

func (h *held[K, V]) measure(u *heldUpdate[K, V]) {
	n := int64(heldCost)
	if h.size != nil {
		n += int64(h.size.Size(u.key, u.ch.new, !u.ch.newNull))
	}
	h.account(n - u.bytes)
	u.bytes = n
}

func (h *held[K, V]) account(n int64) {
	h.bytes += n
	h.cache.Add(n)
}

// Flush implements processor.Held.
func (h *held[K, V]) Flush() {
	for h.first != none && !h.task.Failed() {
		u := h.pop()
		if !u.ch.newNull || !u.ch.oldNull {
			h.forward(&u)
		}
	}
}

// pop takes the first update out.
func (h *held[K, V]) pop() heldUpdate[K, V] {
	i := h.first
	u := h.updates[i]
	h.account(-u.bytes)
	delete(h.index, u.key)
	h.remove(i)
	h.updates[i] = heldUpdate[K, V]{}
	if h.free = append(h.free, i); h.first == none {
		h.free, h.updates = h.free[:0], h.updates[:0]
		clear(h.index) // keys that are not equal to themselves
	}
	return u
}

// forward sends an update on as if the record that made it was the one in process.
func (h *held[K, V]) forward(u *heldUpdate[K, V]) {
	if !h.old {
		var none V
		u.ch.old, u.ch.oldNull = none, true
	}
	if h.recaller != nil {
		before := h.recaller.Recall(u.origin)
		defer h.recaller.Recall(before)
	}
	h.out.Forward(record.Record[K, change[V]]{Key: u.key, Value: u.ch, Timestamp: u.timestamp, Headers: u.headers})
}

// Drop implements processor.Held.
func (h *held[K, V]) Drop() {
	h.account(-h.bytes)
	clear(h.index)
	h.updates, h.free = nil, nil
	h.first, h.last = none, none
}

// Absorbed implements processor.Held.
func (h *held[K, V]) Absorbed() int64 { return h.absorbed }

// append links an update at the end.
func (h *held[K, V]) append(i uint32) {
	u := &h.updates[i]
	if u.prev, u.next = h.last, none; h.last == none {
		h.first = i
	} else {
		h.updates[h.last].next = i
	}
	h.last = i
}

// remove unlinks an update.
func (h *held[K, V]) remove(i uint32) {
	u := &h.updates[i]
	if u.prev == none {
		h.first = u.next
	} else {
		h.updates[u.prev].next = u.next
	}
	if u.next == none {
		h.last = u.prev
	} else {
		h.updates[u.next].prev = u.prev
	}
}
