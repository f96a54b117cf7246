package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

const (
	// refreshInterval is how often standbys learn where their changelogs end when nothing new comes from them,
	// and, of source topics, how far they have been processed.
	refreshInterval = 2 * time.Second
	// touchInterval is how often a state that stays as it is gets a new time: see statestore.Position.
	touchInterval = time.Minute
)

// standbys are the tasks whose state this instance keeps up without running them: standbys, warm-ups, and
// tasks that it gets once their owner has let go. The restorer does the work, with no end; when a task comes
// to this instance, what it lacks is the tail since the last record read.
//
// What is on disk passes from standby to active task and back by lying there. What is in memory is handed over.
//
// Methods are called by the membership's goroutine, but for those that say otherwise.
type standbys struct {
	in *instance
	// next is what the last assignment asks for, to be followed when the rebalance is complete.
	next assign.Assignment
	// left are the stores in memory of tasks that have been given up, and that next wants as standbys.
	left map[assign.Task]statestore.Backend

	mu sync.Mutex // guards of, for readers on other goroutines
	of map[assign.Task]*standby
}

// standby is one of them.
type standby struct {
	entry  *entry
	warmup bool
}

func newStandbys(in *instance) *standbys {
	return &standbys{in: in, left: make(map[assign.Task]statestore.Backend), of: make(map[assign.Task]*standby)}
}

// assigned notes what the group asks for from the end of this rebalance on.
func (s *standbys) assigned(a assign.Assignment) { s.next = a }

// wanted returns the tasks that are to be kept up, and which of them are warm-ups.
func (s *standbys) wanted() map[assign.Task]bool {
	out := make(map[assign.Task]bool)
	for _, id := range s.next.Warmup {
		out[id] = true
	}
	for _, id := range slices.Concat(s.next.Standby, s.next.Later) {
		out[id] = false
	}
	for id := range out {
		if sub := s.in.layout.subs[id.Subtopology]; sub == nil || !stateful(sub) || id.Partition >= s.in.layout.size(sub) {
			delete(out, id) // stateless, or of another version's topology
		}
	}
	return out
}

// follow begins and ends standbys as the last assignment says.
func (s *standbys) follow() {
	wanted := s.wanted()
	s.in.mu.Lock()
	for id := range s.in.tasks {
		delete(wanted, id) // never both
	}
	s.in.mu.Unlock()
	s.mu.Lock()
	var gone []assign.Task
	for id := range s.of {
		if _, ok := wanted[id]; !ok {
			gone = append(gone, id)
		}
	}
	s.mu.Unlock()
	for _, id := range gone {
		s.end(id, UpdateMigrated)
		s.in.state.released(id)
	}
	for id, warmup := range wanted {
		s.begin(id, warmup)
	}
	clear(s.left)
}

func (s *standbys) begin(id assign.Task, warmup bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.of[id]; b != nil {
		b.warmup = warmup
		s.in.app.metrics.standby(id.String(), warmup)
		return
	}
	memory := s.left[id]
	if memory == nil {
		memory = statestore.NewMemory()
	}
	e := s.in.newEntry(id, memory)
	s.of[id] = &standby{entry: e, warmup: warmup}
	s.in.app.metrics.standby(id.String(), warmup)
	s.in.log.Info("standby begins", "task", id.String(), "warmup", warmup)
	s.in.restore.addStandby(e)
}

// end stops a standby and returns its stores in memory; nil if there is none.
func (s *standbys) end(id assign.Task, why RestorePhase) statestore.Backend {
	s.mu.Lock()
	b := s.of[id]
	delete(s.of, id)
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	lag, _ := s.in.restore.lag(b.entry)
	s.in.restore.suspend(b.entry, why)
	if p := b.entry.persistent; p != nil {
		if err := p.Close(); err != nil {
			s.in.log.Warn("closing a standby's stores", "task", id.String(), "err", err)
		}
	}
	s.in.app.metrics.dropStandby(id.String())
	s.in.log.Info("standby ends", "task", id.String(), "promoted", why == UpdatePromoted, "lag", lag)
	return b.entry.memory
}

// promote ends the standby of a task that this instance is to run, and returns what the task begins with in
// memory.
func (s *standbys) promote(id assign.Task) statestore.Backend {
	if memory := s.end(id, UpdatePromoted); memory != nil {
		return memory
	}
	return statestore.NewMemory()
}

// released keeps what a task that was given up has in memory, if it is to be a standby.
func (s *standbys) released(e *entry) {
	if _, ok := s.wanted()[e.id]; ok {
		s.left[e.id] = e.memory
	}
}

// lists returns the standbys and warm-ups.
func (s *standbys) lists() (standby, warmup []assign.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, b := range s.of {
		if b.warmup {
			warmup = append(warmup, id)
		} else {
			standby = append(standby, id)
		}
	}
	return standby, warmup
}

// caughtUp reports whether all of some tasks are standbys that lag behind by no more than is acceptable. It
// may be called from any goroutine.
func (s *standbys) caughtUp(ids []assign.Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		b := s.of[id]
		if b == nil {
			return false
		}
		if lag, known := s.in.restore.lag(b.entry); !known || lag > s.in.cfg.AcceptableLag {
			return false
		}
	}
	return true
}

// addStandby begins to keep up a task's state.
func (r *restorer) addStandby(e *entry) { r.begins(&restoring{entry: e, standby: true}) }

// suspend stops keeping up a task's state and tells why.
func (r *restorer) suspend(e *entry, why RestorePhase) {
	r.mu.Lock()
	var events []RestoreEvent
	for _, s := range e.stores {
		if rs := r.byTP[s.changelog]; rs != nil && rs.of.entry == e {
			events = append(events, rs.event(why))
		}
	}
	r.mu.Unlock()
	r.cancel(e)
	for _, ev := range events {
		r.in.event(ev)
	}
}

// lag returns how many change records a standby lacks; known is false while nobody has looked. It may be
// called from any goroutine.
func (r *restorer) lag(e *entry) (lag int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	re := r.known[e]
	if re == nil || !re.begun {
		return 0, false
	}
	for _, s := range e.stores {
		if rs := r.byTP[s.changelog]; s.logged && rs != nil {
			lag += max(0, rs.progress.End()-rs.progress.Position())
		}
	}
	return lag, true
}

// inMemory tells how much state of each task there is in memory, as far as this is being restored or kept up.
func (r *restorer) inMemory() map[assign.Task]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[assign.Task]int64)
	for _, s := range r.byTP {
		if !s.spec.Persistent {
			out[s.of.entry.id] += s.progress.Position()
		}
	}
	return out
}

// follow returns what to read of a standby's changelog, of which plan has found the part that is there now: all
// that will ever come, or, if it is a source topic, what has been processed.
func (s *restoringStore) follow(in *instance, rg kafka.Range) []kafka.Range {
	in.log.Info("standby update begins", "task", s.of.entry.id.String(), "store", s.spec.Name, "topic", rg.Topic,
		"partition", rg.Partition, "offset", rg.From, "end", rg.End)
	in.event(s.event(UpdateStart))
	s.reach(rg.From)
	if s.spec.Source == "" {
		rg.End = kafka.NoEnd
	}
	if rg.From == rg.End {
		return nil
	}
	return []kafka.Range{rg}
}

// reportUpdate tells of what a standby has taken in.
func (s *restoringStore) reportUpdate(in *instance, p *kafka.Restored) {
	s.progress.Advance(p.Next, len(p.Records), time.Now())
	if s.spec.Source == "" {
		s.progress.Extend(p.End)
	}
	if s.spec.Source == "" && p.Next >= s.mark.end {
		s.mark.end, s.mark.time = p.End, now()
		s.reach(p.Next)
	}
	in.event(s.event(UpdateBatch))
}

func (s *restoringStore) event(phase RestorePhase) RestoreEvent {
	st := s.progress.Status(time.Now())
	return RestoreEvent{
		Task: s.of.entry.id.String(), Store: s.spec.Name, TopicPartition: s.changelog, Phase: phase, Records: st.Records,
		Position: st.Position, End: st.End, Rate: st.Rate, Left: st.Left,
	}
}

// refresh looks up where the standbys' changelogs end. A broker that does not answer is asked again later.
func (r *restorer) refresh(ctx context.Context) error {
	var logs, sources []record.TopicPartition
	r.mu.Lock()
	for tp, s := range r.byTP {
		if !s.of.standby {
			continue
		}
		logs = append(logs, tp)
		if s.spec.Source != "" {
			sources = append(sources, tp)
		}
	}
	r.mu.Unlock()
	if len(logs) == 0 {
		return nil
	}
	asked := now()
	look, cancel := context.WithTimeout(ctx, refreshInterval)
	defer cancel()
	ends, err := r.in.admin.EndOffsets(look, logs)
	if err != nil {
		return nil
	}
	var committed map[record.TopicPartition]kafka.Offset
	if len(sources) > 0 {
		if committed, err = r.in.admin.GroupOffsets(look, r.in.cfg.Application, false, sources...); err != nil {
			return nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for tp, end := range ends {
		s := r.byTP[tp]
		if s == nil || !s.of.standby {
			continue
		}
		if s.spec.Source != "" {
			end = min(end, committed[tp].Next)
			if from := s.progress.Position(); end > s.progress.End() {
				r.client.Add(kafka.Range{TopicPartition: tp, From: from, End: end})
			}
		}
		if err := s.refresh(r.in, end, asked); err != nil {
			return err
		}
	}
	return nil
}

// refresh notes where the changelog ended at a time.
func (s *restoringStore) refresh(in *instance, end, asked int64) error {
	s.progress.Extend(end)
	position := s.progress.Position()
	if position >= s.mark.end {
		s.mark.end, s.mark.time = end, asked
		s.reach(position)
	}
	in.app.metrics.update(s.event(UpdateBatch))
	if s.time-s.written < touchInterval.Milliseconds() {
		return nil
	}
	b := s.backend.NewBatch()
	b.SetPosition(s.spec.Name, statestore.Position{Next: position, Topic: s.topicID, Time: s.time})
	if err := b.Commit(); err != nil {
		return fmt.Errorf("task %s: store %q: %w", s.of.entry.id, s.spec.Name, err)
	}
	s.written = s.time
	return nil
}
