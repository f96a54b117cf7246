package serde_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// written checks that a value has these bytes, in hexadecimal, that they are read as the value again, and that
// what stood before them stays.
func written[T any](t *testing.T, s serde.Serde[T], v T, want string) {
	t.Helper()
	b, err := s.Append([]byte("before"), v)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	after, ok := bytes.CutPrefix(b, []byte("before"))
	if !ok {
		t.Errorf("%v: what was there is now %q", v, b)
	}
	if got := hex.EncodeToString(after); got != want {
		t.Errorf("%v is written as %s, want %s", v, got, want)
	}
	got, err := s.Decode(after)
	if err != nil {
		t.Fatalf("%x: %v", after, err)
	}
	if d := cmp.Diff(v, got); d != "" {
		t.Errorf("%x is read as another value (-want +got):\n%s", after, d)
	}
}

// The bytes are those of Kafka's own serializers (org.apache.kafka.common.serialization).
func TestBytesOfKafka(t *testing.T) {
	written(t, serde.String, "", "")
	written(t, serde.String, "é\x00", "c3a900")
	written(t, serde.Bytes, []byte{}, "")
	written(t, serde.Bytes, []byte{0xff, 0}, "ff00")
	written(t, serde.Int16, 1, "0001")
	written(t, serde.Int16, math.MinInt16, "8000")
	written(t, serde.Int32, -2, "fffffffe")
	written(t, serde.Int32, math.MaxInt32, "7fffffff")
	written(t, serde.Int64, 258, "0000000000000102")
	written(t, serde.Int64, math.MinInt64, "8000000000000000")
	written(t, serde.Float32, 1.5, "3fc00000")
	written(t, serde.Float64, -0.5, "bfe0000000000000")
	written(t, serde.Float64, math.Inf(1), "7ff0000000000000")
	written(t, serde.Bool, true, "01")
	written(t, serde.Bool, false, "00")
}

type order struct {
	ID    string         `json:"id"`
	Cents int64          `json:"cents,omitempty"`
	Tags  map[string]int `json:"tags,omitempty"`
}

func text(s string) string { return hex.EncodeToString([]byte(s)) }

func TestJSON(t *testing.T) {
	written(t, serde.JSON[order](), order{}, text(`{"id":""}`))
	written(t, serde.JSON[order](), order{"a<b>&c", 5, map[string]int{"z": 1, "a": 2}}, text(`{"id":"a<b>&c","cents":5,"tags":{"a":2,"z":1}}`))
	written(t, serde.JSON[[]int](), []int{1, 2}, text(`[1,2]`))
	written(t, serde.JSON[*order](), nil, text(`null`))
}

// refused checks that a serde does not read these bytes, with an error that says so.
func refused[T any](t *testing.T, s serde.Serde[T], b, want string) {
	t.Helper()
	v, err := s.Decode([]byte(b))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%x is read as %v with error %v, want one that says %q", b, v, err, want)
	}
	if d := cmp.Diff(*new(T), v); d != "" {
		t.Errorf("%x is refused with a value: %v", b, v)
	}
}

func TestBadBytes(t *testing.T) {
	refused(t, serde.String, "a\xff", "2 bytes are not valid UTF-8; use serde.Bytes")
	refused(t, serde.Int16, "", "int16 has 0 bytes, want 2")
	refused(t, serde.Int32, "12345", "int32 has 5 bytes, want 4")
	refused(t, serde.Int64, "1234567", "int64 has 7 bytes, want 8")
	refused(t, serde.Float32, "123", "float32 has 3 bytes, want 4")
	refused(t, serde.Float64, "123456789", "float64 has 9 bytes, want 8")
	refused(t, serde.Bool, "", "bool has 0 bytes, want 1")
	refused(t, serde.Bool, "\x02", "bool is byte 2, want 0 or 1")
	refused(t, serde.JSON[order](), "", "read serde_test.order from JSON")
	refused(t, serde.JSON[order](), `{"id":"x","cents":"five"}`, "read serde_test.order from JSON")
	refused(t, serde.JSON[order](), `{"id":"x"} {}`, "read serde_test.order from JSON")
	refused(t, serde.Optional(serde.Int64), "1", "int64 has 1 bytes, want 8")
	refused(t, serde.Pointer(serde.Int64), "1", "int64 has 1 bytes, want 8")
}

// notWritten checks that a serde refuses a value and leaves alone what was there.
func notWritten[T any](t *testing.T, s serde.Serde[T], v T, want string) {
	t.Helper()
	dst := append(make([]byte, 0, 64), "before"...)
	b, err := s.Append(dst, v)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: error %v, want one that says %q", v, err, want)
	}
	if string(b) != "before" || string(dst) != "before" {
		t.Errorf("%v: what was there is now %q, returned %q", v, dst, b)
	}
}

func TestValuesThatCannotBeWritten(t *testing.T) {
	notWritten(t, serde.String, "a\xff", "string of 2 bytes is not valid UTF-8; use serde.Bytes")
	notWritten(t, serde.JSON[float64](), math.NaN(), "write float64 as JSON")
	notWritten[any](t, serde.JSON[any](), func() {}, "as JSON")
	notWritten(t, serde.Optional(serde.String), record.Some("\xff"), "not valid UTF-8")
	bad := "\xff"
	notWritten(t, serde.Pointer(serde.String), &bad, "not valid UTF-8")
}

// What was read must not change with the bytes that it was read from: they are the fetched batch's.
func TestDecodeCopies(t *testing.T) {
	b := []byte(`"text"`)
	s, _ := serde.String.Decode(b)
	raw, _ := serde.Bytes.Decode(b)
	message, err := serde.JSON[json.RawMessage]().Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	for _, got := range []string{s, string(raw), string(message)} {
		if got != `"text"` {
			t.Errorf("read %q, want what the bytes were then", got)
		}
	}
}

// An empty slice of bytes is not null: null never reaches a serde.
func TestEmptyBytesAreNotNull(t *testing.T) {
	if b, err := serde.Bytes.Decode([]byte{}); b == nil || err != nil {
		t.Errorf("empty bytes are read as %#v, %v", b, err)
	}
}

func TestNullable(t *testing.T) {
	written(t, serde.Optional(serde.String), record.Some(""), "")
	written(t, serde.Optional(serde.Int16), record.Some[int16](7), "0007")
	seven := int16(7)
	written(t, serde.Pointer(serde.Int16), &seven, "0007")
}

// named is a serde whose bytes begin with the topic, as a schema id would be the subject's.
type named struct{ of string }

func (n named) ForTopic(topic string, isKey bool) serde.Serde[string] {
	if isKey {
		topic += "-key"
	}
	return named{topic + ":"}
}

func (n named) Append(dst []byte, v string) ([]byte, error) {
	return append(append(dst, n.of...), v...), nil
}

func (n named) Decode(b []byte) (string, error) { return strings.TrimPrefix(string(b), n.of), nil }

func TestFor(t *testing.T) {
	written(t, serde.For[string](named{}, "t", false), "v", text("t:v"))
	written(t, serde.For[string](named{}, "t", true), "v", text("t-key:v"))
	written(t, serde.For(serde.String, "t", true), "v", text("v"))
	written(t, serde.For(serde.Optional[string](named{}), "t", true), record.Some("v"), text("t-key:v"))
	v := "v"
	written(t, serde.For(serde.Pointer[string](named{}), "t", false), &v, text("t:v"))
}

// FuzzDecode: what a serde of fixed bytes reads it writes as the same bytes again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x02", "é", "\xff", "12", "1234", "12345678", "\x7f\xf8\x00\x00\x00\x00\x00\x01", "\x7f\xa0\x00\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same(t, serde.String, b)
		same(t, serde.Bytes, b)
		same(t, serde.Int16, b)
		same(t, serde.Int32, b)
		same(t, serde.Int64, b)
		same(t, serde.Float32, b)
		same(t, serde.Float64, b)
		same(t, serde.Bool, b)
		same(t, serde.Optional(serde.Int32), b)
		same(t, serde.Pointer(serde.String), b)
	})
}

func same[T any](t *testing.T, s serde.Serde[T], b []byte) {
	t.Helper()
	v, err := s.Decode(b)
	if err != nil {
		return
	}
	if got, err := s.Append(nil, v); err != nil || !bytes.Equal(got, b) {
		t.Errorf("%x is read as %v and written as %x, %v", b, v, got, err)
	}
}

// FuzzJSON: what is read is written as text that is read as the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"id":"x","cents":5,"tags":{"a":1}}`, `{"ID":"x"}`, `null`, `{"id":"\ud800"}`, `{"cents":1e3}`, `{`, ``} {
		f.Add([]byte(s))
	}
	s := serde.JSON[order]()
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := s.Decode(b)
		if err != nil {
			return
		}
		first, err := s.Append(nil, v)
		if err != nil {
			t.Fatalf("%q is read as %+v, which cannot be written: %v", b, v, err)
		}
		again, err := s.Decode(first)
		if err != nil {
			t.Fatalf("%q is written as %q, which cannot be read: %v", b, first, err)
		}
		if second, err := s.Append(nil, again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%q is written as %q, then as %q, %v", b, first, second, err)
		}
	})
}
