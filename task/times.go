package task

import (
	"maps"
	"time"
)

// times are the times that nodes keep with the committed offsets: until when windows have been emitted. They
// are copied when one changes, since commits hold on to them.
type times struct {
	of      map[string]int64
	changed bool
}

// ResumeTimes hands over the times that were committed with the offset of an input. Inputs may differ, when
// not all of them were committed together: the latest of each name counts, and is committed with all of them
// next time. It comes before the first Offer.
//
// Source: Kafka Streams' ProcessorMetadata.
func (t *Task) ResumeTimes(times map[string]int64) {
	for name, at := range times {
		if old, ok := t.times.of[name]; !ok || at > old {
			t.KeepTime(name, at)
		}
	}
}

// defaultEmitInterval is that of Kafka Streams.
const defaultEmitInterval = time.Second

// EmitInterval implements processor.Task.
func (t *Task) EmitInterval() int64 {
	if t.cfg.EmitInterval == 0 {
		return defaultEmitInterval.Milliseconds()
	}
	return max(0, t.cfg.EmitInterval.Milliseconds())
}

// KeptTime implements processor.Task.
func (t *Task) KeptTime(name string) (at int64, ok bool) {
	at, ok = t.times.of[name]
	return at, ok
}

// KeepTime implements processor.Task.
func (t *Task) KeepTime(name string, at int64) {
	of := make(map[string]int64, len(t.times.of)+1)
	maps.Copy(of, t.times.of)
	of[name] = at
	t.times = times{of: of, changed: true}
}
