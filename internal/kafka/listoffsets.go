package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

var errRecreated = errors.New("the topic was deleted and made anew")

// The timestamps with which ListOffsets asks for a log's limits.
const (
	logEnd   = -1
	logStart = -2
)

// listOffsets asks for one limit of each partition. What failed is in the second map.
func listOffsets(ctx context.Context, cl *kgo.Client, tps []record.TopicPartition, which int64, committed bool) (map[record.TopicPartition]int64, map[record.TopicPartition]error) {
	offsets, failed := map[record.TopicPartition]int64{}, map[record.TopicPartition]error{}
	if len(tps) == 0 {
		return offsets, failed
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	if committed {
		req.IsolationLevel = 1
	}
	var topics byTopic[kmsg.ListOffsetsRequestTopic]
	for _, tp := range tps {
		t := topics.of(tp.Topic, func() kmsg.ListOffsetsRequestTopic {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = tp.Topic
			return t
		})
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = tp.Partition, which
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = topics.list
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			for _, t := range shard.Req.(*kmsg.ListOffsetsRequest).Topics {
				for _, p := range t.Partitions {
					tp := record.TopicPartition{Topic: t.Topic, Partition: p.Partition}
					failed[tp] = classifyTP("list offsets", tp, shard.Err)
				}
			}
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				tp := record.TopicPartition{Topic: t.Topic, Partition: p.Partition}
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					failed[tp] = classifyTP("list offsets", tp, err)
				} else {
					offsets[tp] = p.Offset
				}
			}
		}
	}
	for _, tp := range tps {
		if _, ok := offsets[tp]; !ok && failed[tp] == nil {
			failed[tp] = classifyTP("list offsets", tp, kerr.UnknownTopicOrPartition)
		}
	}
	return offsets, failed
}

// listPositions asks for the limits of the logs of cursors that need them.
func (f *fetcher) listPositions() {
	f.mu.Lock()
	now := time.Now()
	var tps []record.TopicPartition
	asked := map[record.TopicPartition]*cursor{}
	for _, c := range f.order {
		if c.list && c.err == nil && c.leader >= 0 && !now.Before(c.retryAt) {
			tps = append(tps, c.tp)
			asked[c.tp] = c
		}
	}
	f.mu.Unlock()
	if len(tps) == 0 {
		return
	}
	starts, failed := listOffsets(f.ctx, f.cl, tps, logStart, false)
	ends, failed2 := listOffsets(f.ctx, f.cl, tps, logEnd, false)

	f.mu.Lock()
	defer f.mu.Unlock()
	for tp, c := range asked {
		err := failed[tp]
		if err == nil {
			err = failed2[tp]
		}
		if c.gone {
			continue
		}
		if err != nil {
			c.backoff(time.Now())
			if k := KindOf(err); k == Unauthorized || k == UnknownTopic && c.failures > 5 {
				c.stop(err)
			}
		} else {
			c.list = false
			f.place(c, starts[tp], ends[tp])
		}
		if c.pending() {
			signal(f.ready)
		}
		if b := f.brokers[c.leader]; b != nil {
			signal(b.wake)
		}
	}
}

// place continues a cursor whose log's limits are known now.
func (f *fetcher) place(c *cursor, start, end int64) {
	switch {
	case c.pos == FromStart:
		c.pos, c.delivered, c.logStart, c.report = start, start, start, true
		if c.limit >= 0 && start >= c.limit {
			c.finished, c.end = true, c.limit
		}
	case c.pos < start || c.pos > end:
		c.stop(&Error{
			Kind: OffsetOutOfRange, Op: "fetch", Topic: c.tp.Topic, Partition: c.tp.Partition,
			Offset: c.pos, LogStart: start, LogEnd: end, Err: kerr.OffsetOutOfRange,
		})
	case c.limit >= 0 && c.pos >= c.limit:
		// The position is in the log and past the range's end, which must have been taken earlier.
		c.finished, c.report, c.end = true, true, c.limit
	case c.failures > 10:
		c.stop(&Error{
			Kind: Fatal, Op: "fetch", Topic: c.tp.Topic, Partition: c.tp.Partition, Offset: c.pos,
			Err: errors.New("the broker refuses an offset that its log has"),
		})
	}
}

// verifyEpochs asks the new leaders of cursors whether their logs still have what was read from the old
// ones. A log that ends earlier in the epoch of the last batch read was truncated below the position, and
// what comes next would not follow on what was read. Source: KIP-320.
func (f *fetcher) verifyEpochs() {
	f.mu.Lock()
	byLeader := map[int32][]*cursor{}
	for _, c := range f.order {
		if c.verify && !c.inflight && c.err == nil && c.leader >= 0 {
			byLeader[c.leader] = append(byLeader[c.leader], c)
		}
	}
	reqs := map[int32]*kmsg.OffsetForLeaderEpochRequest{}
	for leader, cs := range byLeader {
		req := kmsg.NewPtrOffsetForLeaderEpochRequest()
		req.ReplicaID = -1
		for _, c := range cs {
			t := kmsg.NewOffsetForLeaderEpochRequestTopic()
			t.Topic = c.tp.Topic
			p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = c.tp.Partition, c.leaderEpoch, c.readEpoch
			t.Partitions = append(t.Partitions, p)
			req.Topics = append(req.Topics, t)
		}
		reqs[leader] = req
	}
	f.mu.Unlock()
	for leader, req := range reqs {
		answer, err := f.cl.Broker(int(leader)).Request(f.ctx, req)
		resp, _ := answer.(*kmsg.OffsetForLeaderEpochResponse)
		if err != nil || resp == nil {
			f.fail(byLeader[leader])
			continue
		}
		f.verified(byLeader[leader], resp)
	}
}

// verified takes in a leader's answer about epochs.
func (f *fetcher) verified(cs []*cursor, resp *kmsg.OffsetForLeaderEpochResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	byTP := map[record.TopicPartition]*kmsg.OffsetForLeaderEpochResponseTopicPartition{}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			byTP[record.TopicPartition{Topic: resp.Topics[i].Topic, Partition: p.Partition}] = p
		}
	}
	for _, c := range cs {
		p := byTP[c.tp]
		switch {
		case c.gone:
			continue
		case p == nil || p.ErrorCode != 0:
			c.leader = -1
			c.backoff(now)
		case p.EndOffset >= 0 && p.EndOffset < c.pos:
			c.stop(&Error{
				Kind: DataLoss, Op: "fetch", Topic: c.tp.Topic, Partition: c.tp.Partition, Offset: c.pos, LogEnd: p.EndOffset,
				Remedy: "records that were read are gone from the broker (an unclean leader election); decide what to do about their effects",
			})
		default:
			// Also when the leader knows nothing of the epoch, which proves nothing.
			c.verify = false
		}
		if c.pending() {
			signal(f.ready)
		}
		if b := f.brokers[c.leader]; b != nil {
			signal(b.wake)
		}
	}
}
