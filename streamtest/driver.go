package streamtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// Config says how the driver runs a topology. Its zero value is ready to use.
type Config struct {
	// Application is the application id, which begins the names of internal topics; "app" if empty.
	Application string
	// WallClock is the time at which the driver begins; the Unix epoch if zero.
	WallClock time.Time
	// RecordCache is the budget in bytes of the record cache (app.Config.RecordCache), in which the tables of all
	// tasks hold updates back until the commit; 0 for none. It shows where a commit does not follow every record.
	RecordCache int64
	// CommitInterval is the wall-clock time from one commit to the next; 0 means that the driver commits after
	// every record. Otherwise it does when Advance has moved the clock so far since the last commit, and on
	// [Driver.Commit].
	CommitInterval time.Duration
	// LogLast makes one change record a key and commit, as an application does by default. Otherwise each
	// update of a store is one, as in Kafka Streams without a record cache. Since the driver commits after
	// every record, the two differ only where one record updates a key more than once.
	LogLast bool
	// EmitInterval is the wall-clock time between two looks of an operator for results that time has made
	// final; 0 means a second, a negative value that it looks at every record.
	EmitInterval time.Duration
	// OneTask runs all subtopologies as one task with one stream time, as Kafka Streams' TopologyTestDriver does.
	// Applications do not: theirs see the timestamps of their own topics only.
	OneTask bool
	// Deserialization and Processing are the error policies; the zero values fail at the first error.
	Deserialization task.ErrorPolicy
	Processing      task.ErrorPolicy
}

// Driver runs a topology in memory, on one partition a topic. It must not be used by several goroutines at
// once; it starts none itself.
type Driver struct {
	tb    testing.TB // nil for a driver that was opened outside a test
	cfg   Config
	clock int64
	cache *processor.Cache
	// committed is when the last commit was, by the driver's clock.
	committed int64

	units   []*unit
	sources map[string]source // by full topic name
	queues  map[string]*queue
	pending pending
	next    map[string]int64 // the next offset of each topic
	log     map[string][]record.Raw
	dropped map[processor.DropReason]int
	globals []task.Global
	err     error
}

// unit is one subtopology's task.
type unit struct {
	task    *task.Task
	stores  []*topology.Store
	changes map[int]int64 // next offset of each store's changelog, by the store's number in the task
	// global tells that the unit keeps global stores; version counts their changes.
	global  bool
	version uint64
}

// source is the place where a topic's records enter: an input of a task.
type source struct {
	unit  *unit
	input int
}

// New returns a driver for a test. Whatever goes wrong, here or later, fails the test with the error; the
// driver is closed at the test's end.
func New(tb testing.TB, t *topology.Topology, cfg Config) *Driver {
	tb.Helper()
	d, err := Open(t, cfg)
	if err != nil {
		tb.Fatalf("streamtest: %v", err)
	}
	d.tb = tb
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Errorf("streamtest: close: %v", err)
		}
	})
	return d
}

// Open returns a driver for use outside a test, such as in an example. Its methods that have no error result
// panic where a test would fail.
func Open(t *topology.Topology, cfg Config) (*Driver, error) {
	if cfg.Application == "" {
		cfg.Application = "app"
	}
	if cfg.WallClock.IsZero() {
		cfg.WallClock = time.UnixMilli(0)
	}
	d := &Driver{
		cfg: cfg, clock: cfg.WallClock.UnixMilli(), committed: cfg.WallClock.UnixMilli(),
		cache:   processor.NewCache(cfg.RecordCache),
		sources: make(map[string]source), queues: make(map[string]*queue), next: make(map[string]int64),
		log: make(map[string][]record.Raw), dropped: make(map[processor.DropReason]int),
	}
	subtopologies := t.Subtopologies
	if cfg.OneTask {
		subtopologies = oneTask(subtopologies)
	}
	d.units = make([]*unit, len(subtopologies))
	for _, global := range []bool{true, false} { // whoever reads global stores finds them there
		for _, sub := range subtopologies {
			if sub.Global != global {
				continue
			}
			if err := d.start(sub); err != nil {
				return nil, errors.Join(err, d.Close())
			}
		}
	}
	return d, d.run()
}

// oneTask puts all subtopologies that have tasks into the first.
func oneTask(subtopologies []*topology.Subtopology) []*topology.Subtopology {
	all := new(topology.Subtopology)
	out := []*topology.Subtopology{all}
	for _, sub := range subtopologies {
		if sub.Global {
			global := *sub
			global.ID = len(out)
			out = append(out, &global)
			continue
		}
		all.Nodes = append(all.Nodes, sub.Nodes...)
		all.Stores = append(all.Stores, sub.Stores...)
		all.Repartitions = append(all.Repartitions, sub.Repartitions...)
		all.Copartitioned = append(all.Copartitioned, sub.Copartitioned...)
	}
	return out
}

func (d *Driver) start(sub *topology.Subtopology) error {
	u := &unit{stores: sub.Stores, changes: make(map[int]int64), global: sub.Global}
	persistent, memory := statestore.NewMemory(), statestore.NewMemory()
	var err error
	u.task, err = task.New(task.Config{
		Application: d.cfg.Application, Subtopology: sub, Now: d.clock,
		Persistent: persistent, Memory: memory, Globals: d.globals,
		EveryUpdate: !d.cfg.LogLast, MaxIdle: -1, Cache: d.cache,
		EmitInterval:    d.cfg.EmitInterval,
		Deserialization: d.cfg.Deserialization, Processing: d.cfg.Processing,
		Partitions: func(string) (int32, bool) { return 1, true },
		Observer:   drops(d.dropped),
	})
	if err != nil {
		return err
	}
	d.units[sub.ID] = u
	if sub.Global {
		if err := d.share(u, persistent, memory); err != nil {
			return err
		}
	}
	for i, in := range u.task.Inputs() {
		d.sources[in.Topic] = source{unit: u, input: i}
		u.task.Resume(i, 0, -1)
	}
	return nil
}

// share lets the tasks made from now on read a unit's stores.
func (d *Driver) share(u *unit, persistent, memory statestore.Backend) error {
	for _, spec := range u.stores {
		backend := memory
		if spec.Persistent {
			backend = persistent
		}
		engine, err := backend.Open(spec.Name)
		if err != nil {
			return fmt.Errorf("open global store %q: %w", spec.Name, err)
		}
		d.globals = append(d.globals, task.Global{Spec: spec, Engine: engine, Version: func() uint64 { return u.version }})
	}
	return nil
}

// Close closes the processors. Outputs can still be read.
func (d *Driver) Close() error {
	var errs []error
	for _, u := range d.units {
		if u != nil { // it failed to start
			errs = append(errs, u.task.Close())
		}
	}
	d.units = nil
	if d.err == nil {
		d.err = errors.New("the driver is closed")
	}
	return errors.Join(errs...)
}

// WallClock is the driver's time. It moves only with Advance.
func (d *Driver) WallClock() time.Time { return time.UnixMilli(d.clock).UTC() }

// Advance moves the wall clock, fires each wall-clock punctuator that has become due once, with the new time,
// commits, if the commit interval has passed, and processes what that has sent to topics that the topology reads.
func (d *Driver) Advance(by time.Duration) {
	if err := d.TryAdvance(by); err != nil {
		d.helper()
		d.fatal(fmt.Errorf("advance the wall clock by %v: %w", by, err))
	}
}

// TryAdvance is Advance that returns what makes the topology fail.
func (d *Driver) TryAdvance(by time.Duration) error {
	if d.err != nil {
		return d.err
	}
	d.clock += by.Milliseconds()
	due := d.clock-d.committed >= d.cfg.CommitInterval.Milliseconds()
	for _, u := range d.units {
		u.task.Punctuate(d.clock)
		if err := d.settle(u, due); err != nil {
			return err
		}
	}
	if due {
		d.committed = d.clock
	}
	return d.run()
}

// Commit commits at once and processes what that has sent to topics that the topology reads, and so on until no
// table holds anything back. It is for drivers with a commit interval.
func (d *Driver) Commit() {
	if err := d.TryCommit(); err != nil {
		d.helper()
		d.fatal(fmt.Errorf("commit: %w", err))
	}
}

// TryCommit is Commit that returns what makes the topology fail.
func (d *Driver) TryCommit() error {
	if d.err != nil {
		return d.err
	}
	for again := true; again; again = d.cache.Held() > 0 {
		for _, u := range d.units {
			if err := d.commit(u); err != nil {
				return err
			}
		}
		if err := d.run(); err != nil {
			return err
		}
	}
	d.committed = d.clock
	return nil
}

// Dropped returns how many records were left out for a reason, since the driver began.
func (d *Driver) Dropped(reason processor.DropReason) int { return d.dropped[reason] }

// StreamTime is the highest timestamp that a subtopology has processed, in milliseconds; -1 before its first
// record and for a subtopology that there is not.
func (d *Driver) StreamTime(subtopology int) int64 {
	if subtopology < 0 || subtopology >= len(d.units) {
		return -1
	}
	return d.units[subtopology].task.StreamTime()
}

// Topics returns the names of the topics that have been written to, sorted, changelogs and repartition topics
// among them.
func (d *Driver) Topics() []string {
	var names []string
	for n, recs := range d.log {
		if len(recs) > 0 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Raw returns every record that was written to a topic, in order, as bytes. Internal topics go by their full
// names, such as "app-counts-changelog". The bytes must not be changed.
func (d *Driver) Raw(topic string) []record.Raw { return slices.Clone(d.log[topic]) }

func (d *Driver) reads() string {
	var names []string
	for n := range d.sources {
		names = append(names, fmt.Sprintf("%q", n))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (d *Driver) helper() {
	if d.tb != nil {
		d.tb.Helper()
	}
}

func (d *Driver) fatal(err error) {
	if d.tb == nil {
		panic(fmt.Errorf("streamtest: %w", err))
	}
	d.tb.Helper()
	d.tb.Fatalf("streamtest: %v", err)
}

// drops counts dropped records; it implements task.Observer.
type drops map[processor.DropReason]int

func (c drops) Dropped(_, _ string, reason processor.DropReason, _ processor.Source) { c[reason]++ }
