package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/statestore"
)

// The methods below are what nodes see of their task (processor.Task).

// Application is the application id.
func (t *Task) Application() string { return t.cfg.Application }

// ID is the task's name, such as "0_3".
func (t *Task) ID() string { return t.id }

// StreamTime is the highest timestamp processed so far, -1 before the first record.
func (t *Task) StreamTime() int64 { return t.streamTime }

// WallClock is the time at which the current step began.
func (t *Task) WallClock() int64 { return t.now }

// Timestamp is that of the record in process.
func (t *Task) Timestamp() int64 { return t.timestamp }

// Source says where the record in process came from.
func (t *Task) Source() (processor.Source, bool) { return t.source, t.hasSource }

// Recall implements processor.Recaller.
func (t *Task) Recall(o processor.Origin) (before processor.Origin) {
	before = processor.Origin{Source: t.source, Known: t.hasSource, Timestamp: t.timestamp}
	t.source, t.hasSource, t.timestamp = o.Source, o.Known, o.Timestamp
	return before
}

// RequestCommit asks for a commit after the record in process.
func (t *Task) RequestCommit() { t.commit, t.dirty = true, true }

// Context ends when the instance stops.
func (t *Task) Context() context.Context { return t.cfg.Context }

// Partitions is the number of partitions of an output topic.
func (t *Task) Partitions(topic string) (int32, bool) {
	if t.cfg.Partitions == nil {
		return 0, false
	}
	return t.cfg.Partitions(topic)
}

// Store returns a store that the node is connected to.
func (t *Task) Store(node, name string) (statestore.Store, error) {
	for _, s := range t.stores {
		if s.spec.Name != name {
			continue
		}
		if !s.nodes[node] {
			return nil, fmt.Errorf("node %q is not connected to store %q; name the store when the processor is added", node, name)
		}
		return s.store, nil
	}
	if st, err := t.global(name); st != nil || err != nil {
		return st, err
	}
	return nil, fmt.Errorf("node %q uses store %q, which subtopology %d does not have; add the store and connect it to the node", node, name, t.sub.ID)
}

// Failed reports whether the task has failed.
func (t *Task) Failed() bool { return t.err != nil }

// Fail ends the task.
func (t *Task) Fail(node string, err error) { t.fail(node, err) }

// Refuse applies the processing error policy.
func (t *Task) Refuse(node string, err error, tries int) (again bool) {
	if t.err != nil {
		return false
	}
	p := t.cfg.Processing
	if t.cfg.Context.Err() != nil && (tries <= p.Retries || errors.Is(err, t.cfg.Context.Err())) {
		return t.stopped(node, err)
	}
	if tries <= p.Retries {
		if t.cfg.Wait != nil {
			t.cfg.Wait(p.Delay(tries))
		}
		return t.cfg.Context.Err() == nil || t.stopped(node, err)
	}
	t.settle(&p, processor.DropProcessing, t.recordError(node, err))
	return false
}

// stopped fails the task whose instance is stopping before a record's retries are used up, or whose user code
// has given up because of it, so that the record is not committed and the next owner tries it again: no policy
// is to pass over what only the stop kept from being processed.
func (t *Task) stopped(node string, err error) bool {
	t.fail(node, fmt.Errorf("stopped in the middle of a record: %w", err))
	return false
}

// Drop counts a record that is left out.
func (t *Task) Drop(node string, reason processor.DropReason) {
	if t.cfg.Observer == nil {
		return
	}
	var src processor.Source // none in a punctuator
	if t.hasSource {
		src = t.source
	}
	t.cfg.Observer.Dropped(t.id, node, reason, src)
}

// Arena is where outputs' bytes are laid down.
func (t *Task) Arena() *processor.Arena { return &t.arena }

// Send collects one output.
func (t *Task) Send(out processor.Output) {
	if t.err != nil {
		return
	}
	if out.Store == 0 && t.hasSource {
		t.sent++
		out.Cause = processor.Cause{Source: t.source, Number: t.sent}
	}
	if !t.tooLarge(&out) && !t.refused(&out) {
		t.outputs = append(t.outputs, out)
	}
}
