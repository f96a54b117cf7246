package main

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// reader follows the topic of the totals, as a service behind the shop's would: it sees what is committed.
type reader struct {
	topic stream.Topic[window.Key[string], total]
	admin *kafka.Admin
	from  *kafka.Restorer
	tps   []record.TopicPartition

	mu  sync.Mutex
	all totals
	// next is up to where it has read, by partition.
	next map[record.TopicPartition]int64
}

func newReader(ctx context.Context, cfg kafka.Config, admin *kafka.Admin, topic stream.Topic[window.Key[string], total]) (*reader, error) {
	found, err := admin.Topics(ctx, topic.Name())
	if err != nil {
		return nil, err
	}
	r := &reader{topic: topic, admin: admin, all: totals{}, next: make(map[record.TopicPartition]int64)}
	for p := range found[topic.Name()].Partitions {
		r.tps = append(r.tps, record.TopicPartition{Topic: topic.Name(), Partition: p})
	}
	starts, err := admin.StartOffsets(ctx, r.tps)
	if err != nil {
		return nil, err
	}
	if r.from, err = kafka.NewRestorer(cfg, kafka.ReadConfig{ReadCommitted: true}); err != nil {
		return nil, err
	}
	for _, tp := range r.tps {
		r.next[tp] = starts[tp]
		r.from.Add(kafka.Range{TopicPartition: tp, From: starts[tp], End: kafka.NoEnd})
	}
	return r, nil
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) error {
	defer r.from.Close()
	for {
		got, err := r.from.Poll(ctx, 0)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range got {
			if err := r.take(&got[i]); err != nil {
				return err
			}
		}
	}
}

func (r *reader) take(got *kafka.Restored) error {
	if got.Err != nil {
		return got.Err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range got.Records {
		raw := &got.Records[i]
		k, err := r.topic.Keys().Decode(raw.Key)
		if err == nil {
			r.all[k], err = r.topic.Values().Decode(raw.Value)
		}
		if err != nil {
			return fmt.Errorf("read totals: %s[%d]@%d: %w; the topic holds something else, use another --app-id", raw.Topic, raw.Partition, raw.Offset, err)
		}
	}
	r.next[got.TopicPartition] = got.Next
	return nil
}

// totals returns what it has read.
func (r *reader) totals() totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.all)
}

// complete reports whether it has read all that is committed now.
func (r *reader) complete(ctx context.Context) (bool, error) {
	ends, err := r.admin.CommittedEndOffsets(ctx, r.tps)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for tp, end := range ends {
		if r.next[tp] < end {
			return false, nil
		}
	}
	return true, nil
}
