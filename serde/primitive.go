package serde

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// The serdes of Kafka's own clients. String refuses bytes that are not UTF-8, where Java's replaces them
// without a word.
var (
	String  Serde[string]  = stringSerde{}
	Bytes   Serde[[]byte]  = bytesSerde{}
	Int64   Serde[int64]   = int64Serde{}
	Int32   Serde[int32]   = int32Serde{}
	Int16   Serde[int16]   = int16Serde{}
	Float64 Serde[float64] = float64Serde{}
	Float32 Serde[float32] = float32Serde{}
	Bool    Serde[bool]    = boolSerde{}
)

type stringSerde struct{}

func (stringSerde) Append(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return dst, fmt.Errorf("string of %d bytes is not valid UTF-8; use serde.Bytes for binary data", len(v))
	}
	return append(dst, v...), nil
}

func (stringSerde) Decode(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%d bytes are not valid UTF-8; use serde.Bytes for binary data", len(b))
	}
	return string(b), nil
}

type bytesSerde struct{}

func (bytesSerde) Append(dst []byte, v []byte) ([]byte, error) { return append(dst, v...), nil }
func (bytesSerde) Decode(b []byte) ([]byte, error)             { return append(make([]byte, 0, len(b)), b...), nil }

func size(b []byte, want int, kind string) error {
	if len(b) != want {
		return fmt.Errorf("%s has %d bytes, want %d", kind, len(b), want)
	}
	return nil
}

type int64Serde struct{}

func (int64Serde) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (int64Serde) Decode(b []byte) (int64, error) {
	if err := size(b, 8, "int64"); err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

type int32Serde struct{}

func (int32Serde) Append(dst []byte, v int32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func (int32Serde) Decode(b []byte) (int32, error) {
	if err := size(b, 4, "int32"); err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

type int16Serde struct{}

func (int16Serde) Append(dst []byte, v int16) ([]byte, error) {
	return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
}

func (int16Serde) Decode(b []byte) (int16, error) {
	if err := size(b, 2, "int16"); err != nil {
		return 0, err
	}
	return int16(binary.BigEndian.Uint16(b)), nil
}

type float64Serde struct{}

func (float64Serde) Append(dst []byte, v float64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
}

func (float64Serde) Decode(b []byte) (float64, error) {
	if err := size(b, 8, "float64"); err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

type float32Serde struct{}

func (float32Serde) Append(dst []byte, v float32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(v)), nil
}

func (float32Serde) Decode(b []byte) (float32, error) {
	if err := size(b, 4, "float32"); err != nil {
		return 0, err
	}
	return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
}

type boolSerde struct{}

func (boolSerde) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (boolSerde) Decode(b []byte) (bool, error) {
	if err := size(b, 1, "bool"); err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, fmt.Errorf("bool is byte %d, want 0 or 1", b[0])
	}
	return b[0] == 1, nil
}
