package statestore

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// A time-ordered store against a sorted slice, with commits and restarts at random.
func TestTimeOrderedTwin(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 0))
		log := &logged{t: t}
		b := NewMemory()
		e, err := b.Open("s")
		if err != nil {
			t.Fatal(err)
		}
		open := func() TimeOrdered[string, int64] {
			s, err := NewTimeOrdered(log.env("s", e, seed%2 == 0), serde.String, serde.Int64)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		var twin []Held[string, int64]
		for i := range int64(60) {
			switch r.IntN(5) {
			case 0:
				upTo := r.Int64N(200) - 5
				var got []string
				for h := range s.Evict(upTo, i) {
					got = append(got, heldText(h))
				}
				var want []string
				slices.SortStableFunc(twin, func(a, b Held[string, int64]) int {
					return cmp.Or(cmp.Compare(a.Origin.Timestamp, b.Origin.Timestamp), cmp.Compare(a.Key, b.Key))
				})
				for len(twin) > 0 && twin[0].Origin.Timestamp <= upTo {
					want = append(want, heldText(twin[0]))
					twin = twin[1:]
				}
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d: got %q, want %q", seed, got, want)
				}
			case 1:
				commitTo(t, b, s)
				if r.IntN(2) == 0 { // the store is opened anew, here or from its changelog
					if r.IntN(2) == 0 {
						b, e = log.restore()
					}
					s = open()
				}
			default:
				h := Held[string, int64]{Key: string(rune('a' + r.IntN(3))), Value: i, Origin: Origin{
					TopicPartition: record.TopicPartition{Topic: "in", Partition: 3}, Offset: i, Timestamp: r.Int64N(200),
					Headers: record.Headers{{Key: "h", Value: []byte{byte(i)}}},
				}}
				s.Put(h, i)
				twin = append(twin, h)
				if s.Observed() < h.Origin.Timestamp {
					t.Fatalf("seed %d: observed %d, but %d was put", seed, s.Observed(), h.Origin.Timestamp)
				}
			}
		}
	}
}

func heldText(h Held[string, int64]) string {
	o := h.Origin
	return fmt.Sprintf("%s=%d from %s[%d]@%d at %d with %v", h.Key, h.Value, o.Topic, o.Partition, o.Offset, o.Timestamp, o.Headers)
}
