package task

import (
	"errors"
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// Inputs returns the partitions that the task reads. Their indices are the numbers that Offer and SetLag take.
func (t *Task) Inputs() []record.TopicPartition {
	out := make([]record.TopicPartition, len(t.inputs))
	for i, in := range t.inputs {
		out[i] = in.tp
	}
	return out
}

// Resume sets where an input begins: the offset of its first record and the partition time that was
// committed with it, -1 if none was. It comes before the first Offer.
func (t *Task) Resume(input int, next, partitionTime int64) {
	in := t.inputs[input]
	in.position = next
	in.time = partitionTime
	t.streamTime = max(t.streamTime, partitionTime)
}

// Offer appends fetched records of one input. position is the offset after the last one, which also counts
// records that consumers never see (transaction markers, compacted ones). Neither the records nor their bytes
// are copied: both must stay unchanged until they have been processed.
func (t *Task) Offer(input int, recs []record.Raw, position int64) {
	if t.err != nil {
		return
	}
	in := t.inputs[input]
	in.offer(recs, position)
	t.dirty = t.dirty || in.moved
	if len(recs) > 0 { // a position that moves over control records is no data to wait for
		in.idleSince = -1
	}
	t.load(in)
}

// SetLag tells how many records of an input are on the broker but have not been offered; -1 if that is not
// known yet.
func (t *Task) SetLag(input int, lag int64) { t.inputs[input].lag = lag }

// Buffered returns how many offered records of an input have not been processed.
func (t *Task) Buffered(input int) int { return t.inputs[input].buffered() }

// load decodes the first record of an input, passing over those that are to be skipped.
func (t *Task) load(in *input) {
	for t.err == nil && !in.loaded && in.first < len(in.queue) {
		raw := &in.queue[in.first]
		ts, err := in.head.Decode(raw, in.time)
		switch {
		case err != nil:
			t.at(raw)
			t.undecodable(in, err)
			t.off()
		case ts < 0:
			t.at(raw)
			t.Drop(in.node, processor.DropInvalidTimestamp)
			t.off()
		default:
			in.loaded, in.timestamp = true, ts
			return
		}
		if t.err == nil {
			in.pop()
			t.processed++
			t.dirty = true
		}
	}
}

// undecodable applies the deserialization policy. A timestamp that an extractor refused is not passed over:
// skipping it is the extractor's own choice.
func (t *Task) undecodable(in *input, err error) {
	var bad *topology.DecodeError
	if !errors.As(err, &bad) {
		t.fail(in.node, err)
		return
	}
	t.settle(&t.cfg.Deserialization, processor.DropDeserialize, t.recordError(in.node, err))
}

// at makes a record the one in process.
func (t *Task) at(raw *record.Raw) {
	t.source = processor.Source{TopicPartition: raw.TopicPartition, Offset: raw.Offset}
	t.timestamp = raw.Timestamp
	t.hasSource, t.raw, t.sent = true, raw, 0
}

// off ends what at began.
func (t *Task) off() { t.hasSource, t.raw = false, nil }

// Step processes one record, at time now in milliseconds, and the stream-time punctuators that it makes due.
// It returns false if no record is ready.
func (t *Task) Step(now int64) bool {
	if t.err != nil {
		return false
	}
	t.now = now
	in := t.choose()
	if in == nil {
		return false
	}
	raw := &in.queue[in.first]
	done := len(t.outputs)
	t.at(raw)
	t.timestamp = in.timestamp
	in.time = max(in.time, in.timestamp)
	t.streamTime = max(t.streamTime, in.timestamp)
	in.head.Process()
	t.off()
	if t.err != nil {
		t.outputs = t.outputs[:done]
		return false
	}
	in.pop()
	t.processed++
	t.dirty = true
	t.load(in)
	t.punctuate(processor.StreamTime, t.streamTime)
	return true
}

// choose returns the input whose first record has the lowest timestamp, nil if there is none or one without
// a record is still worth waiting for.
func (t *Task) choose() *input {
	var best *input
	wait := false
	for _, in := range t.inputs {
		switch {
		case in.loaded:
			in.idleSince = -1
			if best == nil || in.timestamp < best.timestamp {
				best = in
			}
		case t.cfg.MaxIdle < 0:
		case in.lag != 0:
			in.idleSince = -1
			wait = true
		default:
			if in.idleSince < 0 {
				in.idleSince = t.now
			}
			wait = wait || t.now < in.idleSince+t.cfg.MaxIdle.Milliseconds()
		}
	}
	if wait {
		return nil
	}
	return best
}

// Punctuate calls the wall-clock punctuators that are due at time now and reports whether there were any.
func (t *Task) Punctuate(now int64) bool {
	if t.err != nil {
		return false
	}
	t.now = now
	return t.punctuate(processor.WallClockTime, now)
}

// NextPunctuation returns when the next wall-clock punctuator is due, in milliseconds; ok is false if there
// is none.
func (t *Task) NextPunctuation() (at int64, ok bool) {
	return t.schedules.next(processor.WallClockTime)
}

func (t *Task) punctuate(kind processor.PunctuationKind, now int64) bool {
	fired := false
	for t.err == nil {
		s := t.schedules.due(kind, now)
		if s == nil {
			break
		}
		fired = true
		t.dirty = true
		done := len(t.outputs)
		for tries, again := 1, true; again; tries++ {
			t.timestamp = now
			err := call(s.f, now)
			again = err != nil && t.Refuse(s.node, fmt.Errorf("punctuator: %w", err), tries)
		}
		if t.err != nil {
			t.outputs = t.outputs[:done]
		}
		t.schedules.again(s, now)
	}
	return fired
}

// call runs user code and makes an error of a panic.
func call(f func(int64) error, now int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = processor.Panicked(p)
		}
	}()
	return f(now)
}
