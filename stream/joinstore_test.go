package stream

import (
	"testing"

	"github.com/leatstream/leat/serde"
)

// refuseOrKeep decodes what a change record may hold: it is refused, or is written as the same bytes again.
func refuseOrKeep[T any](t *testing.T, s serde.Serde[T], b []byte) {
	t.Helper()
	v, err := s.Decode(b)
	if err != nil {
		return
	}
	if again, err := s.Append(nil, v); err != nil || string(again) != string(b) {
		t.Errorf("%x is read as %+v and written as %x, %v", b, v, again, err)
	}
}

func TestRecordsWithoutAPartner(t *testing.T) {
	keys := waitingSerde[string]{serde.String}
	b, err := keys.Append(nil, waiting[string]{time: 258, left: true, key: "k"})
	if err != nil || string(b) != "\x00\x00\x00\x00\x00\x00\x01\x02\x01k" {
		t.Errorf("a key is written as %x, %v", b, err)
	}
	for _, bad := range []string{"", "12345678", "12345678\x02k", "12345678\x01\xff"} {
		if k, err := keys.Decode([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v, want an error", bad, k)
		}
	}
	values := eitherSerde[string, int64]{serde.String, serde.Int64}
	for _, bad := range []string{"", "\x02v", "\x00short", "\x01\xff"} {
		if v, err := values.Decode([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v, want an error", bad, v)
		}
	}
}

func FuzzWaiting(f *testing.F) {
	f.Add([]byte("12345678\x01k"))
	f.Add([]byte("12345678\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { refuseOrKeep(t, waitingSerde[string]{serde.String}, b) })
}

func FuzzEither(f *testing.F) {
	f.Add([]byte("\x01v"))
	f.Add([]byte("\x0012345678"))
	f.Fuzz(func(t *testing.T, b []byte) {
		refuseOrKeep(t, eitherSerde[string, int64]{serde.String, serde.Int64}, b)
	})
}

func FuzzSubscriber(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02frleft"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		refuseOrKeep(t, subscribers[string, string]{serde.String, serde.String}, b)
	})
}
