package statestore

import (
	"fmt"
	"reflect"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// segmented is what window and session stores are made of: segments that are held whole, by key, and the typed
// cache for the others, over rows that lie in segments of time and expire with them. See windowLayout for the rows.
//
// An entry is gone for readers as soon as its time is Retention behind the highest that was put. It is removed
// with its whole segment, by one range a commit, whatever is in it.
type segmented[K comparable, V any] struct {
	*cached[windowKey[K], V]
	spec WindowSpec
	keys *windowKeys[K]
	// grid tells that all entries of a segment have one time.
	grid bool

	// meta is as of the last put, frozen as of the commit that is being confirmed, kept as of the engine.
	meta, frozenMeta, kept windowMeta
	held                   heldSegments[K, V]
	entries                [][]windowEntry[K, V]
	lo, hi                 []byte
	// added is the slot of an entry that is being appended.
	added slot[windowKey[K], V]
}

func newSegmented[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V], spec WindowSpec, subSize int, timestamped bool) (*segmented[K, V], error) {
	if spec.Retention < 0 {
		return nil, fmt.Errorf("make store %q: its retention is %d ms; it must not be negative", env.Name, spec.Retention)
	}
	if ks == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	if err := ComparableByContent(reflect.TypeFor[K]()); err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	keys := &windowKeys[K]{windowLayout: windowLayout{subSize: subSize}, of: ks}
	c, err := newCached[windowKey[K], V](env, keys, vs, timestamped)
	if err != nil {
		return nil, err
	}
	// What is held in segments has its key in a map and its slot in a list, both with room to grow.
	c.fixed = int64(reflect.TypeFor[slot[windowKey[K], V]]().Size()+reflect.TypeFor[windowKey[K]]().Size()+8) * 3 / 2
	s := &segmented[K, V]{cached: c, spec: spec, keys: keys}
	m, known, err := readMeta(env.Engine)
	if err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	s.kept = m
	if !known {
		m = newMeta(spec)
	}
	s.meta, s.frozenMeta = m, m
	keys.segment = m.segment
	s.grid = spec.Segment > 0 && m.segment == spec.Segment
	s.held = newHeld[K, V](m, env.Version != nil)
	c.logKey = keys.logKey
	c.deferring()
	c.gone = func(k *windowKey[K]) bool { return k.time < s.meta.live }
	return s, nil
}

func (s *segmented[K, V]) get(key K, time, sub int64) (value V, timestamp int64, ok bool) {
	if time < s.meta.oldest(&s.spec) {
		return value, 0, false
	}
	k := windowKey[K]{key, time, sub}
	g, all := s.heldAt(s.keys.start(time))
	if !all {
		return s.cached.held(s.lookup(k))
	}
	if g == nil {
		return value, 0, false
	}
	i, ok := g.find(&k)
	if !ok {
		return value, 0, false
	}
	return g.slots[i].value, g.slots[i].timestamp, true
}

// put writes an entry; present false deletes it.
func (s *segmented[K, V]) put(k windowKey[K], value V, timestamp int64, present bool) {
	if !s.admit(k.time) {
		s.logOnly(k, value, timestamp, present, nil)
		return
	}
	if g, all := s.heldAt(s.keys.start(k.time)); all {
		s.putHeld(g, k, value, timestamp, present)
		return
	}
	s.set(s.blind(k), value, timestamp, present)
}

// admit moves the store's time on and reports whether an entry of this time is to be kept.
func (s *segmented[K, V]) admit(time int64) bool {
	if time < 0 {
		s.fail("put", fmt.Errorf("the time %d is negative", time))
		return false
	}
	if s.meta.observe(time, &s.spec) {
		s.dropStaged()
		s.dropHeld()
	}
	if time >= s.meta.horizon(&s.spec) {
		return true
	}
	if s.env.Expired != nil {
		s.env.Expired()
	}
	return false
}

// logOnly makes the change record of an entry that is not kept, for Kafka Streams makes one.
func (s *segmented[K, V]) logOnly(k windowKey[K], value V, timestamp int64, present bool, headers record.Headers) {
	if s.env.Log == nil || s.failed {
		return
	}
	sl := slot[windowKey[K], V]{key: k, value: value, timestamp: timestamp}
	if present && !s.null.IsNull(&value) {
		sl.state = slotPresent
	}
	if s.serialize(&sl) {
		s.logWith(s.keyBuf, s.valBuf, headers)
	}
}

// append adds an entry that is not going to be changed: it goes past the typed cache, into a segment that is held or to
// staged. Its headers are kept by its change record alone, which is made at once if there are any.
func (s *segmented[K, V]) append(k windowKey[K], value V, timestamp int64, headers record.Headers) {
	if s.failed {
		return
	}
	sl := &s.added
	*sl = slot[windowKey[K], V]{key: k, value: value, timestamp: timestamp, state: slotPresent}
	if s.env.Log != nil && (s.env.EveryUpdate || len(headers) > 0) && s.serialize(sl) {
		sl.state |= slotLogged
		s.logWith(s.keyBuf, s.valBuf, headers)
	}
	if g, all := s.heldAt(s.keys.start(k.time)); all && !s.failed {
		s.appendHeld(g, sl)
		return
	}
	s.stage(sl)
}

// dropStaged removes the staged rows of segments that have expired. Their change records are made at once.
func (s *segmented[K, V]) dropStaged() {
	if s.staged.Len() == 0 {
		return
	}
	end := s.segmentKey(s.meta.live)
	s.logStaged(end)
	s.staged.DeleteRange(nil, end)
}

// segmentKey is the lower bound of a segment's rows. It is valid until the next call.
func (s *segmented[K, V]) segmentKey(segment int64) []byte {
	s.lo = appendSegment(s.lo[:0], segment)
	return s.lo
}

func (s *segmented[K, V]) Flush() {
	left := s.leave()
	s.leaveHeld(left)
	s.flush(left)
	s.flushed = s.flushed || len(s.held.behind) > 0
	if s.meta.live > s.frozenMeta.live {
		s.frozen.DeleteRange(nil, s.segmentKey(s.meta.live))
	}
	s.frozenMeta = s.meta
	if s.shrink(s.held.entries); s.held.entries > s.limit {
		s.giveUp()
	}
}

func (s *segmented[K, V]) Write(b Batch) {
	behind := s.gatherBehind(s.behindHeld())
	s.eachHeldBehind(s.gather(behind))
	s.writeAll(b, behind)
	writeMeta(b, s.env.Engine, s.kept, s.frozenMeta)
}

func (s *segmented[K, V]) Written() {
	s.cached.Written()
	s.eachHeldBehind(func(sl *slot[windowKey[K], V]) { sl.state &^= slotBehind })
	s.held.caughtUp()
	s.kept = s.frozenMeta
}

// Defer implements [Deferrer]. Held segments that expire before they are written are never written.
func (s *segmented[K, V]) Defer() (bytes int) {
	return s.cached.Defer() + s.behindHeld()*s.behindSize()
}

func (s *segmented[K, V]) Pending() int {
	n := s.cached.Pending() + s.pendingHeld()*slotCost
	if s.flushed {
		n += s.behindHeld() * s.behindSize()
	}
	return n
}

// writeMeta removes the segments that have expired between two states of an engine and notes the second.
func writeMeta(b Batch, e Engine, from, to windowMeta) {
	if from == to {
		return
	}
	if to.live > from.live {
		b.DeleteRange(e, appendSegment(nil, from.live), appendSegment(nil, to.live))
	}
	b.Set(e, metaKey, to.append(nil))
}
