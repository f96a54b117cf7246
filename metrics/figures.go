package metrics

import (
	"maps"
	"slices"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
)

// figures are those of one application: the sum over its instances in this process. A task can be in two
// snapshots while it moves from one instance to another, and a series may appear only once in a scrape.
type figures struct {
	app    string
	states map[app.State]int
	commit app.Histogram
	tasks  map[string]app.TaskMetrics
}

func newFigures(application string) *figures {
	return &figures{app: application, states: make(map[app.State]int), tasks: make(map[string]app.TaskMetrics)}
}

func (f *figures) add(m app.Metrics) {
	f.states[m.State]++
	f.commit = sum(f.commit, m.Commit)
	for _, t := range m.Tasks {
		if have, ok := f.tasks[t.Task]; ok {
			t = join(have, t)
		}
		f.tasks[t.Task] = t
	}
}

// join adds up what two instances say of one task. Sizes are those of the instance that runs the task.
func join(a, b app.TaskMetrics) app.TaskMetrics {
	if a.Restoring && !b.Restoring {
		a, b = b, a
	}
	out := app.TaskMetrics{
		Task: a.Task, Restoring: a.Restoring, RecordsIn: a.RecordsIn + b.RecordsIn, Process: sum(a.Process, b.Process),
		RecordsOut: added(a.RecordsOut, b.RecordsOut), Dropped: added(a.Dropped, b.Dropped),
		Absorbed: a.Absorbed + b.Absorbed,
		Lag:      make(map[record.TopicPartition]int64), Stores: make(map[string]app.StoreMetrics),
	}
	for _, t := range []app.TaskMetrics{b, a} {
		maps.Copy(out.Lag, t.Lag)
		maps.Copy(out.Stores, t.Stores)
	}
	return out
}

func added[K comparable](a, b map[K]int64) map[K]int64 {
	out := make(map[K]int64, len(a))
	for _, m := range []map[K]int64{a, b} {
		for k, n := range m {
			out[k] += n
		}
	}
	return out
}

// sum adds two histograms of the same bounds; an empty one has none.
func sum(a, b app.Histogram) app.Histogram {
	if len(a.Bounds) == 0 {
		return b
	}
	a.Counts = slices.Clone(a.Counts)
	for i := range b.Counts {
		a.Counts[i] += b.Counts[i]
	}
	a.Count += b.Count
	a.Sum += b.Sum
	return a
}
