package statestore

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// NewBuffer returns a buffer on env's engine.
func NewBuffer[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V]) (Buffer[K, V], error) {
	if env.Engine == nil || env.Fail == nil {
		return nil, fmt.Errorf("make store %q: its environment lacks an engine or a failure handler", env.Name)
	}
	if ks == nil || vs == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	if err := ComparableByContent(reflect.TypeFor[K]()); err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	rows, err := newBufferRows(env.Engine)
	if err != nil {
		return nil, fmt.Errorf("make store %q: %w", env.Name, err)
	}
	return &buffer[K, V]{env: env, keys: ks, values: vs, rows: rows}, nil
}

type buffer[K comparable, V any] struct {
	env    Env
	keys   serde.Serde[K]
	values serde.Serde[V]
	rows   *bufferRows
	dirty  hashSet
	// gone are the keys of dirty that have been evicted since the last flush. Kafka Streams restores one that went and
	// came again with the time that it first had, and would send it on too early, so it gets a tombstone in between.
	// Kafka Streams writes none for its own restarts, nor does EveryUpdate, which writes what it does.
	gone map[string]struct{}
	now  int64
	// frozen are the counts as of the commit that is being confirmed.
	frozen                 [2]int64
	keyBuf, oldBuf, newBuf []byte
	failed                 bool
}

func (s *buffer[K, V]) Name() string { return s.env.Name }

func (s *buffer[K, V]) fail(operation string, err error) {
	if !s.failed {
		s.failed = true
		s.env.Fail(fmt.Errorf("store %q: %s: %w", s.env.Name, operation, err))
	}
}

func (s *buffer[K, V]) Clock(now int64) { s.now = now }

func (s *buffer[K, V]) Records() int64 { return s.rows.records }

func (s *buffer[K, V]) Bytes() int64 { return s.rows.size }

func (s *buffer[K, V]) MinTime() int64 { return s.rows.min }

// held returns what is held of a key, which it serializes to keyBuf.
func (s *buffer[K, V]) held(key K) (row bufferRow, time int64, ok bool) {
	if s.failed {
		return row, 0, false
	}
	var err error
	if s.keyBuf, err = s.keys.Append(s.keyBuf[:0], key); err != nil {
		s.fail("serialize a key", err)
		return row, 0, false
	}
	if row, time, ok, err = s.rows.held(s.keyBuf); err != nil {
		s.fail("read", err)
	}
	return row, time, ok
}

func (s *buffer[K, V]) Put(time int64, u Update[K, V]) {
	before, at, held := s.held(u.Key)
	old, ok := s.encode(&s.oldBuf, u.Old, u.OldNull)
	if !ok {
		return
	}
	row := bufferRow{origin: u.Origin, prior: old, old: old}
	if row.new, ok = s.encode(&s.newBuf, u.New, u.NewNull); !ok || s.failed {
		return
	}
	if held {
		row.prior = before.prior
		s.rows.put(s.keyBuf, &row, time, &before, at)
	} else {
		s.rows.put(s.keyBuf, &row, time, nil, 0)
	}
	s.touch(s.keyBuf)
}

func (s *buffer[K, V]) encode(buf *[]byte, v V, null bool) ([]byte, bool) {
	if null {
		return nil, true
	}
	var err error
	if *buf, err = s.values.Append((*buf)[:0], v); err != nil {
		s.fail("serialize a value", err)
		return nil, false
	}
	return notNil(*buf), true
}

func (s *buffer[K, V]) decode(b []byte) (v V, null, ok bool) {
	if b == nil {
		return v, true, true
	}
	v, err := s.values.Decode(b)
	if err != nil {
		s.fail("read a value", err)
	}
	return v, false, err == nil
}

func (s *buffer[K, V]) touch(key []byte) {
	if s.env.Log != nil {
		s.dirty.add(key)
	}
}

func (s *buffer[K, V]) Prior(key K) (value V, null, held bool) {
	row, _, held := s.held(key)
	if !held {
		return value, true, false
	}
	value, null, held = s.decode(row.prior)
	return value, null, held
}

// evictChunk is how many updates are looked up at a time.
const evictChunk = 64

func (s *buffer[K, V]) EvictWhile(condition func() bool, f func(Update[K, V])) {
	for n := 1; !s.failed && s.rows.records > 0 && condition(); n = evictChunk {
		first, err := s.rows.first(n)
		if err != nil {
			s.fail("read", err)
			return
		}
		for i, k := range first {
			if !condition() || !s.evict(timeOf(k), k[9:], f) {
				return
			}
			if i+1 < len(first) {
				s.rows.min = timeOf(first[i+1])
			}
		}
		if len(first) < n {
			s.rows.min = Forever
			return
		}
		if err := s.rows.findMin(); err != nil {
			s.fail("read", err)
		}
	}
}

func (s *buffer[K, V]) evict(time int64, key []byte, f func(Update[K, V])) bool {
	row, _, ok, err := s.rows.held(key)
	if err == nil && !ok {
		err = errShortRow
	}
	var u Update[K, V]
	if err == nil {
		u.Key, err = s.keys.Decode(key)
	}
	if err != nil {
		s.fail("read", err)
		return false
	}
	u.Origin = row.origin
	if u.New, u.NewNull, ok = s.decode(row.new); !ok {
		return false
	}
	if u.Old, u.OldNull, ok = s.decode(row.old); !ok {
		return false
	}
	size := row.size(key)
	f(u)
	s.rows.remove(key, size, time)
	s.touch(key)
	if s.env.Log != nil && !s.env.EveryUpdate {
		if s.gone == nil {
			s.gone = make(map[string]struct{})
		}
		s.gone[string(key)] = struct{}{}
	}
	return !s.failed
}

// bufferVersion marks change records as of the form that they have.
var bufferVersion = record.Headers{{Key: "v", Value: []byte{3}}}

func (s *buffer[K, V]) Flush() {
	if s.failed {
		return
	}
	var value []byte
	for _, key := range s.dirty.keys() {
		v, ok, err := s.rows.get(s.rows.dataKey(key))
		switch {
		case err != nil:
			s.fail("flush", err)
			return
		case !ok:
			s.env.Log(key, nil, s.now, nil)
		default:
			if _, ok := s.gone[string(key)]; ok {
				s.env.Log(key, nil, s.now, nil)
			}
			value = append(append(value[:0], v[8:]...), v[:8]...) // the time comes last
			s.env.Log(key, value, s.now, bufferVersion)
		}
	}
	s.dirty.clear()
	clear(s.gone)
	if err := s.rows.freeze(); err != nil {
		s.fail("flush", err)
	}
	s.frozen = [2]int64{s.rows.records, s.rows.size}
}

func (s *buffer[K, V]) Write(b Batch) { s.rows.write(b, s.frozen) }

func (s *buffer[K, V]) Written() { s.rows.written(s.frozen) }

func (s *buffer[K, V]) Pending() int { return s.rows.bytes() }

func (s *buffer[K, V]) Stats() Stats { return s.env.Engine.Stats() }

// RestoreBuffer returns the restorer of a buffer.
func RestoreBuffer(e Engine) (Restorer, error) {
	rows, err := newBufferRows(e)
	if err != nil {
		return nil, fmt.Errorf("restore a buffer: %w", err)
	}
	return &bufferRestorer{rows: rows}, nil
}

type bufferRestorer struct {
	rows *bufferRows
	held bool
}

// Restore implements [Restorer].
func (r *bufferRestorer) Restore(_ Batch, rec *record.Raw) error {
	r.settle()
	before, at, held, err := r.rows.held(rec.Key)
	if err != nil {
		return err
	}
	if rec.Value == nil {
		if held {
			r.rows.remove(rec.Key, before.size(rec.Key), at)
		}
		return nil
	}
	row, time, err := parseBufferRecord(rec, before.prior, held)
	if err != nil {
		return err
	}
	row.prior = slices.Clone(row.prior) // it may be a part of what is overwritten
	switch {
	case !held:
		r.rows.put(rec.Key, &row, time, nil, 0)
	case time == at:
		r.rows.put(rec.Key, &row, time, &before, at)
	default: // it went and came again within one commit
		r.rows.remove(rec.Key, before.size(rec.Key), at)
		r.rows.put(rec.Key, &row, time, nil, 0)
	}
	return nil
}

// Pending implements [Restorer].
func (r *bufferRestorer) Pending() int { return r.rows.bytes() }

// Finish implements [Restorer].
func (r *bufferRestorer) Finish(b Batch) {
	r.settle()
	if err := r.rows.freeze(); err != nil {
		panic(err) // settle has emptied what freeze fills
	}
	r.rows.write(b, [2]int64{r.rows.records, r.rows.size})
	r.held = true
}

// settle drops what the last batch has brought to the engine.
func (r *bufferRestorer) settle() {
	if r.held {
		r.rows.written([2]int64{r.rows.records, r.rows.size})
		r.held = false
	}
}

// hashSet is a set of byte keys that lists them in the order of a hash set of Java's, in which Kafka Streams logs
// what a commit has changed. It keeps its size when it is cleared.
type hashSet struct {
	of      map[string]struct{}
	order   []string
	buckets int
}

func (h *hashSet) add(key []byte) {
	if _, ok := h.of[string(key)]; ok {
		return
	}
	if h.of == nil {
		h.of, h.buckets = make(map[string]struct{}), 16
	}
	k := string(key)
	h.of[k] = struct{}{}
	h.order = append(h.order, k)
	for 4*len(h.order) > 3*h.buckets {
		h.buckets *= 2
	}
}

func (h *hashSet) keys() [][]byte {
	keys := make([][]byte, len(h.order))
	for i, k := range h.order {
		keys[i] = []byte(k)
	}
	slices.SortStableFunc(keys, func(a, b []byte) int { return h.bucket(a) - h.bucket(b) })
	return keys
}

func (h *hashSet) bucket(key []byte) int {
	sum := int32(1)
	for _, c := range key {
		sum = 31*sum + int32(int8(c))
	}
	return int((uint32(sum) ^ uint32(sum)>>16) & uint32(h.buckets-1))
}

func (h *hashSet) clear() {
	clear(h.of)
	clear(h.order)
	h.order = h.order[:0]
}
