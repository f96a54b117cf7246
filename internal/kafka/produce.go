package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// Output is a record to produce.
type Output struct {
	Topic string
	// Partition is where it goes, or -1: by the murmur2 hash of PartitionKey or, if that is nil, of Key, as
	// Kafka's own clients do; records without either are spread over the partitions batch by batch.
	Partition    int32
	Key, Value   []byte
	PartitionKey []byte
	// Timestamp is in milliseconds since the Unix epoch.
	Timestamp int64
	Headers   record.Headers
}

// production is a record on its way, from a pool: franz-go's record, what the partitioner needs beside it,
// and the promise, bound once so that producing allocates no closure.
type production struct {
	record  kgo.Record
	routing routing
	c       *Client
	done    func(partition int32, offset int64, err error)
	promise func(*kgo.Record, error)
}

// routing is the record's context, which is the one way to hand something to the partitioner.
type routing struct {
	context.Context
	partition int32
	key       []byte
}

// Produce hands a record to be written and returns; it blocks only while MaxBuffered records (or 64 MiB)
// wait already, as long as ctx lasts. done is called once, from another goroutine, one at a time and in
// order for each partition; it must be quick and must not call Produce or Flush. Its error's kinds:
// [TooLarge], [UnknownTopic], [Unauthorized], [Timeout], [Closed]. The Output is not kept; its bytes and
// headers are until done is called.
//
// A failed record does not stop those after it: whoever commits must look at the errors first.
func (c *Client) Produce(ctx context.Context, out *Output, done func(partition int32, offset int64, err error)) {
	p, ok := c.inUse.Get().(*production)
	if !ok {
		p = &production{c: c}
		p.routing.Context = context.Background()
		p.promise = p.acknowledged
	}
	p.done = done
	p.routing.partition, p.routing.key = out.Partition, out.PartitionKey
	if p.routing.key == nil {
		p.routing.key = out.Key
	}
	r := &p.record
	r.Context = &p.routing
	r.Topic, r.Key, r.Value = out.Topic, out.Key, out.Value
	r.Timestamp = time.UnixMilli(out.Timestamp)
	for _, h := range out.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	c.cl.Produce(ctx, r, p.promise)
}

// acknowledged ends a production and gives it back to the pool.
func (p *production) acknowledged(r *kgo.Record, err error) {
	done, partition, offset := p.done, r.Partition, r.Offset
	if err != nil {
		partition, offset, err = p.routing.partition, -1, produceError(r, p.routing.partition, err)
	}
	clear(r.Headers)
	p.record = kgo.Record{Headers: r.Headers[:0]}
	p.done, p.routing.key = nil, nil
	p.c.inUse.Put(p)
	done(partition, offset, err)
}

// produceError names what could not be written where, and why.
func produceError(r *kgo.Record, partition int32, err error) error {
	e := classify("produce", r.Topic, partition, err).(*Error)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = Timeout
	case e.Kind == TooLarge:
		e.Err = fmt.Errorf("record of %d bytes (key %d, value %d): %w", len(r.Key)+len(r.Value), len(r.Key), len(r.Value), err)
	case strings.Contains(err.Error(), "invalid record partitioning choice"):
		// franz-go has no type for this one.
		e.Kind, e.Remedy = UnknownTopic, fmt.Sprintf("topic %q has fewer partitions; create it with enough of them", r.Topic)
	}
	return e
}

// Flush sends what waits and returns when every record's done has been called, or with an error of kind
// [Closed] when ctx ends first.
func (c *Client) Flush(ctx context.Context) error {
	return classify("flush", "", -1, c.cl.Flush(ctx))
}
