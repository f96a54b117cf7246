package app

import (
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// entry is a task that the group has given to this instance, from then until it is taken away.
type entry struct {
	id     assign.Task
	sub    *topology.Subtopology
	inputs []record.TopicPartition
	worker *worker

	persistent statestore.Backend
	memory     statestore.Backend
	stores     []*entryStore

	// lost is set when the group has given the task to others: nothing of it may be committed any more.
	lost atomic.Bool
	// gone is set when the task is taken away in whatever way: it must not be started any more.
	gone atomic.Bool
	// member is the id under which the group gave the task to this instance; nil while that is not known.
	member atomic.Pointer[string]
	// running tells that the state is complete and the worker has the task.
	running atomic.Bool

	// What follows belongs to the worker.

	task *task.Task
	// caches is the memory of the task's typed caches.
	caches *taskCaches
	// start is where each input begins.
	start map[record.TopicPartition]kafka.Offset
	// numbers are the inputs' numbers in the task.
	numbers map[record.TopicPartition]int
	paused  map[record.TopicPartition]bool
	// sending is how its outputs are written.
	sending sending
	// confirmed is when the last commit went through, in milliseconds; written, when the local state last got one.
	confirmed int64
	written   time.Time
	// held tells that the task waits for the commit under way, and writes, that its local state will get that one.
	held, writes bool
	// dead tells that the task has failed or was fenced; it waits to be taken away.
	dead bool
	// stats are read by others.
	stats *taskStats
}

// entryStore is a store of an entry.
type entryStore struct {
	spec    *topology.Store
	backend statestore.Backend
	// changelog is the partition that the store is restored from; logged tells whether there is one.
	changelog record.TopicPartition
	logged    bool
	topicID   [16]byte
	// acked is the offset behind the last change record that was acknowledged, -1 if none was since the
	// task began. It is written by the client's goroutine and read by the worker after a flush. Each start
	// of the task has one of its own: an acknowledgement that comes late must not count for the next.
	acked *atomic.Int64
	// restored is the position that the store had when its worker got it, or that of a later commit.
	restored int64
}

// position returns up to where a store is complete now that a commit has gone through: nobody else can have
// written anything, whether the store has changed or not.
func (e *entry) position(store int, committed map[record.TopicPartition]int64) (statestore.Position, bool) {
	s := e.stores[store]
	if !s.logged {
		return statestore.Position{}, false
	}
	if s.spec.Source != "" { // the source topic is the changelog: the state is that of the committed offset
		if next, ok := committed[s.changelog]; ok {
			s.restored = next
		}
	} else if next := s.acked.Load(); next >= 0 {
		s.restored = next
	}
	return statestore.Position{Next: s.restored, Topic: s.topicID, Time: e.confirmed}, true
}
