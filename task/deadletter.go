package task

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// The headers of a dead letter, all UTF-8 text. They are those that Kafka Streams writes, so that tools for
// its dead letters read leat's. Source: KIP-1034.
const (
	// HeaderException is the kind of error: the Go type of its innermost cause, or "panic".
	HeaderException = "__streams.errors.exception"
	// HeaderMessage is the error's text, with task, node and record.
	HeaderMessage = "__streams.errors.message"
	// HeaderStack is the stack of the goroutine, if it was a panic.
	HeaderStack = "__streams.errors.stacktrace"
	// HeaderTopic, HeaderPartition and HeaderOffset are where the record was read.
	HeaderTopic     = "__streams.errors.topic"
	HeaderPartition = "__streams.errors.partition"
	HeaderOffset    = "__streams.errors.offset"
)

// settle does what an error policy says about a record that went wrong, and reports whether the task goes
// on. The record is counted as dropped unless the task fails.
func (t *Task) settle(p *ErrorPolicy, reason processor.DropReason, e RecordError) bool {
	switch p.decide(e) {
	case Skip:
	case DeadLetter:
		t.outputs = append(t.outputs, t.deadLetter(p.DeadLetterTopic, e))
	default:
		t.fail(e.Node, e.Err)
		return false
	}
	t.Drop(e.Node, reason)
	return true
}

// deadLetter returns the output that keeps a record that could not be processed: the bytes as they were
// read, the record's headers and those that tell what went wrong. A punctuator has no record, and the bytes of
// one that was held back (see Recall) are gone; their letters have the headers alone.
func (t *Task) deadLetter(topic string, e RecordError) processor.Output {
	out := processor.Output{Topic: topic, Partition: -1, Timestamp: max(0, t.timestamp), Letter: true}
	var h record.Headers
	if t.raw != nil && t.raw.TopicPartition == e.Source.TopicPartition && t.raw.Offset == e.Source.Offset {
		out.Key, out.Value = t.raw.Key, t.raw.Value
		h = append(h, t.raw.Headers...)
	}
	add := func(key, value string) { h = append(h, record.Header{Key: key, Value: []byte(value)}) }
	add(HeaderException, kindOf(e.Err))
	add(HeaderMessage, e.Error())
	var p *processor.PanicError
	if errors.As(e.Err, &p) {
		add(HeaderStack, string(p.Stack))
	}
	if e.Source.Topic != "" {
		add(HeaderTopic, e.Source.Topic)
		add(HeaderPartition, strconv.Itoa(int(e.Source.Partition)))
		add(HeaderOffset, strconv.FormatInt(e.Source.Offset, 10))
	}
	out.Headers = h
	return out
}

// kindOf names an error by the Go type of its innermost cause.
func kindOf(err error) string {
	for {
		if _, ok := err.(*processor.PanicError); ok { //nolint:errorlint // each layer is looked at
			return "panic"
		}
		next := errors.Unwrap(err)
		if next == nil {
			return fmt.Sprintf("%T", err)
		}
		err = next
	}
}

// tooLarge refuses an output that is larger than the broker takes, while the record that it comes from is
// still at hand. The framing of a record takes some bytes beside what is counted.
func (t *Task) tooLarge(out *processor.Output) bool {
	size := len(out.Key) + len(out.Value)
	for _, h := range out.Headers {
		size += len(h.Key) + len(h.Value)
	}
	if size < small || t.cfg.MaxOutput == nil {
		return false
	}
	limit, ok := t.cfg.MaxOutput(out.Topic)
	if !ok || size+framing <= limit {
		return false
	}
	err := fmt.Errorf("output of %d bytes (key %d, value %d) to topic %q, which takes at most %d; raise the topic's max.message.bytes or make the record smaller",
		size, len(out.Key), len(out.Value), out.Topic, limit)
	if out.Store > 0 { // state without its change record would be lost
		t.fail("", fmt.Errorf("store %q: %w", t.stores[out.Store-1].spec.Name, err))
		return true
	}
	t.settle(&t.cfg.Production, processor.DropProduction, t.recordError("", err))
	return true
}

// refused leaves out an output that the broker is known not to take: whoever runs the task found out when the
// record was processed before.
func (t *Task) refused(out *processor.Output) bool {
	if t.cfg.Refused == nil || out.Store > 0 {
		return false
	}
	err := t.cfg.Refused(out.Topic, out.Cause)
	if err != nil {
		t.settle(&t.cfg.Production, processor.DropProduction, t.recordError("", err))
	}
	return err != nil
}

const (
	// small outputs are not looked at: a topic that does not take them is set up wrong.
	small = 1 << 10
	// framing is an upper bound for what a batch of one record adds to the record's own bytes.
	framing = 128
)
