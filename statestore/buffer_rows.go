package statestore

import (
	"encoding/binary"
	"math"
	"slices"
)

// bufferRows is a buffer of byte keys on an engine, below the typed store and the restorer. Its rows are
//
//	0x00 | key               -> int64 time | bufferRow
//	0x01 | int64 time | key  -> int64 time
//	0x02                     -> int64 0 | int64 records | int64 bytes
type bufferRows struct {
	pending
	records, size int64
	min           int64
	saved         [2]int64
	key, value    []byte
}

const (
	bufferData byte = iota
	bufferTime
	bufferMeta
)

func newBufferRows(e Engine) (*bufferRows, error) {
	b := &bufferRows{pending: newPending(e)}
	row, ok, err := e.Get([]byte{bufferMeta})
	if err != nil {
		return nil, err
	}
	if ok {
		if len(row) != 24 {
			return nil, errShortRow
		}
		b.records, b.size = int64(binary.BigEndian.Uint64(row[8:])), int64(binary.BigEndian.Uint64(row[16:]))
		b.saved = [2]int64{b.records, b.size}
	}
	return b, b.findMin()
}

// findMin moves min up to the lowest time that there is.
func (b *bufferRows) findMin() error {
	first, err := b.first(1)
	b.min = math.MaxInt64
	if err == nil && len(first) > 0 {
		b.min = timeOf(first[0])
	}
	return err
}

// first returns the keys of the first rows by time, at most n. It begins at min: below lie only the marks of what
// went since the last commit, which could be many.
func (b *bufferRows) first(n int) (keys [][]byte, err error) {
	m := b.merge(b.timeKey(b.min, nil), []byte{bufferTime + 1}, false)
	for len(keys) < n && m.next() {
		if len(m.key) < 9 {
			m.err = errShortRow
			break
		}
		keys = append(keys, slices.Clone(m.key))
	}
	return keys, m.close()
}

func timeOf(key []byte) int64 { return int64(binary.BigEndian.Uint64(key[1:])) }

func (b *bufferRows) dataKey(key []byte) []byte {
	b.key = append(append(b.key[:0], bufferData), key...)
	return b.key
}

func (b *bufferRows) timeKey(time int64, key []byte) []byte {
	b.key = binary.BigEndian.AppendUint64(append(b.key[:0], bufferTime), uint64(time))
	b.key = append(b.key, key...)
	return b.key
}

// held returns the row of a key. It is valid until the next call.
func (b *bufferRows) held(key []byte) (row bufferRow, time int64, ok bool, err error) {
	v, ok, err := b.get(b.dataKey(key))
	if !ok || err != nil {
		return row, 0, false, err
	}
	if len(v) < 8 {
		return row, 0, false, errShortRow
	}
	row, err = parseBufferRow(v[8:])
	return row, int64(binary.BigEndian.Uint64(v)), err == nil, err
}

// put sets the row of a key; one that is held already keeps its time. before is what is held.
func (b *bufferRows) put(key []byte, row *bufferRow, time int64, before *bufferRow, at int64) {
	if before != nil {
		time = at
		b.size -= before.size(key)
	} else {
		b.records++
		b.min = min(b.min, time)
		b.set(b.timeKey(time, key), time)
	}
	b.size += row.size(key)
	b.value = row.append(b.value[:0])
	b.set(b.dataKey(key), time, b.value)
}

// remove removes a key whose row of that size is held until time. The lowest time is the caller's to know.
func (b *bufferRows) remove(key []byte, size, time int64) {
	b.records--
	b.size -= size
	b.delete(b.timeKey(time, key))
	b.delete(b.dataKey(key))
}

// write adds the frozen rows to a batch, and the counts as of the freeze.
func (b *bufferRows) write(batch Batch, counts [2]int64) {
	if counts != b.saved {
		meta := binary.BigEndian.AppendUint64(make([]byte, 8, 24), uint64(counts[0]))
		batch.Set(b.engine, []byte{bufferMeta}, binary.BigEndian.AppendUint64(meta, uint64(counts[1])))
	}
	b.pending.write(batch, nil)
}

func (b *bufferRows) written(counts [2]int64) {
	b.frozen.Reset()
	b.saved = counts
}
