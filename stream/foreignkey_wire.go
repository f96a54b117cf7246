package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

// What the two sides of a foreign-key join send each other, and how it is stored. Integers are big-endian.
//
// Source: KIP-213; org.apache.kafka.streams.kstream.internals.foreignkeyjoin.

// instruction says what the right side does with a subscription and when it answers.
type instruction byte

const (
	// unsubscribe removes the subscription.
	unsubscribe instruction = iota
	// unsubscribeAndAnswer removes it and answers that there is no right value.
	unsubscribeAndAnswer
	// subscribeAndAnswer stores it and answers, also if there is no right value.
	subscribeAndAnswer
	// subscribe stores it and answers if there is a right value.
	subscribe
	instructions
)

// subscription is a left row's wish to be told of a right row.
type subscription[K any] struct {
	hash valueHash
	// noHash tells that the left row was deleted.
	noHash      bool
	instruction instruction
	key         K
	// partition is that of the left row, to which the answer goes; -1 if it is not known.
	partition int32
	// noForeign tells that the left row has no foreign key. It is not written: the record's key is null.
	noForeign bool
}

// answer is what a left row is told about a right row.
type answer[V any] struct {
	hash      valueHash
	noHash    bool
	value     V
	noValue   bool
	partition int32 // not written
}

const noHashFlag = 0x80

// subscriptions is the serde of subscriptions:
//
//	version 1, with the top bit if there is no hash | instruction | hash, 16 bytes | left key | int32 partition
//
// Version 0, without the partition, is read, too.
type subscriptions[K any] struct{ keys serde.Serde[K] }

// ForTopic implements serde.TopicBound: the left key goes by a name of its own.
func (s subscriptions[K]) ForTopic(topic string, _ bool) serde.Serde[subscription[K]] {
	return subscriptions[K]{serde.For(s.keys, topic+"-pk", true)}
}

// Append implements serde.Serde.
func (s subscriptions[K]) Append(dst []byte, v subscription[K]) ([]byte, error) {
	version := byte(1)
	if v.partition < 0 {
		version = 0
	}
	out := appendHash(dst, version, v.noHash, func(b []byte) []byte { return append(b, byte(v.instruction)) }, v.hash)
	out, err := s.keys.Append(out, v.key)
	if err != nil {
		return dst, fmt.Errorf("left key: %w", err)
	}
	if version > 0 {
		out = binary.BigEndian.AppendUint32(out, uint32(v.partition))
	}
	return out, nil
}

// Decode implements serde.Serde.
func (s subscriptions[K]) Decode(b []byte) (v subscription[K], err error) {
	if len(b) < 2 {
		return v, errors.New("a subscription is shorter than its header")
	}
	version := b[0] &^ noHashFlag
	if version > 1 {
		return v, fmt.Errorf("a subscription is of version %d; this version of leat reads up to 1", version)
	}
	if v.instruction = instruction(b[1]); v.instruction >= instructions {
		return v, fmt.Errorf("a subscription has the unknown instruction %d", v.instruction)
	}
	v.noHash = b[0]&noHashFlag != 0
	b = b[2:]
	if !v.noHash {
		if len(b) < len(v.hash) {
			return v, errors.New("a subscription is shorter than its hash")
		}
		b = b[copy(v.hash[:], b):]
	}
	v.partition = -1
	if version > 0 {
		if len(b) < 4 {
			return v, errors.New("a subscription is shorter than its partition")
		}
		v.partition = int32(binary.BigEndian.Uint32(b[len(b)-4:]))
		b = b[:len(b)-4]
	}
	if v.key, err = s.keys.Decode(b); err != nil {
		return v, fmt.Errorf("left key: %w", err)
	}
	return v, nil
}

func appendHash(dst []byte, version byte, noHash bool, between func([]byte) []byte, h valueHash) []byte {
	if noHash {
		return between(append(dst, version|noHashFlag))
	}
	return append(between(append(dst, version)), h[:]...)
}

// answers is the serde of answers:
//
//	version 0, with the top bit if there is no hash | hash, 16 bytes | right value
//
// A right value of no bytes cannot be told from none.
type answers[V any] struct{ values serde.Serde[V] }

// ForTopic implements serde.TopicBound.
func (s answers[V]) ForTopic(topic string, isKey bool) serde.Serde[answer[V]] {
	return answers[V]{serde.For(s.values, topic, isKey)}
}

// Append implements serde.Serde.
func (s answers[V]) Append(dst []byte, v answer[V]) ([]byte, error) {
	out := appendHash(dst, 0, v.noHash, func(b []byte) []byte { return b }, v.hash)
	if v.noValue {
		return out, nil
	}
	out, err := s.values.Append(out, v.value)
	if err != nil {
		return dst, fmt.Errorf("right value: %w", err)
	}
	return out, nil
}

// Decode implements serde.Serde.
func (s answers[V]) Decode(b []byte) (v answer[V], err error) {
	if len(b) == 0 {
		return v, errors.New("an answer has no bytes")
	}
	if version := b[0] &^ noHashFlag; version > 0 {
		return v, fmt.Errorf("an answer is of version %d; this version of leat reads 0", version)
	}
	v.partition = -1
	v.noHash = b[0]&noHashFlag != 0
	b = b[1:]
	if !v.noHash {
		if len(b) < len(v.hash) {
			return v, errors.New("an answer is shorter than its hash")
		}
		b = b[copy(v.hash[:], b):]
	}
	if v.noValue = len(b) == 0; v.noValue {
		return v, nil
	}
	if v.value, err = s.values.Decode(b); err != nil {
		return v, fmt.Errorf("right value: %w", err)
	}
	return v, nil
}

// subscriber is the key that a subscription is stored under, so that all of a right row lie side by side.
type subscriber[KR, K comparable] struct {
	foreign KR
	key     K
}

// subscribers is the serde of subscribers: int32 length of the right key | right key | left key.
type subscribers[KR, K comparable] struct {
	foreign serde.Serde[KR]
	keys    serde.Serde[K]
}

// prefix appends what the keys of all subscribers of a right key begin with.
func (s subscribers[KR, K]) prefix(dst []byte, foreign KR) ([]byte, error) {
	start := len(dst)
	out, err := s.foreign.Append(append(slices.Grow(dst, 64), 0, 0, 0, 0), foreign)
	if err != nil {
		return dst, fmt.Errorf("right key: %w", err)
	}
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out, nil
}

// Append implements serde.Serde.
func (s subscribers[KR, K]) Append(dst []byte, v subscriber[KR, K]) ([]byte, error) {
	out, err := s.prefix(dst, v.foreign)
	if err != nil {
		return dst, err
	}
	if out, err = s.keys.Append(out, v.key); err != nil {
		return dst, fmt.Errorf("left key: %w", err)
	}
	return out, nil
}

// Decode implements serde.Serde.
func (s subscribers[KR, K]) Decode(b []byte) (v subscriber[KR, K], err error) {
	if len(b) < 4 {
		return v, errors.New("the key of a subscription is shorter than a length")
	}
	size := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(size) > uint64(len(b)) {
		return v, fmt.Errorf("the key of a subscription has a right key of %d bytes in %d", size, len(b))
	}
	if v.foreign, err = s.foreign.Decode(b[:size]); err != nil {
		return v, fmt.Errorf("right key: %w", err)
	}
	if v.key, err = s.keys.Decode(b[size:]); err != nil {
		return v, fmt.Errorf("left key: %w", err)
	}
	return v, nil
}

// hasher makes the hashes of a table's values on behalf of a node.
type hasher[V any] struct {
	node
	values serde.Serde[V]
	buf    []byte
}

// newHasher returns a hasher for the left values of a join. topic is that of the subscriptions.
func newHasher[V any](n node, values serde.Serde[V], topic string) hasher[V] {
	return hasher[V]{node: n, values: serde.For(values, topic+"-vh", false)}
}

// of returns ok false if the value cannot be serialized; the processing error policy has been asked then.
func (h *hasher[V]) of(v V) (sum valueHash, ok bool) {
	for tries := 1; ; tries++ {
		err := h.write(v)
		if err == nil {
			return hashOf(h.buf), true
		}
		if !h.task.Refuse(h.name, fmt.Errorf("serialize a left value: %w", err), tries) {
			return sum, false
		}
	}
}

func (h *hasher[V]) write(v V) (err error) {
	defer topology.Recover(&err)
	h.buf, err = h.values.Append(h.buf[:0], v)
	return err
}

// sameForeign reports whether two right keys have the same bytes.
type sameForeign[KR any] struct {
	node
	keys serde.Serde[KR]
	a, b []byte
}

func (s *sameForeign[KR]) of(a, b KR) (same, ok bool) {
	for tries := 1; ; tries++ {
		err := s.write(a, b)
		if err == nil {
			return bytes.Equal(s.a, s.b), true
		}
		if !s.task.Refuse(s.name, fmt.Errorf("serialize a foreign key: %w", err), tries) {
			return false, false
		}
	}
}

func (s *sameForeign[KR]) write(a, b KR) (err error) {
	defer topology.Recover(&err)
	if s.a, err = s.keys.Append(s.a[:0], a); err != nil {
		return err
	}
	s.b, err = s.keys.Append(s.b[:0], b)
	return err
}
