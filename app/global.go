package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// globals keeps the instance's global stores: each a copy of all partitions of its topic. One goroutine reads
// them, without the group: first up to where the topics ended when the instance started, before it joins the
// group, so that no task runs without them; then for as long as the instance runs. It is the only writer; the
// workers' tasks read through views, whose lock is held for one access or one batch at a time (see shared).
//
// A store on disk goes on where it was; its positions are kept by partition, under names that no store can have.
type globals struct {
	in     *instance
	client *kafka.Restorer // nil if there are no global stores
	stores []*globalStore
	// complete is closed when all partitions have been read up to where they ended at the start.
	complete chan struct{}
	// keep and refreshed belong to run's goroutine.
	keep      tombstones
	refreshed time.Time
}

// globalStore is one global store, with the task that turns its topic's records into its contents.
type globalStore struct {
	in      *instance
	sub     *topology.Subtopology
	spec    *topology.Store
	id      string
	topic   string
	topicID [16]byte
	state   *shared
	task    *task.Task
	stats   *taskStats
	parts   []changelog.Progress // by partition, up to where it ended at the start
	at      []globalPart         // by partition
	// written is when the positions were last stored with the time, in milliseconds.
	written int64
}

func newGlobals(in *instance) (*globals, error) {
	g := &globals{in: in, complete: make(chan struct{})}
	for _, sub := range in.cfg.Topology.Subtopologies {
		if !sub.Global {
			continue
		}
		for _, spec := range sub.Stores {
			s := &globalStore{in: in, sub: sub, spec: spec, id: fmt.Sprintf("%d_global", sub.ID), topic: spec.Source}
			s.parts = make([]changelog.Progress, in.layout.partitions[s.topic])
			s.at = make([]globalPart, len(s.parts))
			s.state = newShared(statestore.NewMemory())
			if spec.Persistent {
				s.state = newShared(in.state.db.Task("global/" + spec.Name))
			}
			s.stats = in.app.metrics.task(s.id)
			g.stores = append(g.stores, s)
		}
	}
	if len(g.stores) == 0 {
		close(g.complete)
		return g, nil
	}
	var err error
	g.client, err = kafka.NewRestorer(in.cfg.kafka(), kafka.ReadConfig{ReadCommitted: in.cfg.Guarantee == ExactlyOnce})
	return g, err
}

// views returns the global stores for one task, which reads them on its worker's goroutine.
func (g *globals) views() ([]task.Global, error) {
	var out []task.Global
	for _, s := range g.stores {
		engine, err := s.state.Open(s.spec.Name)
		if err != nil {
			return nil, fmt.Errorf("open global store %q: %w", s.spec.Name, err)
		}
		out = append(out, task.Global{Spec: s.spec, Engine: engine, Version: s.state.version.Load})
	}
	return out, nil
}

// wait returns when the stores hold what their topics held at the start; false if the instance is to stop first.
func (g *globals) wait(ctx context.Context) bool {
	select {
	case <-g.complete:
		return true
	case <-ctx.Done():
	case <-g.in.failed:
	}
	return false
}

// run is the goroutine that reads the topics. It ends with ctx.
func (g *globals) run(ctx context.Context) {
	if g.client == nil {
		return
	}
	err := g.begin(ctx)
	for err == nil {
		var got []kafka.Restored
		look, cancel := context.WithTimeout(ctx, refreshInterval)
		if got, err = g.client.Poll(look, restoreRecords); err == nil && ctx.Err() == nil {
			err = errors.Join(g.apply(got), g.refresh(ctx))
		}
		cancel()
		if ctx.Err() != nil {
			return
		}
	}
	if ctx.Err() == nil {
		g.in.fail(fmt.Errorf("read global stores: %w", err))
	}
}

func (g *globals) close() error {
	if g.client != nil {
		g.client.Close()
	}
	var errs []error
	for _, s := range g.stores {
		if s.task != nil {
			errs = append(errs, s.task.Close())
		}
		errs = append(errs, s.state.Close())
	}
	return errors.Join(errs...)
}

// begin looks up where the topics begin and end, and starts to read what the stores lack.
func (g *globals) begin(ctx context.Context) error {
	var topics []string
	var tps []record.TopicPartition
	for _, s := range g.stores {
		topics = append(topics, s.topic)
		for p := range s.parts {
			tps = append(tps, s.tp(p))
		}
	}
	var found map[string]kafka.Topic
	var starts, ends map[record.TopicPartition]int64
	var keep map[string]time.Duration
	var asked int64
	err := g.in.retry(ctx, "look up the topics of global stores", func() (err error) {
		if found, err = g.in.admin.Topics(ctx, topics...); err != nil {
			return err
		}
		if keep, err = g.keep.of(ctx, g.in.admin, tps); err != nil {
			return err
		}
		asked = now()
		if starts, err = g.in.admin.StartOffsets(ctx, tps); err != nil {
			return err
		}
		ends, err = g.in.admin.EndOffsets(ctx, tps)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range g.stores {
		s.topicID = found[s.topic].ID
		ranges, err := s.plan(starts, ends, asked, keep[s.topic])
		if err != nil {
			return err
		}
		g.client.Add(ranges...)
	}
	g.settle()
	return nil
}

func (s *globalStore) tp(partition int) record.TopicPartition {
	return record.TopicPartition{Topic: s.topic, Partition: int32(partition)}
}

// position is the name that a partition's position is kept under.
func (s *globalStore) position(partition int) string {
	return fmt.Sprintf("%s/%d", s.spec.Name, partition)
}

// plan returns what is to be read of each partition, given the topic's limits at a time and how long it keeps
// tombstones. If one of them does not fit what is here, all of it goes:
// rows do not tell which partition they came from.
func (s *globalStore) plan(starts, ends map[record.TopicPartition]int64, asked int64, keep time.Duration) ([]kafka.Range, error) {
	from := make([]int64, len(s.parts))
	wipe := false
	for p := range s.parts {
		tp := s.tp(p)
		have, ok, err := s.state.Position(s.position(p))
		if err != nil {
			return nil, fmt.Errorf("global store %q: %w", s.spec.Name, err)
		}
		r := changelog.ResumeAt(changelog.Local{
			Known: ok, Next: have.Next, Topic: have.Topic, Age: age(have.Time, asked), Tombstones: keep,
		}, s.topicID, starts[tp], max(starts[tp], ends[tp]))
		if r.Reason != "" {
			s.in.log.Warn("a global store does not fit its topic; reading it from the beginning", "store", s.spec.Name,
				"topic", tp.Topic, "partition", tp.Partition, "offset", have.Next, "reason", r.Reason)
		}
		from[p], wipe = r.From, wipe || r.Wipe
		s.at[p].time = have.Time
	}
	if wipe {
		for p := range s.parts {
			from[p], s.at[p].time = starts[s.tp(p)], asked
		}
		if err := s.empty(); err != nil {
			return nil, err
		}
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	var ranges []kafka.Range
	for p := range s.parts {
		tp := s.tp(p)
		end := max(starts[tp], ends[tp])
		s.parts[p] = changelog.NewProgress(from[p], end, time.Now())
		s.task.Resume(p, from[p], -1)
		s.at[p].mark.end, s.at[p].mark.time = end, asked
		s.reach(p, from[p])
		ranges = append(ranges, kafka.Range{TopicPartition: tp, From: from[p], End: kafka.NoEnd})
		ev := RestoreEvent{Task: s.id, Store: s.spec.Name, TopicPartition: tp, Phase: RestoreStart, Position: from[p], End: end}
		if s.parts[p].Done() {
			ev.Phase = RestoreDone
		}
		s.in.event(ev)
	}
	return ranges, nil
}

// empty removes the store's contents and positions.
func (s *globalStore) empty() error {
	names := []string{s.spec.Name}
	for p := range s.parts {
		names = append(names, s.position(p))
	}
	for _, name := range names {
		if err := s.state.Drop(name); err != nil {
			return fmt.Errorf("empty global store %q: %w", s.spec.Name, err)
		}
	}
	clear(s.state.next)
	return nil
}

// open makes the task that fills the store.
func (s *globalStore) open() (err error) {
	cfg := s.in.cfg
	tc := task.Config{
		Application: cfg.Application, Subtopology: s.sub, Width: int32(len(s.parts)),
		CacheEntries: cfg.CacheEntries, MaxIdle: -1, Deserialization: cfg.Deserialization, Processing: cfg.Processing,
		Now: now(), Observer: s.stats,
	}
	if s.spec.Persistent {
		tc.Persistent = s.state
	} else {
		tc.Memory = s.state
	}
	s.task, err = task.New(tc)
	return err
}

// apply takes in what was read, one batch a store.
func (g *globals) apply(got []kafka.Restored) error {
	for _, s := range g.stores {
		var mine []*kafka.Restored
		for i := range got {
			if got[i].Topic == s.topic {
				mine = append(mine, &got[i])
			}
		}
		if len(mine) == 0 {
			continue
		}
		again, err := s.apply(mine)
		if err != nil {
			return err
		}
		g.client.Add(again...)
		for _, p := range mine {
			s.report(p)
		}
	}
	g.settle()
	return nil
}

// apply returns what is to be read again, from the beginning, because the log no longer has what comes next.
func (s *globalStore) apply(got []*kafka.Restored) (again []kafka.Range, err error) {
	begin, records := time.Now(), 0
	for _, p := range got {
		if p.Err != nil {
			return s.startOver(p)
		}
		records += len(p.Records)
		s.task.Offer(int(p.Partition), p.Records, p.Next)
		s.reach(int(p.Partition), p.Next)
	}
	for s.task.Step(begin.UnixMilli()) {
	}
	s.task.Outputs() // nothing can be sent from here: the group has no sinks
	if _, err := s.task.Prepare(); err != nil {
		return nil, err
	}
	if err := s.task.Confirm(func(int) (statestore.Position, bool) { return statestore.Position{}, false }); err != nil {
		return nil, err
	}
	s.stats.processed(records, time.Since(begin))
	return nil, nil
}

func (s *globalStore) startOver(p *kafka.Restored) ([]kafka.Range, error) {
	if !errors.Is(p.Err, kafka.OffsetOutOfRange) && !errors.Is(p.Err, kafka.DataLoss) {
		return nil, fmt.Errorf("global store %q: %w", s.spec.Name, p.Err)
	}
	s.in.log.Warn("the topic of a global store has moved on past it; reading it from the beginning, until which joins find less",
		"store", s.spec.Name, "topic", p.Topic, "partition", p.Partition, "err", p.Err)
	if err := errors.Join(s.task.Close(), s.empty(), s.open()); err != nil {
		return nil, err
	}
	var again []kafka.Range
	for i := range s.parts {
		again = append(again, kafka.Range{TopicPartition: s.tp(i), From: kafka.FromStart, End: kafka.NoEnd})
		s.parts[i] = changelog.NewProgress(0, s.parts[i].End(), time.Now())
		s.at[i] = globalPart{time: now(), mark: s.at[i].mark}
	}
	return again, nil
}

// report tells of a bootstrap's progress, and later of what the store lags behind.
func (s *globalStore) report(p *kafka.Restored) {
	if p.Err != nil {
		return
	}
	s.stats.fetched(p.TopicPartition, p.End-p.Next)
	part := &s.parts[p.Partition]
	if part.Done() {
		return
	}
	at := time.Now()
	part.Advance(p.Next, len(p.Records), at)
	st := part.Status(at)
	ev := RestoreEvent{
		Task: s.id, Store: s.spec.Name, TopicPartition: p.TopicPartition, Phase: RestoreBatch, Records: st.Records,
		Position: p.Next, End: st.End, Rate: st.Rate, Left: st.Left,
	}
	if st.Done {
		ev.Phase = RestoreDone
	}
	s.in.event(ev)
}

// settle tells, once, that the stores are complete.
func (g *globals) settle() {
	select {
	case <-g.complete:
		return
	default:
	}
	for _, s := range g.stores {
		for p := range s.parts {
			if !s.parts[p].Done() {
				return
			}
		}
	}
	for _, s := range g.stores {
		s.stats.running()
		s.in.log.Info("global store complete", "store", s.spec.Name, "topic", s.topic)
	}
	close(g.complete)
}
