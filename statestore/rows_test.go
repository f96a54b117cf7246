package statestore

import (
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// A row's key that can be read stands for one entry: written again and read again, it is the same.
func FuzzWindowRowKeys(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00k\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00a\x00\xffb\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, row []byte) {
		for _, sub := range []int{windowSub, sessionSub} {
			keys := &windowKeys[string]{windowLayout: windowLayout{segment: 100, subSize: sub}, of: serde.String}
			k, err := keys.Decode(row)
			if err != nil || k.time < 0 {
				continue
			}
			again, err := keys.Append(nil, k)
			if err != nil {
				t.Fatal(err)
			}
			if k2, err := keys.Decode(again); err != nil || k2 != k {
				t.Errorf("%x is read as %+v, then as %+v, %v", row, k, k2, err)
			}
		}
	})
}

func FuzzHeldRows(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x07key\x00\x00\x00\x01"), make([]byte, 60))
	f.Add([]byte{}, []byte{})
	if b, err := (heldValues[string]{serde.String}).Append(nil, held[string]{value: "v", origin: Origin{
		TopicPartition: record.TopicPartition{Topic: "t", Partition: 3}, Offset: 7, Timestamp: 9,
		Headers: record.Headers{{Key: "h", Value: []byte("x")}},
	}}); err != nil {
		f.Fatal(err)
	} else {
		f.Add([]byte("k"), b)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		keys := heldKeys[string]{serde.String}
		if k, err := keys.Decode(key); err == nil {
			again, err := keys.Append(nil, k)
			if err != nil {
				t.Fatal(err)
			}
			if k2, err := keys.Decode(again); err != nil || k2 != k {
				t.Errorf("%x is read as %+v, then as %+v, %v", key, k, k2, err)
			}
		}
		values := heldValues[string]{serde.String}
		if h, err := values.Decode(value); err == nil {
			again, err := values.Append(nil, h)
			if err != nil {
				t.Fatal(err)
			}
			if h2, err := values.Decode(again); err != nil || h2.value != h.value || h2.origin.Offset != h.origin.Offset || h2.origin.Topic != h.origin.Topic {
				t.Errorf("%x is read as %+v, then as %+v, %v", value, h, h2, err)
			}
		}
	})
}

// FuzzRestore restores a changelog of two records, whatever they are: they are refused, or the store that is opened
// on the result can be read from end to end.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00"), []byte("v"), []byte("k"), int64(5))
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("v"), []byte(nil), int64(-1))
	f.Fuzz(func(t *testing.T, first, value, second []byte, timestamp int64) {
		spec := WindowSpec{Size: 10, Retention: 100, Segment: 10}
		changes := []record.Raw{{Key: first, Value: value, Timestamp: timestamp}, {Key: second, Value: value, Timestamp: timestamp + 1}, {Key: first, Timestamp: timestamp}}
		bytes := serde.Bytes
		text := stringOfAnyBytes{}
		for name, kind := range map[string]struct {
			restorer func(e Engine) (Restorer, error)
			read     func(env Env) error
		}{
			"windows": {func(e Engine) (Restorer, error) { return RestoreWindow(e, spec, true) }, func(env Env) error {
				s, err := NewTimestampedWindow(env, text, bytes, spec)
				if err == nil {
					for range s.All() {
					}
				}
				return err
			}},
			"sessions": {func(e Engine) (Restorer, error) { return RestoreSession(e, spec) }, func(env Env) error {
				s, err := NewSession(env, text, bytes, spec)
				if err == nil {
					for range s.All() {
					}
				}
				return err
			}},
			"versions": {func(e Engine) (Restorer, error) { return RestoreVersioned(e, 100) }, func(env Env) error {
				s, err := NewVersioned(env, text, bytes, 100)
				if err == nil {
					for k := range s.All() {
						for range s.History(k, 0, Forever) {
						}
					}
				}
				return err
			}},
		} {
			backend := NewMemory()
			e, err := backend.Open("s")
			if err != nil {
				t.Fatal(err)
			}
			r, err := kind.restorer(e)
			if err != nil {
				t.Fatal(err)
			}
			batch := backend.NewBatch()
			refused := false
			for i := range changes {
				refused = refused || r.Restore(batch, &changes[i]) != nil
			}
			if refused {
				continue
			}
			r.Finish(batch)
			if err := batch.Commit(); err != nil {
				t.Fatal(err)
			}
			env := Env{Name: "s", Engine: e, Context: atTime(0), Fail: func(err error) { t.Errorf("%s: %v", name, err) }}
			if err := kind.read(env); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// stringOfAnyBytes takes bytes for strings as they are.
type stringOfAnyBytes struct{}

func (stringOfAnyBytes) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (stringOfAnyBytes) Decode(b []byte) (string, error)             { return string(b), nil }
