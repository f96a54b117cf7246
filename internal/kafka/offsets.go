package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// Offset is a position to commit, or one that was committed.
type Offset struct {
	// Next is the offset of the first record that is not processed yet.
	Next int64
	// Metadata is a text of the application's kept beside the offset.
	Metadata string
}

// StartOffsets returns the offset of the first record that each partition still has. The errors of all
// partitions come joined.
func (a *Admin) StartOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	return a.list(ctx, tps, logStart, false)
}

// EndOffsets returns for each partition the offset after the last record that consumers reading
// uncommitted data may see (the high watermark).
func (a *Admin) EndOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	return a.list(ctx, tps, logEnd, false)
}

// CommittedEndOffsets returns for each partition the last stable offset: the offset of the first record of
// the oldest open transaction, or the high watermark when none is open.
func (a *Admin) CommittedEndOffsets(ctx context.Context, tps []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	return a.list(ctx, tps, logEnd, true)
}

func (a *Admin) list(ctx context.Context, tps []record.TopicPartition, which int64, committed bool) (map[record.TopicPartition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	offsets, failed := listOffsets(ctx, a.cl, tps, which, committed)
	if len(failed) == 0 {
		return offsets, nil
	}
	var errs []error
	for _, tp := range tps {
		if err := failed[tp]; err != nil {
			errs = append(errs, err)
		}
	}
	return nil, errors.Join(errs...)
}

// DeleteRecords deletes what lies before the given offset of each partition. Partitions that failed are in
// the joined error; the others are done.
func (a *Admin) DeleteRecords(ctx context.Context, before map[record.TopicPartition]int64) error {
	if len(before) == 0 {
		return nil
	}
	os := make(kadm.Offsets)
	for tp, at := range before {
		os.AddOffset(tp.Topic, tp.Partition, at, -1)
	}
	resps, err := kadm.NewClient(a.cl).DeleteRecords(ctx, os)
	if err != nil {
		return classify("delete records", "", -1, err)
	}
	var errs []error
	resps.Each(func(r kadm.DeleteRecordsResponse) {
		if r.Err == nil {
			return
		}
		tp := record.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		e := classified("delete records", tp.Topic, tp.Partition, r.Err)
		e.Offset = before[tp]
		errs = append(errs, e)
	})
	return errors.Join(errs...)
}

// GroupOffsets returns what group has committed for the given partitions, or without any, for all that it has
// committed. A partition without a commit is not in the result, and a group that does not exist has committed
// nothing. With requireStable it waits, as long as ctx and the request timeout allow, until no open transaction
// has offsets of these partitions pending, and otherwise fails with kind [Retriable].
//
// Name the partitions when requireStable matters: asked for all, a broker leaves out a partition whose first
// commit ever is still pending, and there is no waiting for what it does not mention.
func (a *Admin) GroupOffsets(ctx context.Context, group string, requireStable bool, tps ...record.TopicPartition) (map[record.TopicPartition]Offset, error) {
	bounded, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	var pending error
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		out, err := a.groupOffsets(bounded, group, requireStable, tps)
		switch {
		case err == nil:
			return out, nil
		case errors.Is(err, Retriable):
			pending = err
		case pending != nil && bounded.Err() != nil:
			// That the time is up says less than what we waited for.
			return nil, pending
		default:
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-bounded.Done():
			return nil, pending
		}
	}
}

func (a *Admin) groupOffsets(ctx context.Context, group string, requireStable bool, tps []record.TopicPartition) (map[record.TopicPartition]Offset, error) {
	op := "fetch offsets of group " + group
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = group, requireStable
	var topics byTopic[kmsg.OffsetFetchRequestTopic]
	for _, tp := range tps {
		t := topics.of(tp.Topic, func() kmsg.OffsetFetchRequestTopic {
			t := kmsg.NewOffsetFetchRequestTopic()
			t.Topic = tp.Topic
			return t
		})
		t.Partitions = append(t.Partitions, tp.Partition)
	}
	req.Topics = topics.list
	out := map[record.TopicPartition]Offset{}
	resp, err := req.RequestWith(ctx, a.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
		return out, nil
	case err != nil:
		return nil, classify(op, "", -1, err)
	}
	var failed error
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				if e := classify(op, t.Topic, p.Partition, err); failed == nil || errors.Is(failed, Retriable) {
					failed = e
				}
			} else if p.Offset >= 0 {
				o := Offset{Next: p.Offset}
				if p.Metadata != nil {
					o.Metadata = *p.Metadata
				}
				out[record.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = o
			}
		}
	}
	if failed != nil {
		return nil, failed
	}
	return out, nil
}

// commitRequest is the OffsetCommit of offsets without who commits them.
func commitRequest(group string, offsets map[record.TopicPartition]Offset) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = group
	var topics byTopic[kmsg.OffsetCommitRequestTopic]
	for tp, o := range offsets {
		t := topics.of(tp.Topic, func() kmsg.OffsetCommitRequestTopic {
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic = tp.Topic
			return t
		})
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = tp.Partition, o.Next, -1
		p.Metadata = new(o.Metadata)
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = topics.list
	return req
}
