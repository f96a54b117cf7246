package serde_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/leatstream/leat/serde"
)

// bits checks the bytes of a value, and that they come back as the same one; same compares.
func bits[T any](t *testing.T, s serde.Serde[T], v T, want string, same func(a, b T) bool) {
	t.Helper()
	got, err := s.Append([]byte("before"), v)
	if err != nil || string(got) != "before"+want {
		t.Errorf("%v: %x, %v; want %x", v, got, err, want)
	}
	back, err := s.Decode([]byte(want))
	if err != nil || !same(v, back) {
		t.Errorf("%x: %v, %v; want %v", want, back, err, v)
	}
}

func equal[T comparable](a, b T) bool { return a == b }

// TestEdges: the bytes of values at the edges, as Java's serializers have them.
func TestEdges(t *testing.T) {
	same64 := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	same32 := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	bits(t, serde.Float64, math.Float64frombits(0x7ff8000000000000), "\x7f\xf8\x00\x00\x00\x00\x00\x00", same64) // not a number
	bits(t, serde.Float64, math.Inf(1), "\x7f\xf0\x00\x00\x00\x00\x00\x00", same64)
	bits(t, serde.Float64, math.Copysign(0, -1), "\x80\x00\x00\x00\x00\x00\x00\x00", same64)
	bits(t, serde.Float32, math.Float32frombits(0x7fc00000), "\x7f\xc0\x00\x00", same32)
	bits(t, serde.Int64, math.MinInt64, "\x80\x00\x00\x00\x00\x00\x00\x00", equal)
	bits(t, serde.Int64, -1, "\xff\xff\xff\xff\xff\xff\xff\xff", equal)
	bits(t, serde.Int32, math.MaxInt32, "\x7f\xff\xff\xff", equal)
	bits(t, serde.Int16, math.MinInt16, "\x80\x00", equal)
	bits(t, serde.Bool, true, "\x01", equal)
	bits(t, serde.String, "", "", equal)
	bits(t, serde.String, "grüße", "gr\xc3\xbc\xc3\x9fe", equal)
	bits(t, serde.Bytes, []byte{0xff, 0}, "\xff\x00", bytes.Equal)
}

// TestRefused: bytes of the wrong size, and strings that are none.
func TestRefused(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for _, n := range []int{0, 1, 3, 5, 7, 9} {
		b := make([]byte, n)
		_, err := serde.Int64.Decode(b)
		refused("int64", err)
		_, err = serde.Float64.Decode(b)
		refused("float64", err)
		_, err = serde.Int32.Decode(b)
		refused("int32", err)
		_, err = serde.Float32.Decode(b)
		refused("float32", err)
		_, err = serde.Int16.Decode(b)
		refused("int16", err)
	}
	_, err := serde.Bool.Decode([]byte{})
	refused("bool", err)
	_, err = serde.String.Decode([]byte("\xff"))
	refused("string", err)
	_, err = serde.String.Append(nil, "\xff")
	refused("string", err)
}
