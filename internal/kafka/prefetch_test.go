package kafka

import (
	"testing"
	"time"
)

// TestTheNextAnswerIsAskedForInTime: when less than a response's worth waits to be polled, all partitions are in the next
// request, so that it is answered while the rest is processed; and not before.
func TestTheNextAnswerIsAskedForInTime(t *testing.T) {
	const partitions, each = 4, 100
	answer := sealed(batchOf(0, numbered(0, each-1)...))
	share := int32(len(answer))
	f := &fetcher{
		read: ReadConfig{MaxBytes: partitions * share, MaxPartitionBytes: share}, ready: make(chan struct{}, 1),
		brokers: map[int32]*brokerLoop{1: {id: 1, wake: make(chan struct{}, 1)}}, ids: map[string][16]byte{"t": {1}},
	}
	b := f.brokers[1]
	answered := func() {
		for i, c := range f.order {
			c.inflight = false
			next := c.pos + each
			feed(t, c, sealed(batchOf(c.pos, numbered(c.pos, next-1)...)))
			if c.pos != next {
				t.Fatalf("partition %d is at %d, want %d", i, c.pos, next)
			}
		}
	}
	asked := func(want int) {
		t.Helper()
		req, cursors, _ := f.request(b)
		if len(cursors) != want {
			t.Fatalf("%d partitions are asked for, want %d", len(cursors), want)
		}
		for _, topic := range req.Topics {
			for _, p := range topic.Partitions {
				if p.PartitionMaxBytes != share {
					t.Errorf("partition %d: a share of %d, want %d", p.Partition, p.PartitionMaxBytes, share)
				}
			}
		}
	}
	woken := func() bool {
		select {
		case <-b.wake:
			return true
		default:
			return false
		}
	}
	for i := range int32(partitions) {
		f.order = append(f.order, &cursor{tp: tp("t", i), limit: NoEnd, leader: 1, leaderEpoch: -1, readEpoch: -1})
	}
	asked(partitions)
	answered()
	asked(0)
	for range 3 {
		if woken() {
			t.Fatal("woken while as much waits as before")
		}
		for f.buffered(1) >= int(f.read.MaxBytes) {
			f.takeAll(partitions, false)
		}
		if !woken() {
			t.Fatal("not woken although less than an answer's worth waits")
		}
		asked(partitions)
		answered()
		asked(0)
		for f.buffered(1) >= int(f.read.MaxBytes) {
			asked(0)
			f.takeAll(partitions*10, false)
		}
		if !woken() {
			t.Fatal("not woken although less than an answer's worth waits again")
		}
		asked(partitions)
		answered()
		asked(0)
		for i, c := range f.order { // back to one answer's worth
			var l loans
			c.take(int(c.pos-c.delivered)-each, &l)
			if len(c.chunks) != 1 {
				t.Fatalf("partition %d has %d chunks", i, len(c.chunks))
			}
		}
		asked(0)
	}
	drained := 0
	for f.buffered(1) > 0 {
		for _, p := range f.takeAll(7, false) {
			drained += len(p.records)
		}
	}
	if drained != partitions*each {
		t.Errorf("%d records were left, want %d", drained, partitions*each)
	}
	for i, c := range f.order {
		if c.bytes != 0 {
			t.Errorf("partition %d: %d bytes are left of nothing", i, c.bytes)
		}
	}
}

// TestFewPartitionsShareAResponse: they need not make a request for each share.
func TestFewPartitionsShareAResponse(t *testing.T) {
	for partitions, want := range map[int32]int32{1: 600, 2: 600, 3: 400, 4: 300, 5: 300} {
		f := &fetcher{read: ReadConfig{MaxBytes: 1200, MaxPartitionBytes: 300}, ids: map[string][16]byte{"t": {1}}}
		for i := range partitions {
			f.order = append(f.order, &cursor{tp: tp("t", i), limit: NoEnd, leader: 1, leaderEpoch: -1, readEpoch: -1})
		}
		req, _, _ := f.request(&brokerLoop{id: 1})
		if got := req.Topics[0].Partitions[0].PartitionMaxBytes; got != want {
			t.Errorf("%d partitions: a share of %d, want %d", partitions, got, want)
		}
	}
}

// TestATrickleIsNotTakenInCrumbs: of a partition that nobody polls, two answers are enough.
func TestATrickleIsNotTakenInCrumbs(t *testing.T) {
	c := &cursor{tp: anyTP, limit: NoEnd, leader: 1}
	for range 2 {
		if yes, full := c.fetchable(time.Time{}, 1<<20); !yes || full {
			t.Fatalf("after %d answers: %v, %v", len(c.chunks), yes, full)
		}
		feed(t, c, sealed(batchOf(c.pos, numbered(c.pos, c.pos)...)))
	}
	if yes, full := c.fetchable(time.Time{}, 1<<20); yes || !full {
		t.Errorf("after %d answers: %v, %v", len(c.chunks), yes, full)
	}
}
