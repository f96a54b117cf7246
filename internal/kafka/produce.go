package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/partition"
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
	// Cause is given back with the record's error: what it came from. The zero value is none.
	Cause Cause
}

// Cause is what an output came from: a record that was read, and which of its outputs it is.
type Cause struct {
	record.TopicPartition
	Offset int64
	Number int32
}

// Produce hands a record to be written and returns; it blocks only while MaxBuffered records (or 64 MiB)
// wait already, as long as ctx lasts; once it has returned, the end of ctx changes nothing. done is called
// once, from another goroutine, one at a time and in order for each partition; it must be quick and must not
// call Produce or Flush. Its error's kinds:
// [TooLarge], [Refused], [UnknownTopic], [Unauthorized], [Timeout], [Closed]. The Output, its key and its value are not
// kept; its headers are until done is called.
//
// A failed record does not stop those after it: whoever commits must look at the errors first.
func (c *Client) Produce(ctx context.Context, out *Output, done func(partition int32, offset int64, err error)) {
	p, err := c.slabs.take(ctx, out.Key, out.Value)
	if err != nil {
		done(out.Partition, -1, classify("produce", out.Topic, out.Partition, err))
		return
	}
	p.done, p.cause = done, out.Cause
	p.partition, p.hashed = out.Partition, false
	if out.Partition < 0 {
		key := out.PartitionKey
		if key == nil {
			key = out.Key
		}
		if p.hashed = key != nil; p.hashed {
			p.hash = partition.Murmur2(key) & 0x7fffffff
		}
	}
	r := &p.record
	r.Context, r.Topic, r.Timestamp = p, out.Topic, time.UnixMilli(out.Timestamp)
	for _, h := range out.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	c.cl.Produce(p.deadline, r, c.promise)
}

// acknowledged ends the production of a record. It is franz-go's promise, the same for all of them, so that
// producing allocates no closure.
func (c *Client) acknowledged(r *kgo.Record, err error) {
	p, _ := r.Context.(*production)
	partition, offset := r.Partition, r.Offset
	if err != nil {
		partition, offset, err = p.partition, -1, p.failure(r, err)
	}
	p.done(partition, offset, err)
	c.slabs.leave(p)
}

// failure names what could not be written where, and why.
func (p *production) failure(r *kgo.Record, err error) error {
	e := classified("produce", r.Topic, p.partition, err)
	e.Cause = p.cause
	// When time is up the error may as well be the last one that was tried again until then.
	late := errors.Is(p.deadline.Err(), context.DeadlineExceeded)
	switch {
	case e.Kind == TooLarge:
		e.Err = fmt.Errorf("record of %d bytes (key %d, value %d): %w", len(r.Key)+len(r.Value), len(r.Key), len(r.Value), err)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		// What the broker says to a producer that may write to no topic at all.
		e.Remedy = fmt.Sprintf("grant the principal WRITE on topic %q", r.Topic)
	case strings.Contains(err.Error(), "invalid record partitioning choice"):
		// franz-go has no type for this one.
		e.Kind, e.Remedy, e.noPartition = UnknownTopic, fmt.Sprintf("topic %q has fewer partitions; create it with enough of them", r.Topic), true
	case late && (e.Kind == Closed || e.Kind == Unreachable || e.Kind == Retriable):
		e.Kind, e.Err = Timeout, fmt.Errorf("not acknowledged within the delivery timeout: %w", err)
		e.Remedy = "check the broker's health and the delivery timeout"
	}
	return e
}

// Flush sends what waits and returns when every record's done has been called, or with an error of kind
// [Closed] when ctx ends first.
func (c *Client) Flush(ctx context.Context) error {
	return classify("flush", "", -1, c.cl.Flush(ctx))
}
