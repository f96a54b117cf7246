package sim

import (
	"fmt"
	"slices"

	"github.com/leatstream/leat/partition"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

const (
	partitions = 2
	instances  = 3
)

// Config says which run to make.
type Config struct {
	Seed uint64
	// Events is the number of events with faults, after which the run goes on without any until everything is
	// processed; 0 means 1500.
	Events int
	// ExactlyOnce runs with transactions. Else at least once, where instances that were taken for dead are dead.
	ExactlyOnce bool
	// RecordCache is the budget in bytes of each worker's record cache; 0 for none.
	RecordCache int64
	// Bug is a mistake to plant.
	Bug Bug
	// Trace takes one line for each event; nil if nobody reads them.
	Trace func(line string)
}

// Stats says what happened in runs, to see that it was something.
type Stats struct {
	Crashes, Closes, Stops, Expelled, Rebalances, Recoveries, Restores, Standbys, Promoted, Commits, Lost, Records int
}

// Add adds another run's figures.
func (s *Stats) Add(o Stats) {
	s.Crashes += o.Crashes
	s.Closes += o.Closes
	s.Stops += o.Stops
	s.Expelled += o.Expelled
	s.Rebalances += o.Rebalances
	s.Recoveries += o.Recoveries
	s.Restores += o.Restores
	s.Standbys += o.Standbys
	s.Promoted += o.Promoted
	s.Commits += o.Commits
	s.Lost += o.Lost
	s.Records += o.Records
}

// Run makes one run and returns what it found wrong.
func Run(cfg Config) (Stats, error) {
	r := &run{cfg: cfg, choices: choices{state: cfg.Seed}, words: make(map[string]int64)}
	if r.cfg.Events == 0 {
		r.cfg.Events = 1500
	}
	var err error
	if r.topology, err = program(); err != nil {
		return r.stats, err
	}
	r.broker.byTP = make(map[record.TopicPartition]*log)
	g := &r.broker.group
	g.checks, g.owner, g.offsets = &r.checks, make(map[taskID]*member), make(map[record.TopicPartition]commitOffset)
	for _, sub := range r.topology.Subtopologies {
		for p := range partitions {
			g.tasks = append(g.tasks, taskID{sub.ID, p})
			for _, tp := range inputs(sub, p) {
				r.broker.log(tp)
				r.inputs = append(r.inputs, tp)
			}
		}
	}
	r.workersEach = 1 + r.choices.below(2)
	r.everyUpdate = r.choices.in(3)
	r.quiet, r.deaf = r.choices.in(3), r.choices.in(3)
	for n := range instances {
		in := &instance{run: r, name: string(rune('A' + n))}
		r.instances = append(r.instances, in)
		in.start()
	}
	for r.event = 0; r.event < r.cfg.Events && r.checks.err == nil; r.event++ {
		r.act()
	}
	r.calm = true
	r.drain()
	if r.checks.err == nil {
		r.checkResults()
	}
	if r.checks.err != nil {
		return r.stats, fmt.Errorf("seed %d, event %d: %w", cfg.Seed, r.event, r.checks.err)
	}
	return r.stats, nil
}

// run is one run.
type run struct {
	cfg      Config
	choices  choices
	checks   checks
	stats    Stats
	topology *topology.Topology
	broker   broker
	inputs   []record.TopicPartition

	instances   []*instance
	workersEach int
	everyUpdate bool
	// quiet tells that there is little input; deaf, that instances which are taken for dead are slow to hear it.
	quiet, deaf bool
	event       int
	now         int64
	// calm tells that nothing goes wrong any more.
	calm bool

	words  map[string]int64
	visits int
}

func (r *run) trace(format string, args ...any) {
	if r.cfg.Trace != nil {
		r.cfg.Trace(fmt.Sprintf("%4d ", r.event) + fmt.Sprintf(format, args...))
	}
}

// request carries a request to the broker and the answer back; either may be lost.
func (r *run) request(f func() error) error {
	if r.calm {
		return f()
	}
	switch r.choices.below(12) {
	case 0:
		r.stats.Lost++
		return errTimeout
	case 1:
		_ = f() // done, and nobody knows
		r.stats.Lost++
		return errTimeout
	}
	return f()
}

// produce writes input.
func (r *run) produce() {
	c := &r.choices
	key := fmt.Sprintf("k%d", c.below(5))
	var topic, value string
	switch c.below(4) {
	case 0:
		topic, value = namesTopic, fmt.Sprintf("name-%d", c.below(100))
	case 1:
		topic, value = visitsTopic, fmt.Sprintf("visit-%d", r.visits)
		r.visits++
	default:
		topic, value = wordsTopic, fmt.Sprintf("w%d", c.below(5))
		r.words[value]++
	}
	tp := record.TopicPartition{Topic: topic, Partition: partition.Of([]byte(key), partitions)}
	o := processor.Output{Key: []byte(key), Value: []byte(value), Timestamp: int64(1000 + c.below(1000))}
	_, err := r.broker.write("", 0, tp, &o)
	r.checks.must(err)
	r.stats.Records++
}

// act lets one thing happen.
func (r *run) act() {
	c := &r.choices
	r.now += int64(c.below(4))
	in := pick(c, r.instances)
	switch n := c.below(100); {
	case n < 12:
		if !r.quiet || c.in(10) {
			r.produce()
		}
	case n < 16:
		r.rebalance()
	case n < 17:
		r.fault(in)
	case n < 22:
		r.mark()
	case n < 24:
		r.mend(in)
	default:
		for n := c.below(4); n >= 0; n-- {
			r.let(in)
		}
	}
}

// let gives an instance's goroutines, or its network, some time.
func (r *run) let(in *instance) {
	if !in.answers() {
		return
	}
	c := &r.choices
	w := pick(c, in.workers)
	switch c.below(7) {
	case 6:
		if len(in.standbys) > 0 {
			in.update(pick(c, in.standbys))
		}
	case 0:
		if out := r.broker.group.member(in.member) == nil; !out || !r.deaf || r.calm || c.in(40) {
			in.hear()
		}
	case 1:
		if len(in.restoring) > 0 {
			in.restore(pick(c, in.restoring))
		}
	case 2:
		for n := c.below(6); n > 0 && len(w.client.queue) > 0 && w.client.deliver(c); n-- {
		}
	case 3:
		for n := c.below(6); n > 0 && len(w.client.unacked) > 0; n-- {
			w.client.acknowledge(c)
		}
	default:
		w.step()
	}
}

func (r *run) mark() {
	if ts := r.broker.ending(); len(ts) > 0 {
		r.broker.mark(pick(&r.choices, ts), &r.choices)
	}
}

func (r *run) rebalance() {
	g := &r.broker.group
	for _, m := range slices.Clone(g.members) {
		switch {
		case !m.in.up || m.in.member != m.id: // its session is over
		case !m.in.answers() && r.choices.in(3):
		case (m.news != nil || m.releasing) && r.cfg.ExactlyOnce && !r.calm && r.choices.in(40): // too slow
		default:
			continue
		}
		r.stats.Expelled++
		r.trace("%s, member %s, is taken for dead", m.in.name, m.id)
		g.expel(m)
	}
	if g.settled() && (g.unbalanced || !r.calm && r.choices.in(4)) {
		r.stats.Rebalances++
		g.rebalance(&r.choices, !r.calm && r.choices.in(2))
		r.trace("rebalance: generation %d, %d members", g.generation, len(g.members))
	}
}

// fault lets something go wrong.
func (r *run) fault(in *instance) {
	c := &r.choices
	g := &r.broker.group
	switch c.below(7) {
	case 0, 1:
		if in.up {
			in.crash()
			r.stats.Crashes++
		}
	case 2:
		if in.answers() && in.then == nil && in.member != "" {
			r.stats.Closes++
			r.trace("%s closes", in.name)
			in.close()
		}
	case 3: // it gets no time, and may be taken for dead
		if r.cfg.ExactlyOnce && in.answers() {
			r.stats.Stops++
			r.trace("%s is stopped", in.name)
			in.stopped = true
		}
	case 4:
		if m := g.member(in.member); m != nil && r.cfg.ExactlyOnce {
			r.stats.Expelled++
			r.trace("%s, member %s, is taken for dead", in.name, m.id)
			g.expel(m)
		}
	case 5:
		if len(r.broker.producers) > 0 {
			r.broker.expire(pick(c, r.broker.producers))
		}
	case 6:
		if in.answers() {
			r.trace("%s: outputs are not written in time", in.name)
			pick(c, in.workers).client.giveUp()
		}
	}
}

// mend ends a fault.
func (r *run) mend(in *instance) {
	switch {
	case !in.up:
		in.start()
	case in.stopped:
		r.trace("%s goes on", in.name)
		in.stopped = false
	}
}

// drain runs without faults until everything is processed and committed.
func (r *run) drain() {
	r.trace("no more faults")
	for round := range 3000 {
		if r.checks.err != nil {
			return
		}
		if r.done() {
			r.trace("done")
			return
		}
		r.event++
		for _, in := range r.instances {
			r.mend(in)
			for range 12 {
				r.let(in)
			}
		}
		for range 4 {
			r.mark()
		}
		r.rebalance()
		if round%50 == 49 {
			for _, p := range r.broker.producers {
				if !r.alive(p) {
					r.broker.expire(p)
				}
			}
		}
	}
	r.checks.fail("it does not come to an end: %s", r.stuck())
}

func (r *run) alive(p *producer) bool {
	for _, in := range r.instances {
		if in.process == processOf(p.id) {
			return true
		}
	}
	return false
}

// done reports whether all input is processed and committed, and nothing is open.
func (r *run) done() bool { return r.stuck() == "" }

// stuck says what is not done.
func (r *run) stuck() string {
	for _, p := range r.broker.producers {
		if p.txn != nil && !p.txn.over() {
			return fmt.Sprintf("the transaction of %s is not over", p.id)
		}
	}
	for _, tp := range r.inputs {
		if o, end := r.broker.group.offsets[tp].next, r.broker.log(tp).end(); o < end {
			return fmt.Sprintf("%s[%d] is committed up to %d of %d", tp.Topic, tp.Partition, o, end)
		}
	}
	for _, in := range r.instances {
		for _, w := range in.workers {
			if w.commit.step != idle || len(w.client.queue)+len(w.client.unacked) > 0 {
				return fmt.Sprintf("%s/%d has outputs or a commit under way", in.name, w.number)
			}
		}
	}
	return ""
}
