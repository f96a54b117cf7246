package statestore

import (
	"encoding/binary"
	"fmt"
	"math"
)

// versions is the history of byte keys on an engine, below the typed store and the restorer. Its rows are
//
//	0x00 | key                                          -> int64 timestamp | value           the latest version
//	0x01 | int64 segment | int32 length | key | int64 to -> int64 from | 0x01 | value         one that ended
//	                                                     -> int64 from | 0x00                 a deletion
//	0x02                                                 -> int64 stream time | int64 segment interval
//
// where the segment is that of the time at which the version ended. A segment that lies before the history goes
// with one range deletion, however much is in it. Between versions a key has no value; a deletion is a row only
// where what comes later has to know its time: when it is the newest thing known of its key (from equals to
// then) or when it was put among versions.
type versions struct {
	pending
	history  int64
	interval int64
	// observed is the highest timestamp that was put, -1 before the first.
	observed int64

	// kept is the first segment that the engine may still hold, live the first that readers may need.
	kept, frozenLive    uint64
	frozenMeta          int64
	savedMeta           int64
	key, lo, hi         []byte
	foundKey, foundFrom []byte
}

const (
	latestRow  byte = 0
	historyRow byte = 1
	metaRow    byte = 2

	noValue  byte = 0
	hasValue byte = 1

	historyHead = 1 + 8 + 4 // before the key
)

// minSegment is the least time that a segment of history spans.
const minSegment = 60_000

func newVersions(e Engine, history int64) (*versions, error) {
	if history <= 0 {
		return nil, fmt.Errorf("its history is %d ms; it must be positive", history)
	}
	v := &versions{
		pending: newPending(e), history: history, interval: max(history/4, minSegment),
		observed: -1, frozenMeta: -1, savedMeta: -1,
	}
	row, ok, err := e.Get([]byte{metaRow})
	switch {
	case err != nil:
		return nil, err
	case ok && len(row) != 16:
		return nil, errShortRow
	case ok:
		v.observed = int64(binary.BigEndian.Uint64(row))
		v.interval = max(int64(binary.BigEndian.Uint64(row[8:])), 1)
		v.frozenMeta, v.savedMeta = v.observed, v.observed
		v.kept, v.frozenLive = v.live(), v.live()
	}
	return v, nil
}

func (v *versions) segment(at int64) uint64 { return uint64(max(at, 0) / v.interval) }

// oldest is the time at which the history begins.
func (v *versions) oldest() int64 { return v.observed - v.history }

func (v *versions) live() uint64 { return v.segment(v.oldest()) }

// found is a row of the history of a key.
type found struct {
	value    []byte // nil for a deletion; valid until the next read
	from, to int64
}

// latest returns the row of the latest version: 8 bytes of timestamp, then the value. It is valid until the next
// call.
func (v *versions) latest(key []byte) (value []byte, timestamp int64, ok bool, err error) {
	v.key = append(append(v.key[:0], latestRow), key...)
	row, ok, err := v.get(v.key)
	if err != nil || !ok {
		return nil, 0, false, err
	}
	if len(row) < 8 {
		return nil, 0, false, errShortRow
	}
	return row[8:], int64(binary.BigEndian.Uint64(row)), true, nil
}

func (v *versions) appendHistory(dst, key []byte, to int64) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, historyRow), v.segment(to))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(key)))
	return binary.BigEndian.AppendUint64(append(dst, key...), uint64(to))
}

// setHistory writes that key had a value in [from, to), or nil for none.
func (v *versions) setHistory(key, value []byte, from, to int64) {
	v.key = v.appendHistory(v.key[:0], key, to)
	if value == nil {
		v.set(v.key, from, []byte{noValue})
		return
	}
	v.set(v.key, from, []byte{hasValue}, value)
}

// after returns the first row of the history of key that ended after a time.
func (v *versions) after(key []byte, at int64) (f found, ok bool, err error) {
	if at == math.MaxInt64 {
		return f, false, nil
	}
	for s := max(v.segment(at+1), v.live()); s <= v.segment(v.observed); s++ {
		v.lo = v.appendHistory(v.lo[:0], key, at+1)
		binary.BigEndian.PutUint64(v.lo[1:], s)
		v.hi = append(v.hi[:0], v.lo[:len(v.lo)-8]...)
		v.hi = append(v.hi, 0x80, 0, 0, 0, 0, 0, 0, 0) // above every timestamp
		m := v.merge(v.lo, v.hi, false)
		if ok = m.next(); ok {
			f, err = v.keep(m)
		}
		if e := m.close(); err == nil {
			err = e
		}
		if ok || err != nil {
			return f, ok, err
		}
	}
	return f, false, nil
}

// keep copies the row that m stands at.
func (v *versions) keep(m *merged) (f found, err error) {
	if len(m.key) < historyHead+8 || len(m.value) == 0 {
		return f, errShortRow
	}
	f.from, f.to = m.timestamp, int64(binary.BigEndian.Uint64(m.key[len(m.key)-8:]))
	if m.value[0] == hasValue {
		v.foundFrom = append(v.foundFrom[:0], m.value[1:]...)
		f.value = v.foundFrom
		if f.value == nil {
			f.value = []byte{}
		}
	}
	return f, nil
}

// put places a version, or a deletion if value is nil.
func (v *versions) put(key, value []byte, timestamp int64) (Placement, error) {
	if timestamp < 0 || timestamp == math.MaxInt64 {
		return Placement{}, fmt.Errorf("put a version with timestamp %d: it must not be negative", timestamp)
	}
	if timestamp < v.oldest() {
		return Placement{}, nil
	}
	v.observed = max(v.observed, timestamp)
	last, at, known, err := v.latest(key)
	if err != nil {
		return Placement{}, err
	}
	if known && timestamp >= at {
		if timestamp > at {
			v.foundKey = append(v.foundKey[:0], last...) // last is in a buffer that is written next
			v.setHistory(key, notNil(v.foundKey), at, timestamp)
		}
		v.setLatest(key, value, timestamp)
		return Placement{To: Forever, Kept: true}, nil
	}
	next, ok, err := v.after(key, timestamp)
	switch {
	case err != nil:
		return Placement{}, err
	case ok && next.from == timestamp && next.from < next.to:
		v.setHistory(key, value, timestamp, next.to)
		return Placement{To: next.to, Kept: true}, nil
	case ok && next.from < timestamp:
		v.setHistory(key, value, timestamp, next.to)
		v.setHistory(key, next.value, next.from, timestamp)
		return Placement{To: next.to, Kept: true}, nil
	case ok:
		at = next.from
	case !known && value == nil:
		return v.deleteUnknown(key, timestamp)
	case !known:
		v.setLatest(key, value, timestamp)
		return Placement{To: Forever, Kept: true}, nil
	}
	v.setHistory(key, value, timestamp, at)
	return Placement{To: at, Kept: true}, nil
}

// deleteUnknown notes the time of a deletion of a key that has no value, unless a version ended then.
func (v *versions) deleteUnknown(key []byte, timestamp int64) (Placement, error) {
	v.key = v.appendHistory(v.key[:0], key, timestamp)
	_, ok, err := v.get(v.key)
	if err == nil && !ok {
		v.setHistory(key, nil, timestamp, timestamp)
	}
	return Placement{To: Forever, Kept: err == nil}, err
}

// setLatest sets or removes the latest version. What is removed at the very time at which it came leaves no note
// of that time behind, as in Kafka Streams.
func (v *versions) setLatest(key, value []byte, timestamp int64) {
	v.key = append(append(v.key[:0], latestRow), key...)
	if value == nil {
		v.delete(v.key)
		return
	}
	v.set(v.key, timestamp, value)
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// asOf returns the version that key had at a time. The value is valid until the next call.
func (v *versions) asOf(key []byte, at int64) (f found, ok bool, err error) {
	value, from, known, err := v.latest(key)
	if err != nil {
		return f, false, err
	}
	if known && from <= at {
		return found{value, from, Forever}, true, nil
	}
	if at < v.oldest() {
		return f, false, nil
	}
	f, ok, err = v.after(key, at)
	return f, ok && f.from <= at && f.value != nil, err
}

// freeze sets the writes aside for write.
func (v *versions) freeze() error {
	if err := v.pending.freeze(); err != nil {
		return err
	}
	v.frozenMeta, v.frozenLive = v.observed, v.live()
	return nil
}

func (v *versions) write(b Batch) {
	if v.frozenMeta != v.savedMeta {
		meta := binary.BigEndian.AppendUint64(nil, uint64(v.frozenMeta))
		b.Set(v.engine, []byte{metaRow}, binary.BigEndian.AppendUint64(meta, uint64(v.interval)))
	}
	if v.frozenLive > v.kept {
		b.DeleteRange(v.engine, segmentKey(v.kept), segmentKey(v.frozenLive))
	}
	v.pending.write(b, func(key []byte) bool { // what has expired meanwhile
		return key[0] == historyRow && binary.BigEndian.Uint64(key[1:]) < v.frozenLive
	})
}

func segmentKey(s uint64) []byte { return binary.BigEndian.AppendUint64([]byte{historyRow}, s) }

// written drops what the engine now holds.
func (v *versions) written() {
	v.frozen.Reset()
	v.savedMeta, v.kept = v.frozenMeta, v.frozenLive
}
