package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/leatstream/leat/serde"
)

// List is a store of any number of values a key, in the order in which they were added: an outer join keeps
// the records that have no partner yet in one. Its iterations are as those of [KeyValue].
type List[K comparable, V any] interface {
	Store
	// Add puts a value behind those that the key has. timestamp is that of the change record, which holds all
	// of them.
	Add(key K, value V, timestamp int64)
	// Remove removes all values of a key. It makes a change record even if there are none.
	Remove(key K, timestamp int64)
	// RemoveAny removes all values of a key and reports whether there were any; if not, there is no change
	// record.
	RemoveAny(key K, timestamp int64) bool
	// All iterates over every value, by its key.
	All() iter.Seq2[K, V]
}

// NewList returns a list store on env's engine. Rows and change records have the format of Kafka's list serde:
// the byte 1, the number of values as int32, and for each its length as int32 and its bytes.
func NewList[K comparable, V any](env Env, ks serde.Serde[K], vs serde.Serde[V]) (List[K, V], error) {
	if vs == nil {
		return nil, fmt.Errorf("make store %q: it needs a serde for keys and one for values", env.Name)
	}
	c, err := newCached[K, []V](env, ks, listSerde[V]{vs}, false)
	if err != nil {
		return nil, err
	}
	return &list[K, V]{c.noticing()}, nil
}

type list[K comparable, V any] struct{ *cached[K, []V] }

func (s *list[K, V]) Add(key K, value V, timestamp int64) {
	i := s.lookup(key)
	values, _, _ := s.held(i)
	s.set(i, append(values, value), timestamp, true)
}

func (s *list[K, V]) Remove(key K, timestamp int64) { s.set(s.blind(key), nil, timestamp, false) }

func (s *list[K, V]) RemoveAny(key K, timestamp int64) bool {
	i := s.lookup(key)
	_, _, ok := s.held(i)
	if ok {
		s.set(i, nil, timestamp, false)
	}
	return ok
}

func (s *list[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		s.iterate(nil, nil, false, func(k K, values []V, _ int64) bool {
			for _, v := range values {
				if !yield(k, v) {
					return false
				}
			}
			return true
		})
	}
}

// listSerde is Kafka's serde of lists whose values have no fixed length.
//
// Source: KIP-466.
type listSerde[V any] struct{ of serde.Serde[V] }

const (
	listVariable = 1 // each value has its length in front
	listNull     = -1
)

// Append implements serde.Serde.
func (l listSerde[V]) Append(dst []byte, values []V) ([]byte, error) {
	out := append(dst, listVariable)
	out = binary.BigEndian.AppendUint32(out, uint32(len(values)))
	for _, v := range values {
		at := len(out)
		out = append(out, 0, 0, 0, 0)
		var err error
		if out, err = l.of.Append(out, v); err != nil {
			return dst, err
		}
		binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	}
	return out, nil
}

// Decode implements serde.Serde.
func (l listSerde[V]) Decode(b []byte) ([]V, error) {
	if len(b) < 5 || b[0] != listVariable {
		return nil, errors.New("the bytes are not those of a list of values of any length")
	}
	n, b := int(binary.BigEndian.Uint32(b[1:])), b[5:]
	if n > len(b)/4 {
		return nil, fmt.Errorf("a list of %d bytes cannot hold %d values", len(b), n)
	}
	values := make([]V, 0, n)
	for i := range n {
		if len(b) < 4 {
			return nil, fmt.Errorf("a list ends within the length of its value %d of %d", i, n)
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		if size == listNull {
			return nil, fmt.Errorf("value %d of a list of %d is null", i, n)
		}
		if b = b[4:]; size < 0 || size > len(b) {
			return nil, fmt.Errorf("value %d of a list of %d has %d bytes, of which %d are there", i, n, size, len(b))
		}
		v, err := l.of.Decode(b[:size:size])
		if err != nil {
			return nil, fmt.Errorf("value %d of a list of %d: %w", i, n, err)
		}
		values, b = append(values, v), b[size:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("a list of %d values is followed by %d bytes", n, len(b))
	}
	return values, nil
}
