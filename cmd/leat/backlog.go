package main

import (
	"context"
	"slices"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// backlog watches how far an application is with the topics that it reads.
type backlog struct {
	admin *kafka.Admin
	appID string
	// topics are all that it reads, those between its own subtopologies included; inputs are those that others write.
	topics []string
	inputs []string
}

func newBacklog(admin *kafka.Admin, appID string, t *topology.Topology, inputs ...string) *backlog {
	b := &backlog{admin: admin, appID: appID, inputs: inputs}
	for _, sub := range t.Subtopologies {
		for _, n := range sub.Sources() {
			for _, topic := range n.Topics {
				b.topics = append(b.topics, topic.For(appID))
			}
		}
	}
	return b
}

// distance is how far an application is: done of all records, by offsets, of its inputs and of what it reads
// of its own.
type distance struct {
	input, inputEnd int64
	inner, innerEnd int64
	// finished tells that everything that has been written is processed and committed. It is true for good,
	// provided that nobody writes to the input any more.
	finished bool
}

// look asks how far it is.
//
// The committed offsets are asked for before the ends. An application commits an input offset only when what
// it wrote because of it is acknowledged, so once the input is committed to its end, an end of another topic
// that is seen later is its last one.
func (b *backlog) look(ctx context.Context) (distance, error) {
	var d distance
	committed, err := b.admin.GroupOffsets(ctx, b.appID, false)
	if err != nil {
		return d, err
	}
	found, err := b.admin.Topics(ctx, b.topics...)
	if err != nil {
		return d, err
	}
	d.finished = true
	var tps, fresh []record.TopicPartition
	for _, name := range b.topics {
		if found[name].Missing { // the application has not been there yet
			d.finished = false
		}
		for p := range found[name].Partitions {
			tp := record.TopicPartition{Topic: name, Partition: p}
			tps = append(tps, tp)
			if _, ok := committed[tp]; !ok {
				fresh = append(fresh, tp)
			}
		}
	}
	starts, err := b.admin.StartOffsets(ctx, fresh)
	if err != nil {
		return d, err
	}
	ends, err := b.admin.EndOffsets(ctx, tps)
	if err != nil {
		return d, err
	}
	for _, tp := range tps {
		next, ok := committed[tp]
		if !ok {
			next.Next = starts[tp]
		}
		d.finished = d.finished && next.Next >= ends[tp]
		if slices.Contains(b.inputs, tp.Topic) {
			d.input += next.Next
			d.inputEnd += ends[tp]
		} else {
			d.inner += next.Next
			d.innerEnd += ends[tp]
		}
	}
	return d, nil
}

func (d distance) done() int64 { return d.input + d.inner }
func (d distance) left() int64 { return d.inputEnd + d.innerEnd - d.done() }
