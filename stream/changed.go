package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/leatstream/leat/serde"
)

// changed is the serde of the changes that a grouped table sends through its repartition topic. The last
// byte tells what comes before it:
//
//	old 0 | new 1 | varint(len(new)) new old 2
//
// and 3, 4, 5 the same with a byte (1 for the latest update of its key by time) before the last. Only 0, 1
// and 2 are written.
//
// Source: KIP-904; org.apache.kafka.streams.kstream.internals.ChangedSerializer.
type changed[V any] struct{ of serde.Serde[V] }

const (
	changedOld = iota
	changedNew
	changedBoth
	changedFlagged // added to the three above
)

// ForTopic implements serde.TopicBound.
func (c changed[V]) ForTopic(topic string, isKey bool) serde.Serde[change[V]] {
	return changed[V]{serde.For(c.of, topic, isKey)}
}

// Append implements serde.Serde.
func (c changed[V]) Append(dst []byte, ch change[V]) ([]byte, error) {
	switch {
	case ch.newNull && ch.oldNull:
		return dst, errors.New("a change has neither an old nor a new value")
	case ch.newNull:
		return c.appendValue(dst, ch.old, changedOld)
	case ch.oldNull:
		return c.appendValue(dst, ch.new, changedNew)
	}
	start := len(dst)
	out, err := c.of.Append(dst, ch.new)
	if err != nil {
		return dst, err
	}
	var size [binary.MaxVarintLen32]byte
	n := binary.PutVarint(size[:], int64(len(out)-start))
	if out, err = c.appendValue(slices.Insert(out, start, size[:n]...), ch.old, changedBoth); err != nil {
		return dst, err
	}
	return out, nil
}

func (c changed[V]) appendValue(dst []byte, v V, flag byte) ([]byte, error) {
	out, err := c.of.Append(dst, v)
	if err != nil {
		return dst, err
	}
	return append(out, flag), nil
}

// Decode implements serde.Serde.
func (c changed[V]) Decode(b []byte) (ch change[V], err error) {
	if len(b) == 0 {
		return ch, errors.New("a change has no bytes")
	}
	flag, b := b[len(b)-1], b[:len(b)-1]
	if flag >= changedFlagged {
		if len(b) == 0 || b[len(b)-1] > 1 {
			return ch, fmt.Errorf("a change of kind %d does not say whether it is the latest", flag)
		}
		ch.late = b[len(b)-1] == 0
		b = b[:len(b)-1]
		flag -= changedFlagged
	}
	var old, new []byte
	switch flag {
	case changedOld:
		ch.newNull, old = true, b
	case changedNew:
		ch.oldNull, new = true, b
	case changedBoth:
		size, n := binary.Varint(b)
		if n <= 0 || size < 0 || size > int64(len(b)-n) {
			return ch, fmt.Errorf("a change of %d bytes has a new value of %d", len(b), size)
		}
		new, old = b[n:n+int(size)], b[n+int(size):]
	default:
		return ch, fmt.Errorf("a change is of unknown kind %d", flag)
	}
	if !ch.newNull {
		if ch.new, err = c.of.Decode(new); err != nil {
			return change[V]{}, fmt.Errorf("new value: %w", err)
		}
	}
	if !ch.oldNull {
		if ch.old, err = c.of.Decode(old); err != nil {
			return change[V]{}, fmt.Errorf("old value: %w", err)
		}
	}
	return ch, nil
}
