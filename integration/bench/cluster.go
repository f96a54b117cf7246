package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	partitions = 4
	// never is ten years in milliseconds.
	never = "315360000000"
)

// cluster has the few questions and orders that the bench has for the broker.
type cluster struct {
	bootstrap []string
	cl        *kgo.Client
	adm       *kadm.Client
}

func connect(bootstrap []string) (*cluster, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...))
	if err != nil {
		return nil, err
	}
	return &cluster{bootstrap, cl, kadm.NewClient(cl)}, nil
}

func (c *cluster) close() { c.cl.Close() }

// create makes a topic that never expires (event times lie in the past), unless it is there.
func (c *cluster) create(ctx context.Context, topic string) error {
	return c.createOf(ctx, topic, partitions)
}

// createOf makes such a topic of a number of partitions.
func (c *cluster) createOf(ctx context.Context, topic string, partitions int32) error {
	configs := map[string]*string{"cleanup.policy": new("delete"), "retention.ms": new("-1"), "segment.ms": new(never)}
	_, err := c.adm.CreateTopic(ctx, partitions, 1, configs, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return c.awaitTopics(ctx, topic) // the broker knows of it a moment after it has answered
}

// loaded checks that the input topics are complete.
func (c *cluster) loaded(ctx context.Context, in []input) error {
	for _, i := range in {
		ends, err := c.ends(ctx, i.topic)
		if err != nil {
			return fmt.Errorf("not loaded: %w; run kafka-streams/bench load", err)
		}
		var n int64
		for _, end := range ends {
			n += end
		}
		if n != i.records {
			return fmt.Errorf("not loaded: topic %s has %d of %d records; run kafka-streams/bench load", i.topic, n, i.records)
		}
	}
	return nil
}

// place is a topic's partition.
type place struct {
	topic     string
	partition int32
}

func (c *cluster) ends(ctx context.Context, topics ...string) (map[place]int64, error) {
	return offsets(c.adm.ListEndOffsets(ctx, topics...))
}

func offsets(listed kadm.ListedOffsets, err error) (map[place]int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	out := make(map[place]int64)
	listed.Each(func(o kadm.ListedOffset) { out[place{o.Topic, o.Partition}] = o.Offset })
	return out, nil
}

// dataEnds returns the offset after the last data record of each partition of a topic to which nobody writes
// any more: transaction markers behind it do not count.
func (c *cluster) dataEnds(ctx context.Context, topic string) (map[place]int64, error) {
	ends, err := c.ends(ctx, topic)
	for {
		if err != nil {
			return nil, err
		}
		var stable map[place]int64
		if stable, err = offsets(c.adm.ListCommittedOffsets(ctx, topic)); err != nil {
			return nil, err
		}
		if maps.Equal(stable, ends) {
			break
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil { // a transaction is open
			return nil, err
		}
		ends, err = c.ends(ctx, topic)
	}
	starts, err := offsets(c.adm.ListStartOffsets(ctx, topic))
	if err != nil {
		return nil, err
	}
	found := make(map[place]int64, len(ends))
	for p, end := range ends {
		for back := int64(50); ; back *= 10 { // further back if there are only markers
			from := max(starts[p], end-back)
			last, err := c.lastData(ctx, p, from, end)
			if errors.Is(err, kerr.OffsetOutOfRange) { // purged meanwhile, so it has been processed up to there
				return c.dataEnds(ctx, topic)
			}
			if err != nil {
				return nil, err
			}
			if last >= 0 || from == starts[p] {
				found[p] = max(starts[p], last+1)
				break
			}
		}
	}
	return found, nil
}

// lastData returns the offset of the last committed data record in [from, end), -1 if there is none.
func (c *cluster) lastData(ctx context.Context, p place, from, end int64) (int64, error) {
	last := int64(-1)
	if from >= end {
		return last, nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.topic: {p.partition: kgo.NewOffset().At(from)}}))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	for at := from; at < end; {
		fetches := cl.PollFetches(ctx)
		if err := cmp.Or(ctx.Err(), fetches.Err()); err != nil {
			return 0, fmt.Errorf("read %s[%d]: %w", p.topic, p.partition, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				last = r.Offset
			}
		})
	}
	return last, nil
}

// awaitDone waits until the group has committed the input of a workload and what W6 has made of it on the way.
func (c *cluster) awaitDone(ctx context.Context, workload, group string, input map[place]int64, timeout time.Duration) error {
	err := c.awaitCommitted(ctx, group, input, timeout)
	if err != nil || workload != "W6" {
		return err
	}
	ends, err := c.dataEnds(ctx, repartitionTopic(group)) // the input is consumed, so the topic is complete
	if err != nil {
		return err
	}
	return c.awaitCommitted(ctx, group, ends, timeout)
}

// awaitCommitted waits until the group has committed at least these offsets, asking every 50 ms. A broker that
// does not answer for a while is asked again.
func (c *cluster) awaitCommitted(ctx context.Context, group string, target map[place]int64, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	var left string
	for tick := time.Now(); ; {
		committed, err := c.adm.FetchOffsets(ctx, group)
		if err == nil {
			if left = missing(committed, target); left == "" {
				return nil
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("group %s, not committed yet:%s: %w", group, left, context.Cause(ctx))
		}
		if tick = tick.Add(50 * time.Millisecond); tick.Before(time.Now()) {
			tick = time.Now()
		}
		_ = pause(ctx, time.Until(tick)) // the loop looks at ctx itself
	}
}

var errTimeout = errors.New("the time is up")

// missing says which partitions are not committed up to the target, "" if all are.
func missing(committed kadm.OffsetResponses, target map[place]int64) string {
	var left strings.Builder
	for p, end := range target {
		at, ok := committed.Lookup(p.topic, p.partition)
		if end > 0 && (!ok || at.Err != nil || at.At < end) {
			fmt.Fprintf(&left, " %s[%d] %d of %d", p.topic, p.partition, at.At, end)
		}
	}
	return left.String()
}

// awaitTopics waits until topics have been created.
func (c *cluster) awaitTopics(ctx context.Context, topics ...string) error {
	for {
		found, err := c.adm.ListTopics(ctx, topics...)
		if err == nil && !slices.ContainsFunc(topics, func(t string) bool { return !found.Has(t) || found[t].Err != nil }) {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// remove deletes the topics and the group of an application.
func (c *cluster) remove(ctx context.Context, id, out string) error {
	all, err := c.adm.ListTopics(ctx)
	if err != nil {
		return err
	}
	var topics []string
	for _, t := range all.Names() {
		if t == out || strings.HasPrefix(t, id+"-") {
			topics = append(topics, t)
		}
	}
	_, err = c.adm.DeleteTopics(ctx, topics...)
	_, gerr := c.adm.DeleteGroup(ctx, id)
	if errors.Is(gerr, kerr.GroupIDNotFound) {
		gerr = nil
	}
	return errors.Join(err, gerr)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
