package pebblestore

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/leatstream/leat/statestore"
)

// What is read as a position is written the same, but for those of the version before, which had no time.
func FuzzPosition(f *testing.F) {
	f.Add(appendPosition(nil, statestore.Position{Next: 7, Topic: [16]byte{1}, Time: 5}))
	f.Add(append([]byte{1}, make([]byte, 24)...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePosition(b)
		if err != nil {
			return
		}
		again := appendPosition(nil, p)
		if b[0] == 1 {
			again, b = again[1:len(again)-8], b[1:]
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v and written as %x", b, p, again)
		}
	})
}

// Only an identity of this application, of a known layout, is taken.
func FuzzIdentity(f *testing.F) {
	f.Add(newIdentity("app").encode())
	f.Add(newIdentity("other").encode())
	f.Add([]byte(`{"layout":2,"application":"app"}`))
	f.Add([]byte(`{"layout":"1"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, kind, err := parseIdentity(b, "app")
		if (kind == nil) != (err == nil) {
			t.Errorf("%q: kind %v, error %v", b, kind, err)
		}
		if err == nil && (id.Application != "app" || id.Layout != layoutVersion || !json.Valid(b)) {
			t.Errorf("%q is taken as %+v", b, id)
		}
	})
}
