package sim

import (
	"fmt"
	"slices"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// taskID names a task.
type taskID struct{ subtopology, partition int }

func (id taskID) String() string { return fmt.Sprintf("%d_%d", id.subtopology, id.partition) }

// commitOffset is an offset to commit, with the task that commits it.
type commitOffset struct {
	record.TopicPartition
	next int64
	time int64
	task taskID
	// appended is its place in the coordinator's log.
	appended int
}

func (o commitOffset) String() string {
	return fmt.Sprintf("%s[%d]@%d", o.Topic, o.Partition, o.next)
}

// group is the consumer group as its coordinator has it.
type group struct {
	checks     *checks
	generation int
	members    []*member
	tasks      []taskID
	// owner is the member that a task was given to and that has not given it back.
	owner   map[taskID]*member
	offsets map[record.TopicPartition]commitOffset
	// unbalanced tells that a rebalance is due.
	unbalanced bool
	joined     int
	appended   int
}

// member is one member, alive or not.
type member struct {
	id string
	in *instance
	// news is what the last rebalance has for the member and it has not heard.
	news *assignment
	// releasing tells that it is about to give tasks back.
	releasing bool
}

// assignment is what a member is told at the end of a rebalance.
type assignment struct {
	generation int
	add        []taskID
	revoke     []taskID
	standby    []taskID
	live       []string
}

func (g *group) join(in *instance) string {
	g.joined++
	m := &member{id: fmt.Sprintf("m%d", g.joined), in: in}
	g.members = append(g.members, m)
	g.unbalanced = true
	return m.id
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// expel takes a member for dead. Its tasks are free; it hears of it when it next asks.
func (g *group) expel(m *member) {
	g.members = slices.DeleteFunc(g.members, func(x *member) bool { return x == m })
	g.generation++
	for _, id := range g.tasks {
		if g.owner[id] == m {
			delete(g.owner, id)
		}
	}
	g.unbalanced = true
}

// settled reports whether every member has heard of the last rebalance and done what it asked for.
func (g *group) settled() bool {
	return !slices.ContainsFunc(g.members, func(m *member) bool { return m.news != nil || m.releasing })
}

// rebalance begins a new generation: free tasks are given away, and some others are asked back.
func (g *group) rebalance(c *choices, move bool) {
	g.generation++
	g.unbalanced = false
	if len(g.members) == 0 {
		return
	}
	var live []string
	for _, m := range g.members {
		live = append(live, m.in.process)
	}
	for _, m := range g.members {
		m.news = &assignment{generation: g.generation, live: live}
	}
	for _, id := range g.tasks {
		switch m := g.owner[id]; {
		case m == nil:
			to := g.leastLoaded(c)
			g.owner[id] = to
			to.news.add = append(to.news.add, id)
		case move && c.in(3):
			m.news.revoke = append(m.news.revoke, id)
		}
		for _, m := range g.members {
			if g.owner[id] != m && c.in(3) {
				m.news.standby = append(m.news.standby, id)
			}
			if slices.Contains(m.news.revoke, id) && c.in(2) { // it keeps the state that it has
				m.news.standby = append(m.news.standby, id)
			}
		}
	}
}

func (g *group) leastLoaded(c *choices) *member {
	if c.in(4) {
		return pick(c, g.members)
	}
	load := make(map[*member]int)
	for _, m := range g.owner {
		load[m]++
	}
	return slices.MinFunc(g.members, func(a, b *member) int { return load[a] - load[b] })
}

// check refuses a commit of another generation than the group's.
func (g *group) check(member string, generation int) error {
	if m := g.member(member); m == nil || generation != g.generation {
		return errFenced
	}
	return nil
}

// owned checks that a member whose commit is taken owns what it commits (one owner a task at a time).
func (g *group) owned(member string, offsets []commitOffset) {
	for _, o := range offsets {
		if owner := g.owner[o.task]; owner == nil || owner.id != member {
			g.checks.fail("member %s commits %s[%d]@%d of task %v, which is not its own", member, o.Topic, o.Partition, o.next, o.task)
		}
	}
}

// commit is OffsetCommit.
func (g *group) commit(member string, generation int, offsets []commitOffset) error {
	if err := g.check(member, generation); err != nil {
		return err
	}
	g.owned(member, offsets)
	g.keep(g.append(offsets))
	return nil
}

// append writes offsets to the coordinator's log.
func (g *group) append(offsets []commitOffset) []commitOffset {
	offsets = slices.Clone(offsets)
	for i := range offsets {
		g.appended++
		offsets[i].appended = g.appended
	}
	return offsets
}

// keep makes offsets the group's. Those of a transaction come when that is over; what was written after them
// meanwhile stands.
func (g *group) keep(offsets []commitOffset) {
	for _, o := range offsets {
		before, ok := g.offsets[o.TopicPartition]
		if ok && before.appended > o.appended {
			continue
		}
		if ok && before.next > o.next {
			g.checks.fail("the committed offset of %s[%d] falls from %d to %d", o.Topic, o.Partition, before.next, o.next)
		}
		g.offsets[o.TopicPartition] = o
	}
}

// inputs returns what a task reads.
func inputs(sub *topology.Subtopology, partition int) (tps []record.TopicPartition) {
	for _, n := range sub.Sources() {
		for _, topic := range n.Topics {
			tps = append(tps, record.TopicPartition{Topic: topic.For(application), Partition: int32(partition)})
		}
	}
	return tps
}
