package kafka

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// fetchLoop sends one request after the other to one broker.
func (f *fetcher) fetchLoop(b *brokerLoop) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.ctx.Err() == nil {
		req, asked, again := f.request(b)
		if len(asked) > 0 && f.exchange(b, req, asked) {
			continue
		}
		// Wait for a reason to ask: something changed (wake), a retry is due, or as long as the broker
		// would have let us wait.
		if again <= 0 {
			again = f.read.MaxWait
		}
		timer.Reset(again)
		select {
		case <-f.ctx.Done():
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// request makes the next request to a broker and says which cursors are in it. again is when to look
// anew although nobody wakes the loop; 0 when there is no such time.
func (f *fetcher) request(b *brokerLoop) (req *kmsg.FetchRequest, asked []*cursor, again time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	b.turn++
	var lone *cursor
	wait := f.read.MaxWait
	for i := range f.order {
		c := f.order[(b.turn+i)%len(f.order)]
		if c.leader != b.id {
			continue
		}
		yes, full := c.fetchable(now, f.read.MaxBytes)
		if full {
			wait = min(wait, c.patience(now))
		}
		if d := c.retryAt.Sub(now); d > 0 && (again == 0 || d < again) {
			again = d
		}
		if !yes || c.list || c.verify {
			continue
		}
		if c.alone && lone == nil {
			lone = c
		}
		if _, ok := f.ids[c.tp.Topic]; ok {
			asked = append(asked, c)
		}
	}
	req = kmsg.NewPtrFetchRequest()
	req.MinBytes = 1
	req.MaxBytes = f.read.MaxBytes
	req.SessionEpoch = -1
	if f.read.ReadCommitted {
		req.IsolationLevel = 1
	}
	if b.full = f.buffered(b.id) >= int(f.read.MaxBytes); b.full {
		return req, nil, again
	}
	// While this request waits at the broker for the partitions in it, the others cannot be fetched, however fast
	// they are drained.
	req.MaxWaitMillis = int32(wait.Milliseconds())
	if lone != nil {
		asked, req.MaxWaitMillis = []*cursor{lone}, 0
	}
	share := max(f.read.MaxPartitionBytes, f.read.MaxBytes/int32(max(2, len(asked))))
	var topics byTopic[kmsg.FetchRequestTopic]
	for _, c := range asked {
		t := topics.of(c.tp.Topic, func() kmsg.FetchRequestTopic {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = c.tp.Topic, f.ids[c.tp.Topic]
			return t
		})
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = c.tp.Partition
		p.FetchOffset = c.pos
		p.CurrentLeaderEpoch = c.leaderEpoch
		p.PartitionMaxBytes = max(share, c.share)
		t.Partitions = append(t.Partitions, p)
		c.inflight = true
	}
	req.Topics = topics.list
	return req, asked, again
}

// exchange sends the request and settles the answer. It reports whether the next request may follow at
// once, because a partition moved on or the broker did the waiting.
func (f *fetcher) exchange(b *brokerLoop, req *kmsg.FetchRequest, asked []*cursor) bool {
	resp, err := f.cl.Broker(int(b.id)).Request(f.ctx, req)
	fr, _ := resp.(*kmsg.FetchResponse)
	if err == nil && fr != nil {
		err = kerr.ErrorForCode(fr.ErrorCode)
	}
	if err != nil || fr == nil {
		f.fail(asked)
		return false
	}
	names := make(map[[16]byte]string, len(req.Topics))
	for _, t := range req.Topics {
		names[t.TopicID] = t.Topic
	}
	byTP := make(map[record.TopicPartition]*cursor, len(asked))
	for _, c := range asked {
		byTP[c.tp] = c
	}
	alone := len(asked) == 1 && fr.ThrottleMillis == 0
	progress := req.MaxWaitMillis > 0
	for i := range fr.Topics {
		t := &fr.Topics[i]
		if t.Topic == "" {
			t.Topic = names[t.TopicID]
		}
		for j := range t.Partitions {
			tp := record.TopicPartition{Topic: t.Topic, Partition: t.Partitions[j].Partition}
			c := byTP[tp]
			if c == nil {
				continue
			}
			delete(byTP, tp)
			if f.settle(c, &t.Partitions[j], alone) {
				progress = true
			}
		}
	}
	// A partition that the answer leaves out: ask for its leader again before the next try.
	for _, c := range byTP {
		f.fail([]*cursor{c})
	}
	return progress
}

// fail puts cursors off after a request that got no answer, and has their leaders looked up again.
func (f *fetcher) fail(cs []*cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for _, c := range cs {
		c.inflight, c.leader = false, -1
		c.backoff(now)
	}
	signal(f.find)
}

// settle takes in a partition's answer. alone tells that the request was for this partition only and was
// not throttled. It reports whether the partition moved on.
//
// An answer without data below the log's end means one of two things: the broker had no room left for this
// partition in the answer, or it has no record between the position and the end, because they were
// compacted away and the log's last segment is empty. Only the first kind goes away when the partition is
// asked for alone, for then the broker sends at least one batch. So it is asked for alone, and an empty
// answer to that moves the position to the end that this very answer states, which is as old as the read. A batch
// above the partition's share is of the first kind, too; the share then grows, so that each costs one request.
func (f *fetcher) settle(c *cursor, rp *kmsg.FetchResponseTopicPartition, alone bool) bool {
	if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
		f.refused(c, err)
		return false
	}
	// c.pos does not change while the request is under way, and decompression takes long, so no lock here.
	pos := c.pos
	batches, next, epoch, err := f.decompressor.batches(c.tp, rp, pos, f.read.ReadCommitted)
	end := rp.HighWatermark
	if f.read.ReadCommitted && rp.LastStableOffset >= 0 {
		end = rp.LastStableOffset
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	c.inflight = false
	if c.gone || c.err != nil {
		return false
	}
	if next == pos && err == nil && end > pos {
		switch {
		case !alone:
			c.alone = true
			return true
		case len(rp.RecordBatches) == 0:
			next = end
		default:
			err = errNoProgress
		}
	}
	if c.alone {
		c.alone, c.share = false, max(c.share, int32(len(rp.RecordBatches)))
	}
	if !c.known {
		c.known, c.report = true, true
	}
	c.end, c.logStart = end, rp.LogStartOffset
	if epoch >= 0 {
		c.readEpoch = epoch
	}
	if next > pos {
		c.failures = 0
		c.add(batches, next, len(rp.RecordBatches))
	}
	if err != nil {
		f.undecodable(c, err)
	} else {
		c.unknownSince = time.Time{}
	}
	if c.pending() {
		signal(f.ready)
	}
	return next > pos
}

// undecodable handles an answer that could not be read: it may have been damaged on its way, so it is
// fetched again a few times, except where that cannot help.
func (f *fetcher) undecodable(c *cursor, err error) {
	e := &Error{Kind: Corrupt, Op: "fetch", Topic: c.tp.Topic, Partition: c.tp.Partition, Offset: c.pos, Err: err}
	if kind, remedy := judge(err, c.tp.Topic); kind == TooLarge {
		e.Kind, e.Remedy = kind, remedy
		c.stop(e)
		return
	}
	c.backoff(time.Now())
	if c.failures >= 4 {
		e.Remedy = "the batch at this offset cannot be read; check the broker's disk, or skip the batch"
		c.stop(e)
	}
}

var errNoProgress = errors.New("the broker sent data that ends before the offset asked for")

// unknownTopicGrace is how long a topic may be unknown to the broker (which it is for a moment after it was
// created) before that is an error.
const unknownTopicGrace = 5 * time.Second

// refused handles a partition's error code.
func (f *fetcher) refused(c *cursor, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.inflight = false
	if c.gone || c.err != nil {
		return
	}
	now := time.Now()
	e := classified("fetch", c.tp.Topic, c.tp.Partition, err)
	switch {
	case e.Kind == OffsetOutOfRange:
		// The answer does not say what the log's limits are.
		c.list = true
		c.backoff(now)
	case e.Kind == UnknownTopic:
		f.unknown(c, e, now)
	case e.Kind == Unauthorized:
		c.stop(e)
	case e.Kind == Corrupt:
		f.undecodable(c, err)
	case e.Kind == Retriable || kerr.IsRetriable(err) || errors.Is(err, kerr.FencedLeaderEpoch) || errors.Is(err, kerr.UnknownLeaderEpoch):
		c.leader = -1
		c.backoff(now)
	default:
		c.stop(e)
	}
	if c.pending() {
		signal(f.ready)
	}
	signal(f.find)
}

// unknown handles a topic that the broker does not know: an error only when it lasts.
func (f *fetcher) unknown(c *cursor, e *Error, now time.Time) {
	if c.unknownSince.IsZero() {
		c.unknownSince = now
	}
	if now.Sub(c.unknownSince) >= unknownTopicGrace {
		c.stop(e)
		signal(f.ready)
		return
	}
	c.leader = -1
	c.backoff(now)
}
