package sim

import (
	"fmt"
	"slices"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// instance is one instance of the application, over all processes that it is in turn.
type instance struct {
	run  *run
	name string
	// up tells that a process runs, stopped that it gets no time (SIGSTOP).
	up, stopped bool
	// process is the name in the state directory; it changes when that is lost.
	process string
	lives   int
	disks   map[taskID]*disk

	// member and generation are what the process knows of its membership; the id is empty while it has none.
	member     string
	generation int
	live       []string
	workers    []*worker
	tasks      []*entry
	restoring  []*entry
	standbys   []*entry
	// left is what released tasks had in memory, for standbys of them.
	left map[taskID]*disk
	// releasing are the tasks that the membership waits for; then is what it does when they are released.
	releasing []*entry
	then      func()
}

// answers reports whether the group sees a sign of life.
func (in *instance) answers() bool { return in.up && !in.stopped }

// entry is a task that the group has given to an instance (app's entry).
type entry struct {
	id     taskID
	sub    *topology.Subtopology
	inputs []record.TopicPartition
	worker *worker
	stores []*entryStore

	persistent, memory *disk

	lost, gone, dead bool
	// held tells that the task waits for the commit under way, and writes, that its local state will get that one.
	held, writes bool
	task         *task.Task
	// start is where the inputs begin, and then what was last to be committed of them.
	start map[record.TopicPartition]commitOffset
	// at is where each input is read on.
	at map[record.TopicPartition]int64

	// planned tells that the stores' ranges are known.
	planned bool
}

// entryStore is a store of an entry, with its restore.
type entryStore struct {
	spec      *topology.Store
	backend   *disk
	changelog record.TopicPartition
	acked     *int64
	engine    statestore.Engine
	at, end   int64
}

// start begins a new process.
func (in *instance) start() {
	in.up, in.stopped = true, false
	in.lives++
	if in.process == "" {
		in.process = fmt.Sprintf("%s.%d", in.name, in.lives)
		in.disks = make(map[taskID]*disk)
	}
	in.workers, in.tasks, in.restoring, in.releasing, in.then = nil, nil, nil, nil, nil
	in.live, in.standbys, in.left = nil, nil, make(map[taskID]*disk)
	in.fenceOwn()
	for n := range in.run.workersEach {
		w := &worker{in: in, number: n, cache: processor.NewCache(in.run.cfg.RecordCache)}
		w.connect()
		in.workers = append(in.workers, w)
	}
	in.join()
	in.run.trace("%s starts as %s, member %s", in.name, in.process, in.member)
}

func (in *instance) join() {
	in.member, in.generation = in.run.broker.group.join(in), -1
}

// crash ends the process at once. What it had handed to the network may still arrive.
func (in *instance) crash() {
	c := &in.run.choices
	in.run.trace("%s crashes", in.name)
	in.up, in.member = false, ""
	for _, w := range in.workers {
		for len(w.client.queue) > 0 && !c.in(3) {
			if !w.client.deliver(c) {
				break
			}
		}
	}
	in.workers, in.tasks, in.restoring, in.releasing, in.then, in.standbys = nil, nil, nil, nil, nil, nil
	switch {
	case c.in(4): // the directory is lost
		in.process = ""
		in.run.trace("%s loses its state", in.name)
	default:
		behind := c.in(3)
		for id, d := range in.disks {
			in.disks[id] = d.crash(behind)
		}
		if behind {
			in.run.trace("%s finds its state one batch behind", in.name)
		}
	}
}

// newEntry returns a task with its places for state; memory is the one in memory, nil for an empty one.
func (in *instance) newEntry(id taskID, memory *disk) *entry {
	sub := in.run.topology.Subtopologies[id.subtopology]
	if in.disks[id] == nil {
		in.disks[id] = newDisk(fmt.Sprintf("%s task %v", in.name, id), &in.run.checks)
	}
	if memory == nil {
		memory = newDisk(fmt.Sprintf("%s task %v in memory", in.name, id), &in.run.checks)
	}
	e := &entry{id: id, sub: sub, inputs: inputs(sub, id.partition), persistent: in.disks[id], memory: memory}
	for _, spec := range sub.Stores {
		s := &entryStore{spec: spec, backend: memory}
		if spec.Persistent {
			s.backend = e.persistent
		}
		topic, _ := spec.Changelog()
		s.changelog = record.TopicPartition{Topic: topic.For(application), Partition: int32(id.partition)}
		e.stores = append(e.stores, s)
	}
	return e
}

func (e *entry) position(store int, committed map[record.TopicPartition]int64) (statestore.Position, bool) {
	s := e.stores[store]
	if s.spec.Source != "" {
		next, ok := committed[s.changelog]
		return statestore.Position{Next: next}, ok
	}
	return statestore.Position{Next: *s.acked}, *s.acked >= 0
}

func (e *entry) positions(committed map[record.TopicPartition]int64) task.Positions {
	return func(store int) (statestore.Position, bool) { return e.position(store, committed) }
}

// fenceOwn ends what the process before left open (app/fence.go).
func (in *instance) fenceOwn() {
	for _, id := range in.run.broker.openTransactions(application + "-" + in.process + "-") {
		in.run.broker.initialize(id)
	}
}

// fenceDead ends what instances that are not in the group have left open (app/fence.go).
func (in *instance) fenceDead() {
	if in.live == nil || !in.run.cfg.ExactlyOnce {
		return
	}
	for _, id := range in.run.broker.openTransactions(application + "-") {
		if process := processOf(id); process != in.process && !slices.Contains(in.live, process) {
			in.run.trace("%s fences %s", in.name, id)
			in.run.broker.initialize(id)
		}
	}
}

// close ends the process in order: its tasks are committed and given back.
func (in *instance) close() {
	g := &in.run.broker.group
	in.release(in.ids(), false, func() {
		if m := g.member(in.member); m != nil {
			g.expel(m)
		}
		in.up, in.member = false, ""
		in.workers, in.tasks, in.restoring, in.standbys = nil, nil, nil, nil
	})
}
