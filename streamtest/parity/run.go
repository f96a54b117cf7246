package parity

import (
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
)

// application is the application id that Kafka Streams' answers were recorded with.
const application = "app"

// Run runs one scenario and returns where its result differs from what is expected. A scenario that cannot be
// built or fails on the way differs on every level.
func Run(s *Scenario) (d Difference) {
	defer func() {
		if p := recover(); p != nil {
			d = differs(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if s.err != nil {
		return differs(s.err)
	}
	got, err := answer(s, streamtest.Config{})
	if err != nil {
		return differs(err)
	}
	return compare(got, &s.Expect)
}

// answer runs the scenario and returns what came of it.
func answer(s *Scenario, cfg streamtest.Config) (*Result, error) {
	cfg.Application = application
	cfg.EmitInterval = -1 // as in the recording
	cfg.OneTask = true
	b, err := build(s)
	if err != nil {
		return nil, err
	}
	top, err := b.finish()
	if err != nil {
		return nil, fmt.Errorf("build the topology: %w", err)
	}
	d, err := streamtest.Open(top, cfg)
	if err != nil {
		return nil, fmt.Errorf("start the topology: %w", err)
	}
	for i, e := range s.Events {
		if err := pipe(d, e); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	r := &Result{
		Outputs: make(map[string][]Entry), Stores: make(map[string][]Entry),
		InternalTopics: make(map[string][]Change), Describe: top.Describe(),
	}
	internal := internalTopics(top)
	for _, topic := range d.Topics() {
		for _, raw := range d.Raw(topic) {
			if internal[topic] {
				r.InternalTopics[topic] = append(r.InternalTopics[topic], Change{hexOf(raw.Key), hexOf(raw.Value), &raw.Timestamp})
			} else {
				r.Outputs[topic] = append(r.Outputs[topic], entryOf(raw))
			}
		}
	}
	for name, read := range b.stores {
		r.Stores[name] = read(d)
	}
	return r, d.Close()
}

func pipe(d *streamtest.Driver, e Event) error {
	if e.AdvanceWallMs > 0 {
		return d.TryAdvance(time.Duration(e.AdvanceWallMs) * time.Millisecond)
	}
	r := record.Raw{
		TopicPartition: record.TopicPartition{Topic: e.Topic}, Timestamp: e.Ts, Headers: record.Headers(e.Headers),
	}
	if e.Key != nil {
		r.Key = []byte(*e.Key)
	}
	if e.Value != nil {
		r.Value = []byte(*e.Value)
	}
	return d.PipeRaw(r)
}

// internalTopics are the full names of the topics that belong to the application.
func internalTopics(t *topology.Topology) map[string]bool {
	names := make(map[string]bool)
	add := func(topic topology.Topic) {
		if topic.Internal {
			names[topic.For(application)] = true
		}
	}
	for _, sub := range t.Subtopologies {
		for _, s := range sub.Stores {
			if topic, ok := s.Changelog(); ok {
				add(topic)
			}
		}
		for _, n := range sub.Nodes {
			for _, topic := range n.Topics {
				add(topic)
			}
		}
	}
	return names
}

func entryOf(raw record.Raw) Entry {
	return Entry{Key: stringOf(raw.Key), Value: stringOf(raw.Value), Ts: &raw.Timestamp, Headers: Headers(raw.Headers)}
}

func stringOf(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

func hexOf(b []byte) *string {
	if b == nil {
		return nil
	}
	s := hex.EncodeToString(b)
	return &s
}
