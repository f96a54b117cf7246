package statestore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// Each change record of a join's store has the headers of its record, also of one that is null or comes too late to be
// kept, and there is one for each.
func TestJoinWindowLogsHeaders(t *testing.T) {
	type logged struct {
		Value   string
		Headers record.Headers
	}
	for _, every := range []bool{false, true} {
		b := NewMemory()
		e, err := b.Open("join")
		if err != nil {
			t.Fatal(err)
		}
		var got []logged
		s, err := NewJoinWindow(Env{
			Name: "join", Engine: e, Context: atTime(0), EveryUpdate: every, CacheEntries: 4, Fail: func(err error) { t.Error(err) },
			Log: func(_, value []byte, _ int64, headers record.Headers) {
				got = append(got, logged{string(value), headers})
			},
		}, serde.String, serde.String, WindowSpec{Size: 10, Retention: 20})
		if err != nil {
			t.Fatal(err)
		}
		h := func(v string) record.Headers { return record.Headers{{Key: "n", Value: []byte(v)}} }
		s.Put("k", "kept", 100_000_000, h("1"))
		s.PutNull("k", 100_000_001, h("2"))
		s.Put("k", "late", 1, h("3"))
		s.Put("k", "without", 100_000_002, nil)
		commitTo(t, b, s)
		commitTo(t, b, s)
		want := []logged{{"kept", h("1")}, {"", h("2")}, {"late", h("3")}, {"without", nil}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("every update %v: change records (-want +got):\n%s", every, d)
		}
	}
}
