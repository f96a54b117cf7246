package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// readCounts reads the table that a topic holds: the last value of each key. It reads up to the end that the
// topic has when it begins.
func readCounts(ctx context.Context, cfg kafka.Config, admin *kafka.Admin, topic string) (map[string]int64, error) {
	found, err := admin.Topics(ctx, topic)
	if err != nil {
		return nil, err
	}
	var tps []record.TopicPartition
	for p := range found[topic].Partitions {
		tps = append(tps, record.TopicPartition{Topic: topic, Partition: p})
	}
	ends, err := admin.EndOffsets(ctx, tps)
	if err != nil {
		return nil, err
	}
	starts, err := admin.StartOffsets(ctx, tps)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(ends, func(tp record.TopicPartition, end int64) bool { return starts[tp] >= end })
	r, err := kafka.NewRestorer(cfg, kafka.ReadConfig{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for tp, end := range ends {
		r.Add(kafka.Range{TopicPartition: tp, From: starts[tp], End: end})
	}
	counts := make(map[string]int64)
	for left := len(ends); left > 0; {
		got, err := r.Poll(ctx, 0)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for i := range got {
			if err := got[i].Err; err != nil {
				return nil, err
			}
			if err := addCounts(counts, got[i].Records); err != nil {
				return nil, err
			}
			if got[i].Done {
				left--
			}
		}
	}
	return counts, nil
}

func addCounts(counts map[string]int64, records []record.Raw) error {
	for i := range records {
		r := &records[i]
		if r.Value == nil {
			delete(counts, string(r.Key))
			continue
		}
		n, err := serde.Int64.Decode(r.Value)
		if err != nil {
			return fmt.Errorf("read counts: %s[%d]@%d: %w; the topic holds something else, use another --app-id", r.Topic, r.Partition, r.Offset, err)
		}
		counts[string(r.Key)] = n
	}
	return nil
}
