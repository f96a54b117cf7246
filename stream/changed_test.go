package stream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/leatstream/leat/serde"
)

func TestChanged(t *testing.T) {
	s := changed[string]{serde.String}
	cases := []struct {
		hex    string
		change change[string]
	}{
		{"6f6c6400", change[string]{newNull: true, old: "old"}},
		{"6e657701", change[string]{new: "new", oldNull: true}},
		{"066e65776f6c6402", change[string]{new: "new", old: "old"}},
		{"0002", change[string]{}}, // two empty values
		{"00", change[string]{newNull: true}},
		{"01", change[string]{oldNull: true}},
	}
	for _, c := range cases {
		b, err := s.Append([]byte("before"), c.change)
		if err != nil || hex.EncodeToString(b) != hex.EncodeToString([]byte("before"))+c.hex {
			t.Errorf("append %+v: %x, %v; want %s", c.change, b, err, c.hex)
		}
		in, _ := hex.DecodeString(c.hex)
		if got, err := s.Decode(in); err != nil || got != c.change {
			t.Errorf("decode %s: %+v, %v; want %+v", c.hex, got, err, c.change)
		}
		// Newer versions of Kafka Streams may add whether it is the latest.
		for latest := range byte(2) {
			flagged := append(bytes.Clone(in[:len(in)-1]), latest, in[len(in)-1]+3)
			want := c.change
			want.late = latest == 0
			if got, err := s.Decode(flagged); err != nil || got != want {
				t.Errorf("decode %x: %+v, %v; want %+v", flagged, got, err, want)
			}
		}
	}
	long := change[string]{new: strings.Repeat("n", 1000), old: "old"}
	b, err := s.Append(nil, long)
	if err != nil || len(b) != 2+1000+3+1 {
		t.Errorf("append 1000 bytes: %d bytes, %v", len(b), err)
	}
	if got, err := s.Decode(b); err != nil || got != long {
		t.Errorf("decode 1000 bytes: %v", err)
	}
}

func TestChangedRefuses(t *testing.T) {
	s := changed[string]{serde.String}
	if b, err := s.Append([]byte("x"), change[string]{newNull: true, oldNull: true}); err == nil || string(b) != "x" {
		t.Errorf("append nothing: %x, %v", b, err)
	}
	for _, c := range []change[string]{{new: "\xff", oldNull: true}, {new: "\xff"}, {new: "fine", old: "\xff"}} {
		if b, err := s.Append([]byte("x"), c); err == nil || string(b) != "x" {
			t.Errorf("append %+v: %x, %v", c, b, err)
		}
	}
	for _, in := range []string{"", "06", "02", "066e6502", "ff02", "04", "0203", "0205", "ff01", "ff00", "ff", "02ff02"} {
		b, _ := hex.DecodeString(in)
		if c, err := s.Decode(b); err == nil || c != (change[string]{}) {
			t.Errorf("decode %q: %+v, %v; want an error", in, c, err)
		}
	}
}

func FuzzChangedDecode(f *testing.F) {
	for _, in := range []string{"6f6c6400", "6e657701", "066e65776f6c6402", "066e65776f6c640105", "", "ffffffffff02"} {
		b, _ := hex.DecodeString(in)
		f.Add(b)
	}
	s := changed[[]byte]{serde.Bytes}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := s.Decode(in)
		if err != nil {
			return
		}
		out, err := s.Append(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Decode(out)
		again.late = c.late // is read, but not written
		if err = errors.Join(err); err != nil || !bytes.Equal(again.new, c.new) || !bytes.Equal(again.old, c.old) || again.newNull != c.newNull || again.oldNull != c.oldNull {
			t.Errorf("%x is %+v, written again %+v, %v", in, c, again, err)
		}
	})
}
