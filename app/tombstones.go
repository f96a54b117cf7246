package app

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

// tombstonesFresh is how long a topic's setting is taken to be as it was.
const tombstonesFresh = time.Minute

// tombstones knows how long changelogs keep tombstones. It belongs to one goroutine.
type tombstones struct {
	keep map[string]time.Duration
	at   map[string]time.Time
}

// of returns how long the partitions' topics keep tombstones. Without the right to see the settings they are
// taken to be Kafka's defaults.
func (t *tombstones) of(ctx context.Context, admin *kafka.Admin, tps []record.TopicPartition) (map[string]time.Duration, error) {
	if t.keep == nil {
		t.keep, t.at = make(map[string]time.Duration), make(map[string]time.Time)
	}
	ask := make(map[string]bool)
	for _, tp := range tps {
		if at, ok := t.at[tp.Topic]; !ok || time.Since(at) > tombstonesFresh {
			ask[tp.Topic] = true
		}
	}
	if len(ask) == 0 {
		return t.keep, nil
	}
	configs, err := admin.AwaitTopicConfigs(ctx, slices.Collect(maps.Keys(ask))...)
	if err != nil && !errors.Is(err, kafka.Unauthorized) {
		return nil, err
	}
	for topic := range ask {
		t.keep[topic], t.at[topic] = changelog.Tombstones(configs[topic]), time.Now()
	}
	return t.keep, nil
}

// age returns how much time lies between two times in milliseconds, of which the first may be unknown.
func age(since, at int64) time.Duration {
	if since <= 0 {
		return math.MaxInt64
	}
	return time.Duration(at-since) * time.Millisecond
}

// touch has tasks committed that have had nothing to do for a while, so that their state counts as complete
// as of now. That takes a commit: it shows that the tasks are still this instance's.
func (w *worker) touch() {
	if time.Since(w.touched) < touchInterval {
		return
	}
	w.touched = time.Now()
	for _, e := range w.tasks {
		if !e.dead && stateful(e.sub) && !e.task.CommitNeeded() {
			e.task.RequestCommit()
		}
	}
}
