package app

import (
	"context"
	"fmt"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// globalPart is one partition of a global store: where it is, and since when that is all there is.
type globalPart struct {
	next int64
	// time is when the partition was last complete, or when the store began to be read: see statestore.Position.
	// It is complete as of mark.time when it reaches mark.end.
	time int64
	mark struct{ end, time int64 }
}

// reach moves the partition's position, which the next batch stores.
func (s *globalStore) reach(partition int, next int64) {
	p := &s.at[partition]
	p.next = next
	if next >= p.mark.end {
		p.time = max(p.time, p.mark.time)
	}
	s.state.next[s.position(partition)] = statestore.Position{Next: next, Topic: s.topicID, Time: p.time}
}

// refresh looks up where the topics end, so that stores that nothing new comes for count as complete. A broker
// that does not answer is asked again later.
func (g *globals) refresh(ctx context.Context) error {
	if time.Since(g.refreshed) < refreshInterval {
		return nil
	}
	g.refreshed = time.Now()
	var tps []record.TopicPartition
	for _, s := range g.stores {
		for p := range s.at {
			tps = append(tps, s.tp(p))
		}
	}
	asked := now()
	look, cancel := context.WithTimeout(ctx, refreshInterval)
	defer cancel()
	ends, err := g.in.admin.EndOffsets(look, tps)
	if err != nil {
		return nil
	}
	for _, s := range g.stores {
		if err := s.refresh(ends, asked); err != nil {
			return err
		}
	}
	return nil
}

// refresh notes where the topic ended at a time, and stores since when the store is complete now and then.
func (s *globalStore) refresh(ends map[record.TopicPartition]int64, asked int64) error {
	for i := range s.at {
		p := &s.at[i]
		if p.next >= p.mark.end {
			p.mark.end, p.mark.time = ends[s.tp(i)], asked
		}
		s.reach(i, p.next)
	}
	if asked-s.written < touchInterval.Milliseconds() {
		return nil
	}
	s.written = asked
	if err := s.state.NewBatch().Commit(); err != nil {
		return fmt.Errorf("global store %q: %w", s.spec.Name, err)
	}
	return nil
}
