package kafka

import "testing"

// TestTheNextPositionIsPastWhatFollows the last record, also where a poll ends between two answers: control records and
// compacted ones at an answer's end, and answers that have nothing else.
func TestTheNextPositionIsPastWhatFollows(t *testing.T) {
	c := &cursor{tp: anyTP, limit: NoEnd}
	compacted := batchOf(0, numbered(0, 2)...)
	compacted.LastOffsetDelta = 9
	feed(t, c, append(sealed(compacted), sealed(controlBatch(10, 1, true))...))
	feed(t, c, sealed(controlBatch(11, 1, true)))
	c.add(nil, 20, 0)
	feed(t, c, sealed(batchOf(20, numbered(20, 21)...)))
	var l loans
	for _, want := range []struct {
		records int
		next    int64
	}{{2, 2}, {1, 20}, {2, 22}} {
		p := c.take(want.records, &l)
		if len(p.records) != want.records || p.next != want.next || c.delivered != want.next {
			t.Errorf("%d records, next is %d, delivered %d; want %d and %d", len(p.records), p.next, c.delivered, want.records, want.next)
		}
	}
	if c.pending() {
		t.Error("there is more")
	}
}
