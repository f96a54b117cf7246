package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestPollFromAnExactOffset(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		a, b := tp(topic, 0), tp(topic, 1)
		e.fill(t, a, 0, 10)
		e.fill(t, b, 0, 3)
		c := e.client(t, ClientConfig{})
		c.Assign(map[record.TopicPartition]int64{a: 7, b: 0})
		fs := collect(t, c, haveRecords(6))
		vs := values(fs)
		slices.Sort(vs)
		if want := []string{"v0", "v1", "v2", "v7", "v8", "v9"}; !slices.Equal(vs, want) {
			t.Errorf("values %v, want %v", vs, want)
		}
		for _, f := range fs {
			if f.TopicPartition == a && (f.Next != 10 || f.End != 10 || f.LogStart != 0) {
				t.Errorf("%+v: want next and end 10, start 0", f)
			}
		}
	})
}

func TestNullEmptyHeadersAndTimestampSurvive(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		c := e.client(t, ClientConfig{})
		sent := []record.Raw{
			{Key: nil, Value: nil, Timestamp: 1},
			{Key: []byte{}, Value: []byte{}, Timestamp: 2},
			{Key: []byte("k"), Value: []byte("v"), Timestamp: 1_700_000_000_123, Headers: record.Headers{{Key: "h", Value: nil}, {Key: "h", Value: []byte{}}, {Key: "", Value: []byte("x")}}},
			{Key: []byte("k"), Value: []byte("v"), Timestamp: 0},
		}
		for _, s := range sent {
			if _, _, err := produce(t, c, Output{Topic: p.Topic, Partition: 0, Key: s.Key, Value: s.Value, Timestamp: s.Timestamp, Headers: s.Headers}); err != nil {
				t.Fatal(err)
			}
		}
		c.Assign(map[record.TopicPartition]int64{p: 0})
		var got []record.Raw
		for _, f := range collect(t, c, haveRecords(len(sent))) {
			got = append(got, f.Records...)
		}
		for i, g := range got {
			s := sent[i]
			if (g.Key == nil) != (s.Key == nil) || (g.Value == nil) != (s.Value == nil) || string(g.Key) != string(s.Key) || string(g.Value) != string(s.Value) {
				t.Errorf("record %d: key %#v value %#v, sent %#v %#v", i, g.Key, g.Value, s.Key, s.Value)
			}
			if g.Timestamp != s.Timestamp || g.Offset != int64(i) || g.TopicPartition != p {
				t.Errorf("record %d: %+v, sent %+v", i, g, s)
			}
			if len(s.Headers) == 0 && g.Headers != nil {
				t.Errorf("record %d: headers %#v, want nil", i, g.Headers)
			}
			if len(g.Headers) != len(s.Headers) {
				t.Fatalf("record %d: headers %v, sent %v", i, g.Headers, s.Headers)
			}
			for j, h := range g.Headers {
				if h.Key != s.Headers[j].Key || string(h.Value) != string(s.Headers[j].Value) || (h.Value == nil) != (s.Headers[j].Value == nil) {
					t.Errorf("record %d header %d: %#v, sent %#v", i, j, h, s.Headers[j])
				}
			}
		}
	})
}

func TestEveryCodec(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		for codec := range codecs {
			p := tp(e.topic(t, 1), 0)
			c := e.client(t, ClientConfig{Compression: codec, Linger: 20 * time.Millisecond})
			want := make([]byte, 20_000)
			for i := range want {
				want[i] = byte(i / 100)
			}
			for range 20 {
				c.Produce(t.Context(), &Output{Topic: p.Topic, Partition: 0, Value: want}, func(_ int32, _ int64, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := c.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Assign(map[record.TopicPartition]int64{p: 0})
			for _, v := range values(collect(t, c, haveRecords(20))) {
				if v != string(want) {
					t.Fatalf("%s: value differs", codec)
				}
			}
		}
	})
}

func TestNothingComesOutAfterUnassign(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		a, b := tp(topic, 0), tp(topic, 1)
		e.fill(t, a, 0, 100)
		e.fill(t, b, 0, 100)
		c := e.client(t, ClientConfig{})
		c.Assign(map[record.TopicPartition]int64{a: 0, b: 0})
		got := collect(t, c, haveRecords(1))
		// Whatever is buffered or on its way of a is gone from here on.
		c.Unassign([]record.TopicPartition{a, tp("never assigned", 0)})
		seen := 0
		for _, f := range got {
			if f.TopicPartition == b {
				seen += len(f.Records)
			}
		}
		e.fill(t, a, 100, 10)
		e.fill(t, b, 100, 10)
		rest := collect(t, c, func(fs []Fetch) bool { return seen+len(values(fs)) >= 110 })
		for _, f := range rest {
			if f.TopicPartition == a {
				t.Errorf("after Unassign: %d records of %v", len(f.Records), a)
			}
		}
		if _, known := c.Lag(a); known {
			t.Error("the lag of a partition that is not assigned is known")
		}
		// And back again, from another offset.
		c.Assign(map[record.TopicPartition]int64{a: 105})
		if vs := values(collect(t, c, haveRecords(5))); vs[0] != "v105" {
			t.Errorf("assigned again at 105: %v", vs)
		}
	})
}

func TestAssigningAgainMovesThePosition(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.fill(t, p, 0, 10)
		c := e.client(t, ClientConfig{})
		// Before the first poll, and again with everything buffered.
		c.Assign(map[record.TopicPartition]int64{p: 0})
		c.Assign(map[record.TopicPartition]int64{p: 4})
		if vs := values(collect(t, c, haveRecords(6))); vs[0] != "v4" {
			t.Errorf("first values %v", vs)
		}
		c.Assign(map[record.TopicPartition]int64{p: 8})
		if vs := values(collect(t, c, haveRecords(2))); vs[0] != "v8" {
			t.Errorf("values after the second move %v", vs)
		}
	})
}

func TestOffsetOutOfRangeIsAnError(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.fill(t, p, 0, 100)
		if err := e.admin.DeleteRecords(t.Context(), map[record.TopicPartition]int64{p: 40}); err != nil {
			t.Fatal(err)
		}
		c := e.client(t, ClientConfig{})
		for _, at := range []int64{10, 1000} {
			c.Assign(map[record.TopicPartition]int64{p: at})
			f := last(collect(t, c, func(fs []Fetch) bool { return len(fs) > 0 && last(fs).Err != nil }))
			wantKind(t, f.Err, OffsetOutOfRange, fmt.Sprintf("%s[0]@%d", p.Topic, at), "[40, 100)")
			if len(f.Records) > 0 {
				t.Errorf("assigned at %d, got records from %d", at, f.Records[0].Offset)
			}
		}
		c.Assign(map[record.TopicPartition]int64{p: 40})
		if vs := values(collect(t, c, haveRecords(60))); vs[0] != "v40" {
			t.Errorf("assigned within the log: first %s", vs[0])
		}
	})
}

func TestUnknownTopicIsAnErrorAfterAWhile(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.name(t, "missing"), 0)
		c := e.client(t, ClientConfig{})
		begin := time.Now()
		c.Assign(map[record.TopicPartition]int64{p: 0})
		f := last(collect(t, c, func(fs []Fetch) bool { return len(fs) > 0 && last(fs).Err != nil }))
		wantKind(t, f.Err, UnknownTopic, p.Topic, "create topic")
		if d := time.Since(begin); d < unknownTopicGrace || d > 3*unknownTopicGrace {
			t.Errorf("told after %v", d)
		}
	})
}

func TestATopicCreatedLateIsRead(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.name(t, "late"), 0)
		c := e.client(t, ClientConfig{})
		c.Assign(map[record.TopicPartition]int64{p: 0})
		time.Sleep(300 * time.Millisecond)
		if err := e.admin.CreateTopics(t.Context(), TopicSpec{Name: p.Topic, Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		e.fill(t, p, 0, 3)
		collect(t, c, haveRecords(3))
	})
}

func TestARecreatedTopicIsAnError(t *testing.T) {
	e := newFake(t)
	e.cfg.MetadataMaxAge = 200 * time.Millisecond
	p := tp(e.topic(t, 1), 0)
	e.fill(t, p, 0, 3)
	c := e.client(t, ClientConfig{})
	c.Assign(map[record.TopicPartition]int64{p: 0})
	collect(t, c, haveRecords(3))
	if err := e.fake.DeleteTopic(p.Topic); err != nil {
		t.Fatal(err)
	}
	if err := e.fake.CreateTopic(p.Topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	f := last(collect(t, c, func(fs []Fetch) bool { return len(fs) > 0 && last(fs).Err != nil }))
	wantKind(t, f.Err, UnknownTopic, "made anew", "reset the application")
}

// fetches counts the requests and what was fetched from a fake cluster.
func fetches(e *env) *atomic.Int64 {
	var n atomic.Int64
	e.fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		n.Add(1)
		return nil, nil, false
	})
	return &n
}

func TestPauseKeepsWhatIsBuffered(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 2)
	a, b := tp(topic, 0), tp(topic, 1)
	e.fill(t, a, 0, 1000)
	n := fetches(e)
	c := e.client(t, ClientConfig{Read: ReadConfig{MaxWait: 50 * time.Millisecond}})
	c.Assign(map[record.TopicPartition]int64{a: 0, b: 0})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := 0
	for got < 1000 {
		fs, err := c.Poll(ctx, 10)
		if err != nil || ctx.Err() != nil {
			t.Fatal(err, got)
		}
		got += len(values(fs))
		c.Pause([]record.TopicPartition{a})
		if fs, _ := c.Poll(done, 0); len(values(fs)) != 0 {
			t.Fatalf("paused, and yet %d records", len(values(fs)))
		}
		c.Resume([]record.TopicPartition{a})
	}
	// One answer held all of it. franz-go's own pause would have fetched it 100 times.
	if n.Load() > 20 {
		t.Errorf("%d fetches for one batch", n.Load())
	}
	// A partition that is assigned anew is not paused.
	c.Pause([]record.TopicPartition{a})
	c.Assign(map[record.TopicPartition]int64{a: 999})
	collect(t, c, haveRecords(1))
}

// TestAPausedPartitionIsReadOnSoon pauses a partition of which something is buffered beside one that has nothing: the
// requests for the other wait at the broker for a moment only, so that the first can be asked for soon after it was
// drained; and for longer the longer the pause lasts, so that they do not become many.
func TestAPausedPartitionIsReadOnSoon(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 2)
	busy, idle := tp(topic, 0), tp(topic, 1)
	e.fill(t, busy, 0, 100)
	waits := make(chan int32, 10_000)
	e.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		if r := req.(*kmsg.FetchRequest); len(r.Topics[0].Partitions) == 1 {
			waits <- r.MaxWaitMillis
		}
		return nil, nil, false
	})
	const most = 200
	c := e.client(t, ClientConfig{Read: ReadConfig{MaxWait: most * time.Millisecond}})
	c.Assign(map[record.TopicPartition]int64{busy: 0})
	collect(t, c, haveRecords(1))
	c.Pause([]record.TopicPartition{busy})
	e.fill(t, busy, 100, 100) // fetched, as nothing is buffered, and kept
	c.Assign(map[record.TopicPartition]int64{idle: 0})
	collect(t, c, haveRecords(0))
	for wait, n := int32(most), 0; wait > 5; {
		c.f.mu.Lock()
		c.f.cursors[busy].pausedAt = time.Now() // as if it was paused again and again
		c.f.mu.Unlock()
		select {
		case wait = <-waits:
		case <-time.After(time.Millisecond):
		}
		if n++; n > 10_000 {
			t.Fatalf("requests beside one that was paused just now wait for %d ms", wait)
		}
	}
	n := 0
	for <-waits < most {
		n++
	}
	if n > 50 {
		t.Errorf("%d requests until they wait for as long as they may", n)
	}
}

// done is a context that has ended.
var done = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func TestAFullPartitionDoesNotHoldUpTheOthersNorItself(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		busy, idle := tp(topic, 0), tp(topic, 1)
		for i := range 40 {
			e.fill(t, busy, i*100, 100)
		}
		// Small answers, so that the busy partition fills its buffer many times over, while the idle one
		// keeps every request waiting at the broker as long as it may.
		c := e.client(t, ClientConfig{Read: ReadConfig{MaxWait: 2 * time.Second, MaxBytes: 4096, MaxPartitionBytes: 2048}})
		c.Assign(map[record.TopicPartition]int64{busy: 0, idle: 0})
		collect(t, c, haveRecords(1))
		begin := time.Now()
		collect(t, c, haveRecords(3000))
		if d := time.Since(begin); d > 4*time.Second {
			t.Errorf("3000 records took %v", d)
		}
	})
}

// TestABatchAboveItsShareIsAskedForAloneOnce: after that the partition's share is as large as its batches are.
func TestABatchAboveItsShareIsAskedForAloneOnce(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 3)
		positions := map[record.TopicPartition]int64{}
		for p := range int32(3) {
			positions[tp(topic, p)] = 0
			for i := range 10 {
				e.fill(t, tp(topic, p), i*500, 500)
			}
		}
		c := e.client(t, ClientConfig{Read: ReadConfig{MaxBytes: 3 * 1024, MaxPartitionBytes: 1024}})
		c.Assign(positions)
		collect(t, c, haveRecords(3*5000))
		if e.fake != nil {
			return // it sends a batch of each partition in any case
		}
		grown := 0
		c.f.mu.Lock()
		defer c.f.mu.Unlock()
		for p := range positions {
			if c.f.cursors[p].share > 1024 {
				grown++
			}
		}
		if grown < 2 { // the first one in each answer need not
			t.Errorf("the share of %d partitions has grown", grown)
		}
	})
}

func TestLagIsKnownOfPartitionsWithoutRecords(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 3)
		empty, atEnd, behind := tp(topic, 0), tp(topic, 1), tp(topic, 2)
		e.fill(t, atEnd, 0, 5)
		e.fill(t, behind, 0, 50)
		c := e.client(t, ClientConfig{})
		if _, known := c.Lag(empty); known {
			t.Error("lag known before anything is assigned")
		}
		c.Assign(map[record.TopicPartition]int64{empty: 0, atEnd: 5, behind: 0})
		// Each partition is told of, also those that have no record.
		seen := map[record.TopicPartition]bool{}
		collect(t, c, func(fs []Fetch) bool {
			for _, f := range fs {
				seen[f.TopicPartition] = true
			}
			return len(seen) == 3
		})
		for p, want := range map[record.TopicPartition]int64{empty: 0, atEnd: 0, behind: 0} {
			if lag, known := c.Lag(p); !known || lag != want {
				t.Errorf("lag of %v = %d, %v", p, lag, known)
			}
		}
		// What is fetched but not polled yet counts as lag.
		e.fill(t, atEnd, 5, 7)
		eventually(t, "lag 7", func() bool { lag, _ := c.Lag(atEnd); return lag == 7 })
		if fs, err := c.Poll(t.Context(), 2); err != nil || len(values(fs)) != 2 {
			t.Fatal(fs, err)
		}
		if lag, _ := c.Lag(atEnd); lag != 5 {
			t.Errorf("lag after polling 2 of 7: %d", lag)
		}
	})
}

func TestPositionPassesWhatIsNoRecord(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := tp(e.topic(t, 1), 0)
		e.transact(t, p, 2, true)
		e.transact(t, p, 3, false)
		c := e.client(t, ClientConfig{Read: ReadConfig{ReadCommitted: true}})
		c.Assign(map[record.TopicPartition]int64{p: 0})
		fs := collect(t, c, func(fs []Fetch) bool { return last(fs).Next == 7 })
		if vs := values(fs); !slices.Equal(vs, []string{"txn0", "txn1"}) {
			t.Errorf("values %v", vs)
		}
		if lag, known := c.Lag(p); lag != 0 || !known {
			t.Errorf("lag %d, known %v", lag, known)
		}
		// Records of an open transaction are no lag of a reader of committed data.
		open := e.openTxn(t, p, 2)
		time.Sleep(250 * time.Millisecond)
		if lag, _ := c.Lag(p); lag != 0 {
			t.Errorf("lag %d with an open transaction", lag)
		}
		if err := open.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		if vs := values(collect(t, c, haveRecords(2))); len(vs) != 2 {
			t.Errorf("values after the commit %v", vs)
		}
	})
}

func TestANewPartitionWaitsNoLongerThanMaxWait(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		e.fill(t, tp(topic, 1), 0, 1)
		c := e.client(t, ClientConfig{})
		c.Assign(map[record.TopicPartition]int64{tp(topic, 0): 0})
		time.Sleep(300 * time.Millisecond)
		begin := time.Now()
		c.Assign(map[record.TopicPartition]int64{tp(topic, 1): 0})
		collect(t, c, haveRecords(1))
		if d := time.Since(begin); d > time.Second {
			t.Errorf("the first record took %v", d)
		}
	})
}

func TestPollSharesItsLimit(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 3)
		from := map[record.TopicPartition]int64{}
		for i := range int32(3) {
			e.fill(t, tp(topic, i), 0, 100)
			from[tp(topic, i)] = 0
		}
		c := e.client(t, ClientConfig{})
		c.Assign(from)
		eventually(t, "all buffered", func() bool {
			c.f.mu.Lock()
			defer c.f.mu.Unlock()
			for _, x := range c.f.order {
				if len(x.chunks) == 0 {
					return false
				}
			}
			return true
		})
		fs, err := c.Poll(t.Context(), 30)
		if err != nil || len(fs) != 3 {
			t.Fatal(fs, err)
		}
		for _, f := range fs {
			if len(f.Records) != 10 || f.Next != 10 {
				t.Errorf("%v: %d records, next %d", f.TopicPartition, len(f.Records), f.Next)
			}
		}
		// What is left makes the client ready again.
		select {
		case <-c.Ready():
		default:
			t.Error("not ready although records are left")
		}
		collect(t, c, haveRecords(270))
	})
}

func TestCloseEndsPoll(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		c := e.client(t, ClientConfig{})
		got := make(chan error)
		go func() {
			_, err := c.Poll(context.Background(), 0)
			got <- err
		}()
		time.Sleep(20 * time.Millisecond)
		c.Close()
		wantKind(t, <-got, Closed)
	})
}

func TestReadingSurvivesMovingLeaders(t *testing.T) {
	e := newFake(t, kfake.NumBrokers(3))
	const partitions, each = 4, 300
	topic := e.topic(t, partitions)
	from := map[record.TopicPartition]int64{}
	for i := range int32(partitions) {
		from[tp(topic, i)] = 0
	}
	c := e.client(t, ClientConfig{Read: ReadConfig{MaxWait: 20 * time.Millisecond}})
	c.Assign(from)
	stop := make(chan struct{})
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for {
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
				e.fake.ShufflePartitionLeaders()
			}
		}
	}()
	for j := range 10 {
		for i := range int32(partitions) {
			e.fill(t, tp(topic, i), j*each/10, each/10)
		}
	}
	next := map[record.TopicPartition]int64{}
	for _, f := range collect(t, c, haveRecords(partitions*each)) {
		if f.Err != nil {
			t.Fatal(f.Err)
		}
		for _, r := range f.Records {
			if r.Offset != next[f.TopicPartition] {
				t.Fatalf("%v: offset %d after %d", f.TopicPartition, r.Offset, next[f.TopicPartition]-1)
			}
			next[f.TopicPartition]++
		}
	}
	close(stop)
	<-moved
}

func TestATruncatedLogIsDataLoss(t *testing.T) {
	e := newFake(t, kfake.NumBrokers(2))
	p := tp(e.topic(t, 1), 0)
	e.fill(t, p, 0, 10)
	e.cfg.MetadataMaxAge = 100 * time.Millisecond
	c := e.client(t, ClientConfig{Read: ReadConfig{MaxWait: 20 * time.Millisecond}})
	c.Assign(map[record.TopicPartition]int64{p: 0})
	collect(t, c, haveRecords(10))
	e.fake.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, rt := range req.(*kmsg.OffsetForLeaderEpochRequest).Topics {
			st := kmsg.NewOffsetForLeaderEpochResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				sp.Partition, sp.LeaderEpoch, sp.EndOffset = rp.Partition, rp.LeaderEpoch, 6
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	if err := e.fake.MoveTopicPartition(p.Topic, 0, 1-e.fake.LeaderFor(p.Topic, 0)); err != nil {
		t.Fatal(err)
	}
	f := last(collect(t, c, func(fs []Fetch) bool { return len(fs) > 0 && last(fs).Err != nil }))
	wantKind(t, f.Err, DataLoss, "@10", "truncated to 6")
}
