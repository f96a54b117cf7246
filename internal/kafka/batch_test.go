package kafka

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

var (
	anyTP  = tp("t", 3)
	oneMiB = newDecompressor(1 << 20)
)

// TestBatchesAreDecodedAsFranzGoDoes draws logs, answers and polls, and compares every record and position with
// those of franz-go.
func TestBatchesAreDecodedAsFranzGoDoes(t *testing.T) {
	var seen, unseen int
	for seed := range uint64(200) {
		for _, committed := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed=%d,committed=%v", seed, committed), func(t *testing.T) {
				w := newTwins(t, seed, committed)
				w.run(t)
				seen += len(w.got)
				if committed && len(w.log.aborted) > 0 {
					unseen++
				}
			})
			if t.Failed() {
				return
			}
		}
	}
	if seen < 10_000 || unseen < 50 {
		t.Errorf("only %d records and %d logs with aborted transactions were compared", seen, unseen)
	}
}

// twins read one log: a cursor and franz-go.
type twins struct {
	r         *rand.Rand
	log       *drawnLog
	committed bool
	loans     loans
	c         *cursor
	want, got []record.Raw
	// at is the position of franz-go, next that after what was taken.
	at, next int64
	// ends are how many records there are up to the end of an answer, and the position there.
	ends []struct {
		records int
		next    int64
	}
	// kept are pieces that are not given back, and where they are in got.
	kept map[int][]record.Raw
}

func newTwins(t *testing.T, seed uint64, committed bool) *twins {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	w := &twins{r: r, committed: committed, log: drawLog(r, 1+r.IntN(40)), kept: map[int][]record.Raw{}}
	w.at = r.Int64N(w.log.end + 1)
	if r.IntN(2) == 0 { // more often in front
		w.at = min(w.at, r.Int64N(60))
	}
	w.next = w.at
	w.c = &cursor{tp: anyTP, limit: NoEnd, pos: w.at, delivered: w.at}
	if r.IntN(3) == 0 {
		w.c.limit = w.at + 1 + r.Int64N(w.log.end+1)
	}
	return w
}

func (w *twins) run(t *testing.T) {
	t.Helper()
	for !w.c.finished {
		rp := w.log.answer(w.r, w.at, w.committed)
		if len(rp.RecordBatches) == 0 {
			break
		}
		w.fetch(t, rp)
		for w.c.pending() && (len(w.c.chunks) > 2 || w.r.IntN(3) > 0) {
			w.take(t)
		}
	}
	for w.c.pending() {
		w.take(t)
	}
	if len(w.got) != len(w.want) || w.next != w.c.pos || w.c.bytes != 0 {
		t.Fatalf("%d records of %d, at %d of %d, %d bytes are left", len(w.got), len(w.want), w.next, w.c.pos, w.c.bytes)
	}
	for i, records := range w.kept {
		sameRecords(t, "what was not given back", w.want[i:i+len(records)], records)
	}
}

// fetch has both decode an answer.
func (w *twins) fetch(t *testing.T, rp *kmsg.FetchResponseTopicPartition) {
	t.Helper()
	theirs, at, epoch := franz(t, rp, w.at, w.committed)
	list, next, ours, err := oneMiB.batches(anyTP, rp, w.at, w.committed)
	if err != nil || next != at {
		t.Fatalf("an answer from %d ends at %d, want %d (%v)", w.at, next, at, err)
	}
	if len(theirs) > 0 && epoch < 0 != (ours < 0) {
		t.Fatalf("the leader epoch is %d, franz-go's %d", ours, epoch)
	}
	for _, r := range theirs {
		if w.c.limit < 0 || r.Offset < w.c.limit {
			w.want = append(w.want, r)
		}
	}
	w.c.add(list, next, len(rp.RecordBatches))
	w.at = at
	if w.c.limit < 0 && len(theirs) > 0 {
		w.ends = append(w.ends, struct {
			records int
			next    int64
		}{len(w.want), at})
	}
	if limit := w.c.limit; limit >= 0 {
		at = min(at, limit)
	}
	if w.c.pos != at || w.c.finished != (at == w.c.limit) {
		t.Fatalf("the cursor is at %d and finished is %v; want %d, the limit is %d", w.c.pos, w.c.finished, at, w.c.limit)
	}
}

// take polls and compares. Some pieces are given back once they have been compared.
func (w *twins) take(t *testing.T) {
	t.Helper()
	limit := w.r.IntN(12)
	if w.r.IntN(4) == 0 {
		limit = 0
	}
	p := w.c.take(limit, &w.loans)
	i, n := len(w.got), len(p.records)
	if limit > 0 && n > limit || i+n > len(w.want) {
		t.Fatalf("%d records after %d, want at most %d and %d in all", n, i, limit, len(w.want))
	}
	sameRecords(t, fmt.Sprintf("after %d records", i), w.want[i:i+n], p.records)
	for _, r := range p.records {
		if cap(r.Key) != len(r.Key) || cap(r.Value) != len(r.Value) {
			t.Fatalf("whoever appends to a field of record %d writes over the next", r.Offset)
		}
	}
	w.got = append(w.got, p.records...)
	low, high := w.next, w.c.pos
	if n > 0 {
		low = max(low, p.records[n-1].Offset+1)
	}
	if i+n < len(w.want) {
		high = w.want[i+n].Offset
	}
	for len(w.ends) > 0 && w.ends[0].records <= i+n { // what lies behind an answer's last record is behind us too
		low = max(low, w.ends[0].next)
		w.ends = w.ends[1:]
	}
	if p.next < low || p.next > high || p.next != w.c.delivered {
		t.Fatalf("the position after %d records is %d, want %d to %d", i+n, p.next, low, high)
	}
	if p.err != nil || p.done != (w.c.finished && !w.c.pending()) {
		t.Fatalf("done is %v, finished %v, error %v", p.done, w.c.finished, p.err)
	}
	w.next = p.next
	if n == 0 || w.r.IntN(3) > 0 {
		w.loans.giveBack(p.records)
	} else {
		w.kept[i] = p.records
	}
}

// sameRecords compares all of records, and tells null from empty.
func sameRecords(t *testing.T, what string, want, got []record.Raw) {
	t.Helper()
	if len(want) == 0 && len(got) == 0 || reflect.DeepEqual(want, got) { // cmp takes its time
		return
	}
	t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
}

// franz is what franz-go makes of an answer.
func franz(t *testing.T, rp *kmsg.FetchResponseTopicPartition, pos int64, committed bool) (out []record.Raw, next int64, epoch int32) {
	t.Helper()
	opts := kgo.ProcessFetchPartitionOpts{Offset: pos, IsolationLevel: kgo.ReadUncommitted(), Topic: anyTP.Topic, Partition: anyTP.Partition}
	if committed {
		opts.IsolationLevel = kgo.ReadCommitted()
	}
	fp, next := kgo.ProcessFetchPartition(opts, rp, oneMiB, nil)
	if fp.Err != nil && len(fp.Records) == 0 { // we tell of what comes behind records later
		t.Fatal(fp.Err)
	}
	epoch = -1
	for _, r := range fp.Records {
		raw := record.Raw{TopicPartition: anyTP, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
		if r.Timestamp.IsZero() { // there is none in format 0
			raw.Timestamp = -1
		}
		for _, h := range r.Headers {
			raw.Headers = append(raw.Headers, record.Header{Key: h.Key, Value: h.Value})
		}
		out, epoch = append(out, raw), r.LeaderEpoch
	}
	return out, next, epoch
}
