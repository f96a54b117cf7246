package statestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leatstream/leat/serde"
)

// Window and session stores keep their rows under
//
//	segment int64 | key, escaped | time int64 | sub
//
// where time is a window's start or a session's end, segment that time rounded down to a multiple of the
// segment's length, and sub a sequence number of 4 bytes for windows (0 unless duplicates are kept) or a
// session's start of 8. Segments come first, so that those that have expired are one range. Integers are
// big-endian; times are never negative, so bytes order them. The escape (0x00 becomes 0x00 0xff, the end is
// 0x00 0x01) keeps the order of keys where one begins with another.
//
// One row more, under metaKey, holds what is known of the whole: see windowMeta. Change records have
//
//	key | time int64 | sub
//
// as their key, which is Kafka Streams'.
type windowLayout struct {
	segment int64
	subSize int
}

const (
	windowSub  = 4
	sessionSub = 8
)

var metaKey = []byte{0xff} // behind every segment

// start is the start of the segment that a time is in.
func (l windowLayout) start(time int64) int64 { return time - time%l.segment }

func appendSegment(dst []byte, segment int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(segment))
}

// prefix appends segment and escaped key.
func (l windowLayout) prefix(dst []byte, segment int64, key []byte) []byte {
	dst = appendSegment(dst, segment)
	return append(escape(dst, key), 0x00, 0x01)
}

func (l windowLayout) suffix(dst []byte, time, sub int64) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(time))
	if l.subSize == windowSub {
		return binary.BigEndian.AppendUint32(dst, uint32(sub))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(sub))
}

// times reads time and sub from the end of a row's key.
func (l windowLayout) times(row []byte) (time, sub int64) {
	rest := row[len(row)-8-l.subSize:]
	time = int64(binary.BigEndian.Uint64(rest))
	if l.subSize == windowSub {
		return time, int64(binary.BigEndian.Uint32(rest[8:]))
	}
	return time, int64(binary.BigEndian.Uint64(rest[8:]))
}

// escaped is the part of a row's key that holds the escaped key and its end.
func (l windowLayout) escaped(row []byte) ([]byte, error) {
	if len(row) < 8+2+8+l.subSize {
		return nil, errRowKey
	}
	return row[8 : len(row)-8-l.subSize], nil
}

var errRowKey = errors.New("the key of a row is too short for its times; the local state is damaged or of another kind of store; delete it to restore it from the changelog")

// logKey appends the key of the change record of a row.
func (l windowLayout) logKey(dst, row []byte) []byte {
	esc, err := l.escaped(row)
	if err != nil {
		return dst
	}
	dst = unescape(dst, esc)
	return append(dst, row[len(row)-8-l.subSize:]...)
}

// rowKey appends the key of the row that a change record is about, and returns the time in it.
func (l windowLayout) rowKey(dst, record []byte) (key []byte, time, sub int64, err error) {
	n := len(record) - 8 - l.subSize
	if n < 0 {
		return dst, 0, 0, fmt.Errorf("the key of a change record has %d bytes, its times alone take %d", len(record), 8+l.subSize)
	}
	if time, sub = l.times(record); time < 0 {
		return dst, 0, 0, fmt.Errorf("the key of a change record has the time %d, which is negative", time)
	}
	dst = l.prefix(dst, l.start(time), record[:n])
	return append(dst, record[n:]...), time, sub, nil
}

func escape(dst, key []byte) []byte {
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 {
			return append(dst, key...)
		}
		dst = append(append(dst, key[:i+1]...), 0xff)
		key = key[i+1:]
	}
}

// unescape appends the key that an escaped one with its end stands for.
func unescape(dst, esc []byte) []byte {
	esc = esc[:len(esc)-2]
	for {
		i := bytes.IndexByte(esc, 0)
		if i < 0 || i+1 == len(esc) {
			return append(dst, esc...)
		}
		dst = append(dst, esc[:i+1]...)
		esc = esc[i+2:]
	}
}

// windowKey is a key with the time and sub of an entry: what the typed cache is keyed by.
type windowKey[K comparable] struct {
	key       K
	time, sub int64
}

// windowKeys is the serde of the rows' keys.
type windowKeys[K comparable] struct {
	windowLayout
	of  serde.Serde[K]
	raw []byte
}

// Append implements serde.Serde.
func (w *windowKeys[K]) Append(dst []byte, k windowKey[K]) (out []byte, err error) {
	if w.raw, err = w.of.Append(w.raw[:0], k.key); err != nil {
		return dst, err
	}
	return w.suffix(w.prefix(dst, w.start(k.time), w.raw), k.time, k.sub), nil
}

// Decode implements serde.Serde.
func (w *windowKeys[K]) Decode(row []byte) (k windowKey[K], err error) {
	esc, err := w.escaped(row)
	if err != nil {
		return k, err
	}
	w.raw = unescape(w.raw[:0], esc)
	if k.key, err = w.of.Decode(w.raw); err != nil {
		return windowKey[K]{}, err
	}
	k.time, k.sub = w.times(row)
	return k, nil
}

// windowMeta is what a store knows of its rows as a whole. It is written with every commit that changes it.
type windowMeta struct {
	// segment is the length of the segments that the rows lie in.
	segment int64
	// observed is the highest time that was put, -1 before the first.
	observed int64
	// live is the start of the first segment that has not been removed.
	live int64
	// seq is the last sequence number used.
	seq int64
}

const (
	metaVersion = 1
	metaSize    = 1 + 4*8
)

func (m windowMeta) append(dst []byte) []byte {
	dst = append(dst, metaVersion)
	for _, v := range [...]int64{m.segment, m.observed, m.live, m.seq} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

// readMeta returns what an engine knows of its rows, and whether it knows anything.
func readMeta(e Engine) (m windowMeta, ok bool, err error) {
	row, ok, err := e.Get(metaKey)
	if err != nil || !ok {
		return m, false, err
	}
	if len(row) != metaSize || row[0] != metaVersion {
		return m, false, errors.New("the local state is of an unknown format; delete it to restore it from the changelog")
	}
	for i, v := range [...]*int64{&m.segment, &m.observed, &m.live, &m.seq} {
		*v = int64(binary.BigEndian.Uint64(row[1+8*i:]))
	}
	if m.segment <= 0 {
		return m, false, errors.New("the local state has segments of no length; delete it to restore it from the changelog")
	}
	return m, true, nil
}

// newMeta is what a store begins with.
func newMeta(spec WindowSpec) windowMeta {
	segment := spec.Segment
	if segment <= 0 {
		segment = max(1, spec.Retention/3)
	}
	return windowMeta{segment: segment, observed: -1}
}

// oldest is the time of the oldest entry that has not expired.
func (m *windowMeta) oldest(w *WindowSpec) int64 { return max(0, m.observed-w.Retention+1) }

// horizon is the time of the oldest entry that is kept, expired or not.
func (m *windowMeta) horizon(w *WindowSpec) int64 {
	if w.Order != ByTimeAndStart {
		return m.oldest(w)
	}
	first := max(0, m.observed-w.Retention)
	return first - first%w.stretch()
}

// kafkaSegment is the least length of a segment of Kafka Streams' persistent stores.
const kafkaSegment = 60_000

// stretch is the length of a segment of Kafka Streams' persistent stores.
func (w *WindowSpec) stretch() int64 { return max(w.Retention/2, kafkaSegment) }

// observe notes a time that is put, and reports whether segments have expired since.
func (m *windowMeta) observe(time int64, w *WindowSpec) (expired bool) {
	if time <= m.observed {
		return false
	}
	m.observed = time
	first := m.horizon(w)
	if first -= first % m.segment; first > m.live {
		m.live = first
		return true
	}
	return false
}
