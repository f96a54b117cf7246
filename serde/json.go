package serde

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/leatstream/leat/record"
)

// JSON returns a serde that writes T as encoding/json does, without HTML escapes and without a line end. Its
// keys are written in a stable order (struct fields as declared, map keys sorted), so equal keys have equal
// bytes and meet in one partition.
func JSON[T any]() Serde[T] { return jsonSerde[T]{} }

type jsonSerde[T any] struct{}

func (jsonSerde[T]) Append(dst []byte, v T) ([]byte, error) {
	w := bytes.NewBuffer(dst)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, fmt.Errorf("write %T as JSON: %w", v, err)
	}
	out := w.Bytes()
	return out[:len(out)-1], nil
}

func (jsonSerde[T]) Decode(b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		var zero T
		return zero, fmt.Errorf("read %T from JSON: %w", v, err)
	}
	return v, nil
}

// Optional returns a serde for values that may be null, in terms of one for values that may not.
func Optional[T any](s Serde[T]) Serde[record.Optional[T]] { return optionalSerde[T]{s} }

type optionalSerde[T any] struct{ of Serde[T] }

func (s optionalSerde[T]) Append(dst []byte, v record.Optional[T]) ([]byte, error) {
	return s.of.Append(dst, v.Value)
}

func (s optionalSerde[T]) Decode(b []byte) (record.Optional[T], error) {
	v, err := s.of.Decode(b)
	return record.Optional[T]{Value: v, Valid: err == nil}, err
}

func (s optionalSerde[T]) ForTopic(topic string, isKey bool) Serde[record.Optional[T]] {
	return optionalSerde[T]{For(s.of, topic, isKey)}
}

// Pointer returns a serde for pointers to T, of which nil is null.
func Pointer[T any](s Serde[T]) Serde[*T] { return pointerSerde[T]{s} }

type pointerSerde[T any] struct{ of Serde[T] }

func (s pointerSerde[T]) Append(dst []byte, v *T) ([]byte, error) { return s.of.Append(dst, *v) }

func (s pointerSerde[T]) Decode(b []byte) (*T, error) {
	v, err := s.of.Decode(b)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (s pointerSerde[T]) ForTopic(topic string, isKey bool) Serde[*T] {
	return pointerSerde[T]{For(s.of, topic, isKey)}
}
