package streamtest

import (
	"container/heap"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
)

// The orders are those of java.util.PriorityQueue with the same offers and polls.
func TestPendingKeepsJavasOrder(t *testing.T) {
	for _, c := range []struct {
		queues string // name and the timestamp of its only record
		want   string
	}{
		{"a3 b1 c2", "b c a"},
		{"a1 b1", "a b"},
		{"a1 b1 c1", "a c b"},
		{"a1 b1 c1 d1", "a d c b"},
		{"a2 b1 c2 d1 e1", "b e d c a"},
	} {
		var p pending
		for s := range strings.FieldsSeq(c.queues) {
			heap.Push(&p, &queue{topic: s[:1], records: []record.Raw{{Timestamp: int64(s[1] - '0')}}})
		}
		var got []string
		for len(p) > 0 {
			got = append(got, heap.Pop(&p).(*queue).topic)
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s come out as %s, want %s", c.queues, g, c.want)
		}
	}
}
