package app

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
)

// Metrics is a snapshot of an instance's figures. Package metrics makes Prometheus metrics of it. Counters
// belong to the tasks that the instance has, and start at zero when it gets one.
type Metrics struct {
	// Application is the application id.
	Application string
	State       State
	// Commit is the time that commits took, in all workers.
	Commit Histogram
	Tasks  []TaskMetrics
	// Standbys are the tasks whose state is kept up without running them, warm-ups included.
	Standbys []StandbyMetrics
}

// TaskMetrics are the figures of one task.
type TaskMetrics struct {
	Task string
	// Restoring tells that the task is not processing yet.
	Restoring bool
	// RecordsIn counts records that were processed, skipped ones included.
	RecordsIn int64
	// Process is the time that a task's turns took; each turn handles up to 512 records.
	Process Histogram
	// RecordsOut counts records produced, by topic, changelogs included.
	RecordsOut map[string]int64
	// Dropped counts records left out.
	Dropped map[Drop]int64
	// Absorbed counts updates of tables that the record cache did not send on, because a later one of the same
	// key came before the commit. As of the last commit.
	Absorbed int64
	// Lag is the number of records on the broker that have not been fetched, by input.
	Lag map[record.TopicPartition]int64
	// Stores are the sizes of the stores in the local state, as of the last commit that reached it.
	Stores map[string]StoreMetrics
}

// Drop says where and why a record was left out.
type Drop struct {
	Node   string
	Reason processor.DropReason
}

// StoreMetrics are the figures of one task's store.
type StoreMetrics struct {
	// Keys is -1 where it is not known.
	Keys, Bytes int64
	// Pending is the size of writes that have not been committed.
	Pending int64
	// RestoreRemaining is the number of offsets still to be restored, RestoreRate the change records restored
	// a second.
	RestoreRemaining int64
	RestoreRate      float64
	Restored         int64
}

// Histogram counts durations by upper bounds.
type Histogram struct {
	// Bounds are upper bounds in seconds, inclusive; Counts are the durations up to each, cumulative.
	Bounds []float64
	Counts []uint64
	Count  uint64
	// Sum is in seconds.
	Sum float64
}

// histogramBounds are seconds: commits and turns take from microseconds to, on a bad day, a minute.
var histogramBounds = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60}

// histogram is a Histogram that is being filled. It may be used from any goroutine.
type histogram struct {
	counts [18]atomic.Uint64 // one for each bound, one above
	sum    atomic.Int64      // nanoseconds
}

func (h *histogram) observe(d time.Duration) {
	s := d.Seconds()
	i := 0
	for i < len(histogramBounds) && s > histogramBounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) snapshot() Histogram {
	out := Histogram{Bounds: histogramBounds, Counts: make([]uint64, len(histogramBounds)), Sum: time.Duration(h.sum.Load()).Seconds()}
	for i := range h.counts {
		out.Count += h.counts[i].Load()
		if i < len(out.Counts) {
			out.Counts[i] = out.Count
		}
	}
	return out
}

// metrics are the figures of an App.
type metrics struct {
	commit histogram
	mu     sync.Mutex
	tasks  map[string]*taskStats
	// standbys are guarded by mu, contents included.
	standbys map[string]*StandbyMetrics
}

// taskStats are the figures of one task. Its worker writes them, any goroutine reads them.
type taskStats struct {
	in       atomic.Int64
	absorbed atomic.Int64
	process  histogram

	mu        sync.Mutex
	restoring bool
	out       map[string]int64
	dropped   map[Drop]int64
	lag       map[record.TopicPartition]int64
	stores    map[string]StoreMetrics
}

// task returns the figures of a task that the instance has been given.
func (m *metrics) task(id string) *taskStats {
	s := &taskStats{
		restoring: true, out: make(map[string]int64), dropped: make(map[Drop]int64),
		lag: make(map[record.TopicPartition]int64), stores: make(map[string]StoreMetrics),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tasks == nil {
		m.tasks = make(map[string]*taskStats)
	}
	m.tasks[id] = s
	return s
}

func (m *metrics) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tasks, id)
}

func (m *metrics) restore(e RestoreEvent) {
	m.mu.Lock()
	s := m.tasks[e.Task]
	m.mu.Unlock()
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.stores[e.Store]
	x.Restored, x.RestoreRate, x.RestoreRemaining = e.Records, e.Rate, max(0, e.End-e.Position)
	s.stores[e.Store] = x
}

// running notes that the task processes.
func (s *taskStats) running() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restoring = false
}

// processed notes a turn.
func (s *taskStats) processed(records int, d time.Duration) {
	s.in.Add(int64(records))
	s.process.observe(d)
}

// fetched notes what an input has beyond what was fetched.
func (s *taskStats) fetched(tp record.TopicPartition, lag int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag[tp] = max(0, lag)
}

// sent notes outputs; runs of one topic are counted at once.
func (s *taskStats) sent(outputs []processor.Output) {
	if len(outputs) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(outputs); {
		j := i + 1
		for j < len(outputs) && outputs[j].Topic == outputs[i].Topic {
			j++
		}
		s.out[outputs[i].Topic] += int64(j - i)
		i = j
	}
}

// Dropped implements task.Observer.
func (s *taskStats) Dropped(_, node string, reason processor.DropReason, _ processor.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped[Drop{node, reason}]++
}

// measure notes what a task has absorbed and the sizes of its stores.
func (s *taskStats) measure(t *task.Task) {
	s.absorbed.Store(t.Absorbed())
	s.mu.Lock()
	defer s.mu.Unlock()
	t.StoreStats(func(name string, st statestore.Stats, pending int) {
		x := s.stores[name]
		x.Keys, x.Bytes, x.Pending = st.Keys, st.Bytes, int64(pending)
		s.stores[name] = x
	})
}

// Metrics returns a snapshot of the instance's figures. It may be called at any time from any goroutine.
func (a *App) Metrics() Metrics {
	out := Metrics{Application: a.cfg.Application, State: a.State(), Commit: a.metrics.commit.snapshot()}
	a.metrics.mu.Lock()
	defer a.metrics.mu.Unlock()
	for id, s := range a.metrics.tasks {
		out.Tasks = append(out.Tasks, s.snapshot(id))
	}
	for _, s := range a.metrics.standbys {
		out.Standbys = append(out.Standbys, s.copyOf())
	}
	return out
}

func (s *taskStats) snapshot(id string) TaskMetrics {
	t := TaskMetrics{
		Task: id, RecordsIn: s.in.Load(), Process: s.process.snapshot(), RecordsOut: make(map[string]int64),
		Dropped: make(map[Drop]int64), Absorbed: s.absorbed.Load(), Lag: make(map[record.TopicPartition]int64), Stores: make(map[string]StoreMetrics),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Restoring = s.restoring
	maps.Copy(t.RecordsOut, s.out)
	maps.Copy(t.Dropped, s.dropped)
	maps.Copy(t.Lag, s.lag)
	maps.Copy(t.Stores, s.stores)
	return t
}
