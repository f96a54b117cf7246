package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// layout is a topology on the topics that there are: partition counts and tasks.
type layout struct {
	application string
	// partitions of every topic that a subtopology reads, by full name.
	partitions map[string]int32
	// internal are the repartition topics.
	internal map[string]*topology.Repartition
	subs     map[int]*topology.Subtopology
	// reader is the subtopology that reads a topic.
	reader map[string]int
	tasks  []assign.TaskInfo
}

// sourceTopics returns the topics of others that the topology reads, sorted.
func sourceTopics(t *topology.Topology) []string {
	var out []string
	for _, sub := range t.Subtopologies {
		for _, n := range sub.Sources() {
			for _, topic := range n.Topics {
				if !topic.Internal {
					out = append(out, topic.Name)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// newLayout works out the partition counts of repartition topics and the tasks. external are the partition
// counts of the source topics; all problems are reported together.
func newLayout(application string, t *topology.Topology, external map[string]int32) (*layout, error) {
	l := &layout{
		application: application, partitions: make(map[string]int32), internal: make(map[string]*topology.Repartition),
		subs: make(map[int]*topology.Subtopology), reader: make(map[string]int),
	}
	maps.Copy(l.partitions, external)
	for _, sub := range t.Subtopologies {
		if sub.Global {
			continue
		}
		l.subs[sub.ID] = sub
		for _, r := range sub.Repartitions {
			l.internal[r.Topic.For(application)] = r
		}
		for _, n := range sub.Sources() {
			for _, topic := range n.Topics {
				l.reader[topic.For(application)] = sub.ID
			}
		}
	}
	if err := l.resolve(t); err != nil {
		return nil, err
	}
	for _, sub := range t.Subtopologies {
		if sub.Global {
			continue
		}
		var most int32
		for _, topic := range l.topics(sub) {
			most = max(most, l.partitions[topic])
		}
		for p := range most {
			l.tasks = append(l.tasks, assign.TaskInfo{ID: assign.Task{Subtopology: sub.ID, Partition: p}, Stateful: stateful(sub)})
		}
	}
	return l, nil
}

func stateful(sub *topology.Subtopology) bool {
	return slices.ContainsFunc(sub.Stores, func(s *topology.Store) bool { _, ok := s.Changelog(); return ok })
}

// topics returns the full names of what a subtopology reads.
func (l *layout) topics(sub *topology.Subtopology) []string {
	var out []string
	for _, n := range sub.Sources() {
		for _, topic := range n.Topics {
			out = append(out, topic.For(l.application))
		}
	}
	return out
}

// resolve sets the partition counts of the repartition topics: what the user asked for, else what
// co-partitioning with a topic of others asks for, else as many as the largest topic that flows into it.
func (l *layout) resolve(t *topology.Topology) error {
	var errs []error
	for name, r := range l.internal {
		if r.Partitions > 0 {
			l.partitions[name] = r.Partitions
		}
	}
	// A foreign-key join's answers flow back to where its questions come from, so what flows is not enough.
	for _, sub := range t.Subtopologies {
		for _, group := range sub.Copartitioned {
			l.adopt(group)
		}
	}
	writers := l.writers(t)
	names := slices.Sorted(maps.Keys(l.internal))
	for l.flow(names, writers, true) || l.flow(names, writers, false) {
	}
	for _, sub := range t.Subtopologies {
		for _, group := range sub.Copartitioned {
			if err := l.copartition(group); err != nil {
				errs = append(errs, err)
			}
		}
	}
	for _, name := range names {
		if l.partitions[name] == 0 {
			errs = append(errs, fmt.Errorf("repartition topic %q: nothing that is read flows into it, so its number of partitions is not known; set it in Repartition", name))
		}
	}
	return errors.Join(errs...)
}

// adopt gives the repartition topics of a group without a number the one of the topics of others in it.
func (l *layout) adopt(group []topology.Topic) {
	var want int32
	for _, topic := range group {
		if !topic.Internal && want == 0 {
			want = l.partitions[topic.Name]
		}
	}
	for _, topic := range group {
		if name := topic.For(l.application); topic.Internal && l.partitions[name] == 0 {
			l.partitions[name] = want
		}
	}
}

// flow gives repartition topics without a number the largest of what flows into them, once all of that is known;
// without all, it goes by what is known for the first topic that it can, and leaves the others to those that follow
// from it. It reports whether there was one.
func (l *layout) flow(names []string, writers map[string][]*topology.Subtopology, all bool) (found bool) {
	for _, name := range names {
		if l.partitions[name] > 0 {
			continue
		}
		var most int32
		known := true
		for _, sub := range writers[name] {
			for _, topic := range l.topics(sub) {
				if topic == name {
					continue // a loop says nothing about its own size
				}
				most = max(most, l.partitions[topic])
				known = known && l.partitions[topic] > 0
			}
		}
		if most > 0 && (known || !all) {
			l.partitions[name] = most
			if found = true; !all {
				return found
			}
		}
	}
	return found
}

// writers returns for each internal topic the subtopologies that write it.
func (l *layout) writers(t *topology.Topology) map[string][]*topology.Subtopology {
	out := make(map[string][]*topology.Subtopology)
	for _, sub := range t.Subtopologies {
		for _, n := range sub.Sinks() {
			for _, topic := range n.Topics {
				name := topic.For(l.application)
				out[name] = append(out[name], sub)
			}
		}
	}
	return out
}

// copartition makes the topics of one group equal in partitions, or says why that cannot be.
func (l *layout) copartition(group []topology.Topic) error {
	var want int32
	var by string
	var mixed []string
	fixed := func(name string, n int32) {
		mixed = append(mixed, fmt.Sprintf("%s: %d", name, n))
		if want == 0 {
			want, by = n, name
		}
	}
	for _, topic := range group {
		if !topic.Internal {
			fixed(topic.Name, l.partitions[topic.Name])
		}
	}
	for _, topic := range group {
		name := topic.For(l.application)
		if r := l.internal[name]; r != nil && r.Partitions > 0 {
			fixed(name, r.Partitions)
		}
	}
	if want == 0 { // only topics whose size is ours to choose
		for _, topic := range group {
			want = max(want, l.partitions[topic.For(l.application)])
		}
	}
	for _, topic := range group {
		name := topic.For(l.application)
		if r := l.internal[name]; r != nil && r.Partitions == 0 {
			l.partitions[name] = want
			continue
		}
		if l.partitions[name] != want {
			slices.Sort(mixed)
			return fmt.Errorf("topics that are joined must have equal numbers of partitions, but have %s; repartition one of them (stream.Repartition with %d partitions to match %s)",
				strings.Join(mixed, ", "), want, by)
		}
	}
	return nil
}

// taskOf returns the task that reads a partition.
func (l *layout) taskOf(tp record.TopicPartition) (assign.Task, bool) {
	sub, ok := l.reader[tp.Topic]
	return assign.Task{Subtopology: sub, Partition: tp.Partition}, ok
}

// inputs returns the partitions that a task reads.
func (l *layout) inputs(id assign.Task) []record.TopicPartition {
	var out []record.TopicPartition
	for _, topic := range l.topics(l.subs[id.Subtopology]) {
		if id.Partition < l.partitions[topic] {
			out = append(out, record.TopicPartition{Topic: topic, Partition: id.Partition})
		}
	}
	return out
}

// tasksOf groups partitions by the task that reads them, in task order.
func (l *layout) tasksOf(tps []record.TopicPartition) []assign.Task {
	var out []assign.Task
	for _, tp := range tps {
		if id, ok := l.taskOf(tp); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, assign.Task.Compare)
	return out
}

// subscribed returns all topics that the application reads, sorted.
func (l *layout) subscribed() []string {
	var out []string
	for topic := range l.reader {
		out = append(out, topic)
	}
	slices.Sort(out)
	return out
}

// size is the number of tasks of a subtopology.
func (l *layout) size(sub *topology.Subtopology) int32 {
	var most int32
	for _, topic := range l.topics(sub) {
		most = max(most, l.partitions[topic])
	}
	return most
}
