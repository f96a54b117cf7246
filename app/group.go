package app

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// group is the instance's side of the consumer group: it divides tasks when this instance leads, and takes
// up and gives up the tasks of this instance. Its methods are called by the membership's goroutine.
type group struct {
	in     *instance
	member atomic.Pointer[kafka.Member]
	// live are the processes that the last assignment named.
	live atomic.Pointer[assign.Processes]
}

// joinedAs may come after the first tasks.
func (g *group) joinedAs(m *kafka.Member) {
	g.member.Store(m)
	g.in.mu.Lock()
	defer g.in.mu.Unlock()
	for _, e := range g.in.tasks {
		if e.member.Load() == nil {
			g.given(e)
		}
	}
}

// Name is the group protocol's name; only instances of leat have it.
func (g *group) Name() string { return "leat" }

// Userdata tells the leader what this instance runs and which state it holds.
func (g *group) Userdata() []byte {
	in := g.in
	s := assign.Subscription{
		Process: in.state.process, Topology: topologyHash(in.layout), Capacity: in.cfg.Workers, Tags: in.cfg.Tags,
	}
	in.mu.Lock()
	for id, e := range in.tasks {
		if e.running.Load() {
			s.Owned = append(s.Owned, id)
		}
	}
	in.mu.Unlock()
	s.Standby, s.Warmup = in.standbys.lists()
	s.Positions = in.state.positions(in.layout, in.restore.inMemory())
	return assign.AppendSubscription(nil, s)
}

// topologyHash is equal for instances that can run the same tasks.
func topologyHash(l *layout) uint64 {
	h := fnv.New64a()
	for _, topic := range l.subscribed() {
		_, _ = h.Write([]byte(topic))
		_, _ = h.Write([]byte{0, byte(l.reader[topic])})
	}
	return h.Sum64()
}

// Assign divides the tasks among the members.
func (g *group) Assign(members []kafka.MemberInfo, _ map[string]int32) (map[string]kafka.Assignment, error) {
	l := g.in.layout
	cfg := g.in.cfg
	g.in.lookForPartitions(context.Background())
	req := assign.Request{
		Tasks: l.tasks, Standbys: cfg.Standbys, RackTags: cfg.RackTags, AcceptableLag: cfg.AcceptableLag, MaxWarmups: max(0, cfg.MaxWarmups),
	}
	if len(members) > 1 && req.MaxWarmups > 0 {
		req.Tasks = g.withEnds(l.tasks)
	}
	process := make(map[string]string, len(members))
	for _, m := range members {
		am := assign.Member{ID: m.ID, Capacity: 1, Owned: l.tasksOf(m.Owned)}
		s, err := assign.DecodeSubscription(m.Userdata)
		switch {
		case err != nil:
			g.in.log.Warn("a member's userdata cannot be read; it gets tasks by count only", "member", m.ID, "err", err)
		case s.Topology != topologyHash(l):
			g.in.log.Warn("a member runs another topology; give different topologies different application ids, or roll the new one out to every instance", "member", m.ID)
		}
		if err == nil {
			am.Capacity = s.Capacity
			am.Positions = make(map[assign.Task]int64, len(s.Positions))
			for _, p := range s.Positions {
				am.Positions[p.Task] = p.Sum
			}
			am.Process, am.Running, am.Standby, am.Warmup, am.Tags = s.Process, s.Owned, s.Standby, s.Warmup, s.Tags
			process[m.ID] = s.Process
		}
		am.NoReplicas = err != nil || s.Version < replicasVersion || s.Topology != topologyHash(l)
		req.Members = append(req.Members, am)
	}
	plan, err := assign.Tasks(req)
	if err != nil {
		return nil, err
	}
	g.in.probe.planned(plan)
	var live assign.Processes
	for _, m := range members {
		live = live.Add(process[m.ID])
	}
	out := make(map[string]kafka.Assignment, len(members))
	for _, m := range members {
		a := assign.Assignment{
			Later: plan.Later[m.ID], Standby: plan.Standby[m.ID], Warmup: plan.Warmup[m.ID], Awaited: plan.Awaited[m.ID],
			Live: live, Process: process[m.ID],
		}
		var tps []record.TopicPartition
		for _, id := range plan.Active[m.ID] {
			a.Active = append(a.Active, assign.Grant{Task: id})
			tps = append(tps, l.inputs(id)...)
		}
		// Tasks that are on the move are part of the goal; the membership holds them back until their owner
		// has given them up.
		for _, id := range plan.Later[m.ID] {
			tps = append(tps, l.inputs(id)...)
		}
		out[m.ID] = kafka.Assignment{Partitions: tps, Userdata: assign.AppendAssignment(nil, a)}
	}
	return out, nil
}

// replicasVersion is the first version of userdata whose members keep up standbys and warm-ups.
const replicasVersion = 2

// endsTimeout bounds how long a leader looks for the ends of changelogs. Without them it compares members.
const endsTimeout = 5 * time.Second

// withEnds adds to tasks what the position of a member that has caught up comes to.
func (g *group) withEnds(tasks []assign.TaskInfo) []assign.TaskInfo {
	ctx, cancel := context.WithTimeout(context.Background(), endsTimeout)
	defer cancel()
	var logs, sources []record.TopicPartition
	for _, t := range tasks {
		for _, s := range g.in.layout.subs[t.ID.Subtopology].Stores {
			if tp, ok := g.in.layout.changelogOf(s, t.ID.Partition); ok {
				logs = append(logs, tp)
				if s.Source != "" {
					sources = append(sources, tp)
				}
			}
		}
	}
	if len(logs) == 0 {
		return tasks
	}
	ends, err := g.in.admin.EndOffsets(ctx, logs)
	var committed map[record.TopicPartition]kafka.Offset
	if err == nil && len(sources) > 0 {
		committed, err = g.in.admin.GroupOffsets(ctx, g.in.cfg.Application, false, sources...)
	}
	if err != nil {
		g.in.log.Warn("the ends of the changelogs are not known; members' state is compared with each other's only", "err", err)
		return tasks
	}
	for _, tp := range sources { // what has not been processed is not part of the state
		ends[tp] = min(ends[tp], committed[tp].Next)
	}
	out := slices.Clone(tasks)
	for i := range out {
		t := &out[i]
		for _, s := range g.in.layout.subs[t.ID.Subtopology].Stores {
			if tp, ok := g.in.layout.changelogOf(s, t.ID.Partition); ok {
				t.End += ends[tp]
			}
		}
	}
	return out
}

// AssignmentData is what the leader tells this instance beside its partitions.
func (g *group) AssignmentData(userdata []byte) {
	a, err := assign.DecodeAssignment(userdata)
	if err != nil {
		g.in.log.Warn("the leader's userdata cannot be read", "err", err)
		return
	}
	g.live.Store(&a.Live)
	g.in.standbys.assigned(a)
	g.in.probe.assigned(a)
}

// Assigned takes tasks up: their state is restored, then their worker runs them.
func (g *group) Assigned(ctx context.Context, added []record.TopicPartition) {
	in := g.in
	added = in.known(added)
	for _, id := range in.layout.tasksOf(added) {
		if !slices.Contains(added, in.layout.inputs(id)[0]) {
			continue
		}
		in.mu.Lock()
		have := in.tasks[id] != nil
		in.mu.Unlock()
		if have {
			continue
		}
		e := in.newEntry(id, in.standbys.promote(id))
		e.stats = in.app.metrics.task(id.String())
		in.mu.Lock()
		g.given(e)
		in.tasks[id] = e
		in.restoring++
		e.worker = in.leastLoaded()
		e.worker.load++
		in.mu.Unlock()
		in.settle()
		in.log.Info("task assigned", "task", id.String(), "worker", e.worker.number)
		in.restore.add(e)
	}
}

// leastLoaded returns the worker with the fewest tasks. The caller holds mu.
func (in *instance) leastLoaded() *worker {
	return slices.MinFunc(in.workers, func(a, b *worker) int { return a.load - b.load })
}

// newEntry returns a task with its places for state, of which memory is the one in memory.
func (in *instance) newEntry(id assign.Task, memory statestore.Backend) *entry {
	sub := in.layout.subs[id.Subtopology]
	e := &entry{id: id, sub: sub, inputs: in.layout.inputs(id), memory: memory, persistent: in.state.task(id)}
	for _, spec := range sub.Stores {
		s := &entryStore{spec: spec, backend: e.memory}
		if spec.Persistent {
			s.backend = e.persistent
		}
		s.changelog, s.logged = in.layout.changelogOf(spec, id.Partition)
		s.topicID = in.ids[s.changelog.Topic]
		e.stores = append(e.stores, s)
	}
	return e
}

// Revoked gives tasks up: when it returns they are committed and nothing of them will be.
func (g *group) Revoked(_ context.Context, revoked []record.TopicPartition) {
	g.release(revoked, false)
}

// Lost drops tasks that others may have already, without a commit.
func (g *group) Lost(_ context.Context, lost []record.TopicPartition) { g.release(lost, true) }

func (g *group) release(tps []record.TopicPartition, lost bool) {
	in := g.in
	var gone []*entry
	in.mu.Lock()
	for _, id := range in.layout.tasksOf(tps) {
		if e := in.tasks[id]; e != nil {
			e.gone.Store(true)
			if lost || g.outdated(e) {
				e.lost.Store(true)
			}
			gone = append(gone, e)
		}
	}
	in.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	running := make(map[*worker][]*entry)
	for _, e := range gone {
		if !in.restore.cancel(e) {
			running[e.worker] = append(running[e.worker], e)
		}
	}
	var waits []<-chan struct{}
	for w, es := range running {
		waits = append(waits, w.release(es))
	}
	for _, done := range waits {
		<-done
	}
	in.mu.Lock()
	for _, e := range gone {
		delete(in.tasks, e.id)
		e.worker.load--
	}
	in.mu.Unlock()
	for _, e := range gone {
		in.state.released(e.id)
		in.standbys.released(e)
		in.app.metrics.drop(e.id.String())
		in.log.Info("task released", "task", e.id.String(), "lost", lost)
	}
	in.settle()
}

// Complete tells that the rebalance is over.
func (g *group) Complete(generation int32) {
	g.renew(context.Background())
	g.in.mu.Lock()
	g.in.joined = true
	tasks := len(g.in.tasks)
	g.in.mu.Unlock()
	g.in.log.Info("rebalanced", "generation", generation, "tasks", tasks)
	g.in.standbys.follow()
	g.in.probe.complete()
	g.in.settle()
}

// Failed tells that the membership is in trouble. What time cannot cure stops the application.
func (g *group) Failed(err error) {
	if kafka.InstanceTaken(err) { // going on would take it back from the other, and so forth
		g.in.fail(fmt.Errorf("another process has joined the group as instance %q; give each its own Instance: %w", g.in.cfg.Instance, err))
		return
	}
	if errors.Is(err, kafka.Unauthorized) || errors.Is(err, kafka.Invalid) {
		g.in.fail(err)
		return
	}
	g.in.log.Warn("membership in trouble; trying again", "err", err)
}
