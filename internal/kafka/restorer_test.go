package kafka

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// restore reads ranges until each is done or failed, and returns what came of each.
func restore(t *testing.T, r *Restorer, ranges ...Range) map[record.TopicPartition]*Restored {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r.Add(ranges...)
	got := map[record.TopicPartition]*Restored{}
	for over := 0; over < len(ranges); {
		ps, err := r.Poll(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Fatalf("restore does not end: %+v", got)
		}
		for _, p := range ps {
			g := got[p.TopicPartition]
			if g == nil {
				g = &Restored{}
				got[p.TopicPartition] = g
			}
			if g.Done || g.Err != nil {
				t.Fatalf("%v after its end", p)
			}
			g.Records = append(g.Records, p.Records...)
			g.Next, g.End, g.Done, g.Err = p.Next, p.End, p.Done, p.Err
			if p.Done || p.Err != nil {
				over++
			}
		}
	}
	return got
}

func TestRestoreEndsForEveryKindOfTail(t *testing.T) {
	for _, committed := range []bool{false, true} {
		t.Run(fmt.Sprintf("committed=%v", committed), func(t *testing.T) {
			onClusters(t, func(t *testing.T, e *env) { testRestoreTails(t, e, committed) })
		})
	}
}

func testRestoreTails(t *testing.T, e *env, committed bool) {
	topic := e.topic(t, 5)
	empty, upToDate, commitTail, abortTail, headGone := tp(topic, 0), tp(topic, 1), tp(topic, 2), tp(topic, 3), tp(topic, 4)
	e.fill(t, upToDate, 0, 10)
	e.transact(t, commitTail, 3, true)
	e.fill(t, abortTail, 0, 2)
	e.transact(t, abortTail, 3, false)
	e.transact(t, abortTail, 1, false)
	e.fill(t, headGone, 0, 10)
	if err := e.admin.DeleteRecords(t.Context(), map[record.TopicPartition]int64{headGone: 6}); err != nil {
		t.Fatal(err)
	}
	all := []record.TopicPartition{empty, upToDate, commitTail, abortTail, headGone}
	ends, err := e.admin.EndOffsets(t.Context(), all)
	if committed {
		ends, err = e.admin.CommittedEndOffsets(t.Context(), all)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := restore(t, e.restorer(t, ReadConfig{ReadCommitted: committed}),
		Range{empty, 0, ends[empty]},
		Range{upToDate, 10, ends[upToDate]},
		Range{commitTail, 0, ends[commitTail]},
		Range{abortTail, 0, ends[abortTail]},
		Range{headGone, 3, ends[headGone]},
	)
	abortRecords := 6
	if committed {
		abortRecords = 2
	}
	for _, want := range []struct {
		tp      record.TopicPartition
		records int
		end     int64
	}{{empty, 0, 0}, {upToDate, 0, 10}, {commitTail, 3, 4}, {abortTail, abortRecords, 8}} {
		g := got[want.tp]
		if !g.Done || g.Err != nil || len(g.Records) != want.records || g.Next != want.end || ends[want.tp] != want.end {
			t.Errorf("%v: done %v, err %v, %d records, next %d of %d; want %d records and end %d",
				want.tp, g.Done, g.Err, len(g.Records), g.Next, ends[want.tp], want.records, want.end)
		}
	}
	wantKind(t, got[headGone].Err, OffsetOutOfRange, headGone.Topic+"[4]@3", "[6, 10)")
}

func TestRestoreEndsWhenTheTailWasCompactedAway(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1, "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0", "segment.ms", "1", "delete.retention.ms", "0")
	p := tp(topic, 0)
	for i := range 20 {
		e.fill(t, p, i%4, 1)
	}
	// Tombstones for every key are the log's last records; compaction takes them away too.
	cl := e.kgo(t)
	for i := range 4 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: fmt.Append(nil, "k", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		time.Sleep(5 * time.Millisecond)
		e.fake.Compact()
	}
	ends, err := e.admin.EndOffsets(t.Context(), []record.TopicPartition{p})
	if err != nil {
		t.Fatal(err)
	}
	got := restore(t, e.restorer(t, ReadConfig{}), Range{p, FromStart, ends[p]})[p]
	if !got.Done || got.Err != nil || got.Next != 24 || len(got.Records) > 5 {
		t.Errorf("done %v, err %v, next %d of %d, %d records: %v", got.Done, got.Err, got.Next, ends[p], len(got.Records), got.Records)
	}
}

func TestRestoreManyPartitionsInSmallAnswers(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		const partitions, each = 12, 400
		topic := e.topic(t, partitions)
		var ranges []Range
		for i := range int32(partitions) {
			for j := range 4 {
				e.fill(t, tp(topic, i), j*each/4, each/4)
			}
			ranges = append(ranges, Range{tp(topic, i), FromStart, each})
		}
		// An answer has room for one or two partitions, so most come back empty, and the broker may not
		// be believed that there is nothing.
		got := restore(t, e.restorer(t, ReadConfig{MaxBytes: 4096, MaxPartitionBytes: 1024}), ranges...)
		for _, r := range ranges {
			g := got[r.TopicPartition]
			if g.Err != nil || !g.Done || g.Next != each || len(g.Records) != each {
				t.Fatalf("%v: %d records, next %d, err %v", r, len(g.Records), g.Next, g.Err)
			}
			for i, rec := range g.Records {
				if rec.Offset != int64(i) || string(rec.Value) != fmt.Sprint("v", i) {
					t.Fatalf("%v: record %d is %+v", r, i, rec)
				}
			}
		}
	})
}

func TestRestoreStopsAtItsEndAndCutsABatch(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.fill(t, p, 0, 100)
		got := restore(t, e.restorer(t, ReadConfig{}), Range{p, 10, 57})[p]
		if len(got.Records) != 47 || got.Records[0].Offset != 10 || got.Next != 57 || !got.Done {
			t.Errorf("%d records, next %d, done %v", len(got.Records), got.Next, got.Done)
		}
	})
}

func TestRestoreFromBeyondTheLog(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.fill(t, p, 0, 10)
		r := e.restorer(t, ReadConfig{})
		// A checkpoint past the end: the changelog was made anew.
		wantKind(t, restore(t, r, Range{p, 50, 10})[p].Err, OffsetOutOfRange, "@50", "[0, 10)")
		// A checkpoint past a stale end is not a damage.
		if got := restore(t, r, Range{p, 8, 5})[p]; got.Err != nil || !got.Done || got.Next != 8 {
			t.Errorf("past a stale end: %+v", got)
		}
		// The log start moved past everything: an explicit start finds its way, an offset does not.
		if err := e.admin.DeleteRecords(t.Context(), map[record.TopicPartition]int64{p: 10}); err != nil {
			t.Fatal(err)
		}
		if got := restore(t, r, Range{p, FromStart, 10})[p]; got.Err != nil || !got.Done || len(got.Records) != 0 || got.Next != 10 {
			t.Errorf("from the start of an emptied log: %+v", got)
		}
		wantKind(t, restore(t, r, Range{p, 0, 10})[p].Err, OffsetOutOfRange, "[10, 10)")
	})
}

func TestStandbyFollowsAndIsCanceled(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		a, b := tp(topic, 0), tp(topic, 1)
		r := e.restorer(t, ReadConfig{})
		r.Add(Range{a, FromStart, NoEnd}, Range{b, FromStart, NoEnd})
		next := map[record.TopicPartition]int64{}
		count := 0
		follow := func(want int) {
			t.Helper()
			eventually(t, fmt.Sprint(want, " records"), func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				ps, err := r.Poll(ctx, 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range ps {
					if p.Err != nil || p.Done {
						t.Fatalf("standby: %+v", p)
					}
					next[p.TopicPartition] = p.Next
					count += len(p.Records)
				}
				return count >= want
			})
		}
		e.fill(t, a, 0, 5)
		e.fill(t, b, 0, 5)
		follow(10)
		r.Cancel(a)
		e.fill(t, a, 5, 5)
		e.fill(t, b, 5, 5)
		follow(15)
		if next[a] != 5 || next[b] != 10 || count != 15 {
			t.Errorf("positions %v after %d records; a was canceled at 5", next, count)
		}
	})
}

func TestRestoreWithAnOpenTransaction(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.fill(t, p, 0, 4)
		open := e.openTxn(t, p, 3)
		ends, err := e.admin.CommittedEndOffsets(t.Context(), []record.TopicPartition{p})
		if err != nil {
			t.Fatal(err)
		}
		got := restore(t, e.restorer(t, ReadConfig{ReadCommitted: true}), Range{p, 0, ends[p]})[p]
		if ends[p] != 4 || len(got.Records) != 4 || !got.Done {
			t.Errorf("end %d, %d records; the open transaction's are not to be seen", ends[p], len(got.Records))
		}
		if err := open.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	})
}

// A broker whose last segment is empty and whose tail is compacted away answers with nothing below the log's
// end. So does one that throttles, or that had no room left in the answer; only the first may be believed.
func TestRestoreEndsBelowAnEmptyTailButNotBelowAnEmptyAnswer(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 2)
	gap, other := tp(topic, 0), tp(topic, 1)
	e.fill(t, gap, 0, 10)
	e.fill(t, other, 0, 10)
	var mu sync.Mutex
	throttled, alone := 0, 0
	e.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		fr := req.(*kmsg.FetchRequest)
		asksGap, single := false, len(fr.Topics) == 1 && len(fr.Topics[0].Partitions) == 1
		for _, rt := range fr.Topics {
			for _, rp := range rt.Partitions {
				asksGap = asksGap || rp.Partition == 0 && rp.FetchOffset >= 10
			}
		}
		if !asksGap {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, rt := range fr.Topics {
			st := kmsg.NewFetchResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewFetchResponseTopicPartition()
				sp.Partition, sp.HighWatermark, sp.LastStableOffset = rp.Partition, 24, 24
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		mu.Lock()
		defer mu.Unlock()
		if single {
			alone++
			if throttled < 3 {
				throttled++
				resp.ThrottleMillis = 1
			}
		}
		return resp, nil, true
	})
	got := restore(t, e.restorer(t, ReadConfig{MaxWait: 20 * time.Millisecond}), Range{gap, 0, 24}, Range{other, 0, 10})
	if g := got[gap]; !g.Done || g.Err != nil || g.Next != 24 || len(g.Records) != 10 {
		t.Errorf("the compacted tail: %+v", g)
	}
	if g := got[other]; !g.Done || g.Err != nil || len(g.Records) != 10 {
		t.Errorf("the other partition: %+v", g)
	}
	mu.Lock()
	defer mu.Unlock()
	if alone < 4 || throttled != 3 {
		t.Errorf("asked alone %d times, throttled %d times; the throttled answers were believed", alone, throttled)
	}
}
