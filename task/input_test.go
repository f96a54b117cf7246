package task

import (
	"testing"

	"github.com/leatstream/leat/record"
)

// TestInputHandsOutBatchesInOrder offers batches of all sizes between pops and compares with one plain queue.
func TestInputHandsOutBatchesInOrder(t *testing.T) {
	in := newInput("source", record.TopicPartition{Topic: "t"}, nil, nil)
	in.position = 0
	var offered, popped int64
	take := func(n int) {
		for ; n > 0 && in.buffered() > 0; n-- {
			if got := in.queue[in.first].Offset; got != popped || in.next() != popped {
				t.Fatalf("record %d is first, next is %d; want %d", got, in.next(), popped)
			}
			in.pop()
			popped++
		}
	}
	for i := range 5000 {
		recs := make([]record.Raw, i%7)
		for j := range recs {
			recs[j].Offset = offered
			offered++
		}
		in.offer(recs, offered)
		if got := int64(in.buffered()); got != offered-popped {
			t.Fatalf("%d buffered, want %d", got, offered-popped)
		}
		if i%3 == 0 {
			take(i % 19)
		}
		if i%1000 == 999 {
			take(1 << 30)
		}
	}
	take(1 << 30)
	if popped != offered || in.next() != offered || in.buffered() != 0 {
		t.Errorf("%d of %d records came out, next is %d", popped, offered, in.next())
	}
}
