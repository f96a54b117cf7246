package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// restoringStore is a store on its way.
type restoringStore struct {
	*entryStore
	of       *restoring
	engine   statestore.Engine
	restorer statestore.Restorer // nil where changelog.Row does
	progress changelog.Progress
	row      []byte
	// time is when the store was last complete, or its restore began: see statestore.Position. It is complete
	// as of mark.time when it reaches mark.end. written is the time as it was last stored.
	time, written int64
	mark          struct{ end, time int64 }
	// next is the position of what has been taken in, committed or not.
	next int64
}

// open gets the engine of the store, as far as it has been restored.
func (s *restoringStore) open() (err error) {
	if s.engine, err = s.backend.Open(s.spec.Name); err == nil && s.spec.Restore != nil {
		s.restorer, err = s.spec.Restore(s.engine)
	}
	if err != nil {
		return fmt.Errorf("task %s: store %q: %w", s.of.entry.id, s.spec.Name, err)
	}
	return nil
}

// plan returns what of the changelog is to be read, given its limits at a time and how long it keeps
// tombstones. Local state that does not fit the changelog is dropped.
func (s *restoringStore) plan(in *instance, start, end, asked int64, keep time.Duration) (kafka.Range, error) {
	e := s.of.entry
	name := s.spec.Name
	p, ok, err := s.backend.Position(name)
	if err != nil {
		return kafka.Range{}, fmt.Errorf("task %s: store %q: %w", e.id, name, err)
	}
	end = max(end, start)
	at := changelog.ResumeAt(changelog.Local{
		Known: ok, Next: p.Next, Topic: p.Topic, Age: age(p.Time, asked), Tombstones: keep,
	}, s.topicID, start, end)
	if at.Reason != "" {
		in.log.Warn("local state does not fit its changelog; restoring it from the beginning", "task", e.id.String(),
			"store", name, "topic", s.changelog.Topic, "partition", s.changelog.Partition, "offset", p.Next, "reason", at.Reason)
	}
	if at.Wipe {
		if err := s.backend.Drop(name); err != nil {
			return kafka.Range{}, fmt.Errorf("task %s: store %q: %w", e.id, name, err)
		}
	}
	if err := s.open(); err != nil {
		return kafka.Range{}, err
	}
	s.progress = changelog.NewProgress(at.From, end, time.Now())
	s.time = p.Time
	if at.Wipe {
		s.time = asked
	}
	s.mark.end, s.mark.time = end, asked
	s.restored = end
	return kafka.Range{TopicPartition: s.changelog, From: at.From, End: end}, nil
}

// apply adds what a change record stands for to a batch.
func (s *restoringStore) apply(b statestore.Batch, rec *record.Raw) error {
	if s.restorer != nil {
		if err := s.restorer.Restore(b, rec); err != nil {
			return fmt.Errorf("task %s: store %q: %s[%d]@%d: %w", s.of.entry.id, s.spec.Name, rec.Topic, rec.Partition, rec.Offset, err)
		}
		return nil
	}
	if n := changelog.RowSize(s.spec.Kind, len(rec.Value)); n > cap(s.row) {
		s.row = make([]byte, 0, 2*n)
	}
	if row, deleted := changelog.Row(s.spec.Kind, s.row, rec); deleted {
		b.Delete(s.engine, rec.Key)
	} else {
		b.Set(s.engine, rec.Key, row)
	}
	return nil
}

// startOver empties a store whose changelog no longer has what was to be read next.
func (s *restoringStore) startOver(in *instance, p *kafka.Restored) error {
	e := s.of.entry
	if !errors.Is(p.Err, kafka.OffsetOutOfRange) && !errors.Is(p.Err, kafka.DataLoss) {
		return fmt.Errorf("task %s: store %q: %w", e.id, s.spec.Name, p.Err)
	}
	in.log.Warn("the changelog has moved on past the local state; restoring it from the beginning", "task", e.id.String(),
		"store", s.spec.Name, "topic", p.Topic, "partition", p.Partition, "err", p.Err)
	if err := s.backend.Drop(s.spec.Name); err != nil {
		return fmt.Errorf("task %s: store %q: %w", e.id, s.spec.Name, err)
	}
	if err := s.open(); err != nil {
		return err
	}
	s.progress = changelog.NewProgress(0, s.progress.End(), time.Now())
	s.time = now()
	p.Next = kafka.FromStart
	return nil
}

// reach notes that everything before next is in the store.
func (s *restoringStore) reach(next int64) {
	if next >= s.mark.end {
		s.time = s.mark.time
	}
}

func (s *restoringStore) report(in *instance, p *kafka.Restored) {
	if p.Err != nil {
		return
	}
	if s.of.standby {
		s.reportUpdate(in, p)
		return
	}
	e := s.of.entry
	at := time.Now()
	s.progress.Advance(p.Next, len(p.Records), at)
	st := s.progress.Status(at)
	ev := RestoreEvent{
		Task: e.id.String(), Store: s.spec.Name, TopicPartition: s.changelog, Phase: RestoreBatch, Records: st.Records,
		Position: p.Next, End: s.progress.End(), Rate: st.Rate, Left: st.Left,
	}
	if p.Done {
		ev.Phase = RestoreDone
		in.log.Info("restore done", "task", ev.Task, "store", ev.Store, "topic", s.changelog.Topic, "partition", s.changelog.Partition,
			"offset", p.Next, "records", ev.Records, "records_per_second", int64(ev.Rate))
	}
	in.event(ev)
}
