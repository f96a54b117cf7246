package statestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"github.com/leatstream/leat/record"
)

// bufferRow is what a buffer holds of a key, with its values as bytes, nil for null. Its form, also that of the
// change record's value (whose last 8 bytes are the time that the row has in front), is
//
//	int64 timestamp | int64 offset | topic | int32 partition | int32 headers | (key | value)* | prior | old | new
//
// where strings and values have an int32 length in front, -1 for null, and old is -2 if it is the same as prior.
//
// Source: org.apache.kafka.streams.state.internals.BufferValue.
type bufferRow struct {
	origin          Origin
	prior, old, new []byte
}

const (
	lengthNull = -1
	lengthSame = -2
)

func (r *bufferRow) append(dst []byte) []byte {
	o := &r.origin
	dst = binary.BigEndian.AppendUint64(dst, uint64(o.Timestamp))
	dst = binary.BigEndian.AppendUint64(dst, uint64(o.Offset))
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(o.Topic))), o.Topic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(o.Partition))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(o.Headers)))
	for _, h := range o.Headers {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(h.Key))), h.Key...)
		dst = appendNullable(dst, h.Value)
	}
	dst = appendNullable(dst, r.prior)
	if r.old != nil && r.sameOld() {
		same := int32(lengthSame)
		dst = binary.BigEndian.AppendUint32(dst, uint32(same))
	} else {
		dst = appendNullable(dst, r.old)
	}
	return appendNullable(dst, r.new)
}

func (r *bufferRow) sameOld() bool {
	return (r.old == nil) == (r.prior == nil) && bytes.Equal(r.old, r.prior)
}

func appendNullable(dst, b []byte) []byte {
	if b == nil {
		null := int32(lengthNull)
		return binary.BigEndian.AppendUint32(dst, uint32(null))
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// size is what a row counts for against the buffer's bounds.
func (r *bufferRow) size(key []byte) int64 {
	n := 8 + len(key) + 8 + 8 + chars(r.origin.Topic) + 4 + len(r.prior) + len(r.new)
	if !r.sameOld() {
		n += len(r.old)
	}
	for _, h := range r.origin.Headers {
		n += chars(h.Key) + len(h.Value)
	}
	return int64(n)
}

// chars is the length of a string in Java.
func chars(s string) int {
	n := 0
	for _, c := range s {
		n += utf16.RuneLen(c)
	}
	return n
}

// bufferReader reads the parts of rows; its first error stays.
type bufferReader struct {
	b   []byte
	err error
}

var errShortBuffer = errors.New("an update that was held back is shorter than it says")

func (r *bufferReader) take(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.b)) {
		r.err = errShortBuffer
	}
	if r.err != nil {
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

func (r *bufferReader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *bufferReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// bytes returns what has its length in front, nil for null.
func (r *bufferReader) bytes() []byte {
	n := r.int32()
	if n == lengthNull || r.err != nil {
		return nil
	}
	return notNil(r.take(int(n)))
}

func (r *bufferReader) origin() (o Origin) {
	o.Timestamp, o.Offset = r.int64(), r.int64()
	o.Topic = string(r.bytes())
	o.Partition = r.int32()
	n := r.int32()
	for i := int32(0); i < n && r.err == nil; i++ {
		key := string(r.bytes())
		o.Headers = append(o.Headers, record.Header{Key: key, Value: bytes.Clone(r.bytes())})
	}
	return o
}

// row reads a row. Its values are parts of what is read.
func (r *bufferReader) row() (row bufferRow) {
	row.origin = r.origin()
	row.prior = r.bytes()
	switch n := r.int32(); n {
	case lengthNull:
	case lengthSame:
		row.old = row.prior
	default:
		row.old = notNil(r.take(int(n)))
	}
	row.new = r.bytes()
	return row
}

func parseBufferRow(b []byte) (bufferRow, error) {
	r := bufferReader{b: b}
	row := r.row()
	return row, r.err
}

// parseBufferRecord reads the value of a change record in any of the forms that there have been; prior is what
// is held of its key, for the forms that do not have it.
func parseBufferRecord(rec *record.Raw, prior []byte, held bool) (row bufferRow, time int64, err error) {
	version := byte(0)
	if v, ok := rec.Headers.Last("v"); ok {
		if len(v) != 1 || v[0] < 1 || v[0] > 3 {
			return row, 0, fmt.Errorf("a change record of a buffer is of the unknown version %x", v)
		}
		version = v[0]
	}
	switch version {
	case 3:
		return parseBuffer3(rec.Value)
	case 2: // which some versions wrote in front of 3
		if row, time, err = parseBuffer2(rec.Value); err != nil {
			row, time, err = parseBuffer3(rec.Value)
		}
		return row, time, err
	}
	r := bufferReader{b: rec.Value}
	time = r.int64()
	row.origin = Origin{rec.TopicPartition, rec.Offset, rec.Timestamp, rec.Headers}
	if version == 1 {
		row.origin = r.origin()
		r = bufferReader{b: r.bytes(), err: r.err}
	}
	row.old, row.new = r.bytes(), r.bytes()
	row.prior = row.old
	if held {
		row.prior = prior
	}
	return row, time, r.err
}

func parseBuffer3(b []byte) (bufferRow, int64, error) {
	r := bufferReader{b: b}
	row := r.row()
	return row, r.int64(), r.err
}

func parseBuffer2(b []byte) (row bufferRow, time int64, err error) {
	r := bufferReader{b: b}
	row.origin = r.origin()
	c := bufferReader{b: r.bytes(), err: r.err}
	row.old, row.new = c.bytes(), c.bytes()
	r.err = c.err
	row.prior = r.bytes()
	time = r.int64()
	if r.err == nil && len(r.b) > 0 {
		r.err = errShortBuffer
	}
	return row, time, r.err
}
