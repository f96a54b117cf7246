package window

import (
	"encoding/binary"
	"fmt"

	"github.com/leatstream/leat/serde"
)

// Keys returns the serde of windowed keys in topics: the key, then the window's start as int64, big-endian.
// The end is not written: size, in milliseconds, must be that of the windows ([Windows.Size]).
//
// Source: org.apache.kafka.streams.kstream.TimeWindowedSerializer.
func Keys[K comparable](keys serde.Serde[K], size int64) serde.Serde[Key[K]] {
	return timeKeys[K]{keys, size}
}

// SessionKeys returns the serde of session keys in topics: the key, then the session's end and its start as
// int64, big-endian.
//
// Source: org.apache.kafka.streams.kstream.SessionWindowedSerializer.
func SessionKeys[K comparable](keys serde.Serde[K]) serde.Serde[Key[K]] { return sessionKeys[K]{keys} }

// Inner is a serde of windowed keys. Records of windowed keys go to the partition of the key inside.
type Inner[K comparable] interface {
	serde.Serde[Key[K]]
	// AppendInner appends the bytes of the key without its window.
	AppendInner(dst []byte, k Key[K]) ([]byte, error)
}

type timeKeys[K comparable] struct {
	keys serde.Serde[K]
	size int64
}

// ForTopic implements serde.TopicBound.
func (s timeKeys[K]) ForTopic(topic string, isKey bool) serde.Serde[Key[K]] {
	return timeKeys[K]{serde.For(s.keys, topic, isKey), s.size}
}

// AppendInner implements [Inner].
func (s timeKeys[K]) AppendInner(dst []byte, k Key[K]) ([]byte, error) {
	return s.keys.Append(dst, k.Key)
}

// Append implements serde.Serde.
func (s timeKeys[K]) Append(dst []byte, k Key[K]) ([]byte, error) {
	out, err := s.keys.Append(dst, k.Key)
	if err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint64(out, uint64(k.Start)), nil
}

// Decode implements serde.Serde.
func (s timeKeys[K]) Decode(b []byte) (k Key[K], err error) {
	inner, times, err := split(b, 8)
	if err != nil {
		return k, err
	}
	if k.Key, err = s.keys.Decode(inner); err != nil {
		return Key[K]{}, err
	}
	k.Start = int64(binary.BigEndian.Uint64(times))
	k.End = add(k.Start, s.size)
	return k, nil
}

type sessionKeys[K comparable] struct{ keys serde.Serde[K] }

// ForTopic implements serde.TopicBound.
func (s sessionKeys[K]) ForTopic(topic string, isKey bool) serde.Serde[Key[K]] {
	return sessionKeys[K]{serde.For(s.keys, topic, isKey)}
}

// AppendInner implements [Inner].
func (s sessionKeys[K]) AppendInner(dst []byte, k Key[K]) ([]byte, error) {
	return s.keys.Append(dst, k.Key)
}

// Append implements serde.Serde.
func (s sessionKeys[K]) Append(dst []byte, k Key[K]) ([]byte, error) {
	out, err := s.keys.Append(dst, k.Key)
	if err != nil {
		return dst, err
	}
	out = binary.BigEndian.AppendUint64(out, uint64(k.End))
	return binary.BigEndian.AppendUint64(out, uint64(k.Start)), nil
}

// Decode implements serde.Serde.
func (s sessionKeys[K]) Decode(b []byte) (k Key[K], err error) {
	inner, times, err := split(b, 16)
	if err != nil {
		return k, err
	}
	if k.Key, err = s.keys.Decode(inner); err != nil {
		return Key[K]{}, err
	}
	k.End = int64(binary.BigEndian.Uint64(times))
	k.Start = int64(binary.BigEndian.Uint64(times[8:]))
	return k, nil
}

func split(b []byte, times int) (key, rest []byte, err error) {
	if len(b) < times {
		return nil, nil, fmt.Errorf("a windowed key has %d bytes, the times of its window alone take %d", len(b), times)
	}
	n := len(b) - times
	return b[:n:n], b[n:], nil
}
