package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// Config says what a task is made of. Application, Subtopology and the backends that its stores need are
// required; the zero value of everything else is a working default.
type Config struct {
	Application string
	Subtopology *topology.Subtopology
	Partition   int32

	// Persistent and Memory hold the stores that are kept on disk and in memory. Their contents must be
	// complete, that is restored, when the task is made.
	Persistent statestore.Backend
	Memory     statestore.Backend

	// Globals are the global stores, which every node may read.
	Globals []Global
	// Width is for the task of a group of global stores: the number of partitions of its topic, all of which
	// it reads. Other tasks read one partition, and have 0.
	Width int32

	// Reads tells whether the task reads its partition of a source topic; nil means that it does. A topic of
	// fewer partitions than others of the subtopology has no part in the highest tasks.
	Reads func(topic string) bool

	// EveryUpdate makes each update of a store a change record of its own; else one a key and commit.
	EveryUpdate bool
	// CacheEntries bounds the typed cache of each store; 0 leaves that to Caches, or where that is nil means the
	// default.
	CacheEntries int
	// Caches is the memory that the typed caches share.
	Caches statestore.Budget
	// Cache is the record cache that the task's tables share with those of other tasks of its goroutine; nil
	// means that every update is sent on at once. A table in it makes one change record a key and commit,
	// whatever EveryUpdate says.
	Cache *processor.Cache
	// MaxIdle is how long the task waits for an input that has no more data on the broker before it goes on
	// without it. 0 waits only for data that is known to be on the broker, a negative value for nothing.
	// Source: KIP-695.
	MaxIdle time.Duration

	// Release is called with each slice of records that was offered, once all of them have been processed: nothing
	// of the task refers to it any more. nil leaves them to the garbage collector.
	Release func([]record.Raw)

	// EmitInterval is the wall-clock time between two looks of an operator for results that time has made
	// final (windows that have closed, records that stay without a partner). 0 means a second, a negative
	// value that it looks at every record.
	EmitInterval time.Duration

	// Deserialization is asked about records that cannot be read, Processing about errors of user code,
	// Production about outputs that are larger than MaxOutput or that Refused names.
	Deserialization ErrorPolicy
	Processing      ErrorPolicy
	Production      ErrorPolicy
	// MaxOutput returns the size in bytes of the largest record that a topic takes; ok is false if it is not
	// known. nil does not check.
	MaxOutput func(topic string) (limit int, ok bool)
	// Refused returns why the broker does not take an output of a sink, nil if nothing is known against it. It is
	// asked about each; nil knows of none.
	Refused func(topic string, cause processor.Cause) error

	// Now is the time at which the task begins, in milliseconds.
	Now int64
	// Context ends when the instance stops; nil means one that never does.
	Context context.Context //nolint:containedctx // handed on to Try operators, which run inside Step
	// Wait is called to let a backoff pass; nil does not wait.
	Wait func(time.Duration)
	// Partitions returns the number of partitions of an output topic; nil if no partitioner asks.
	Partitions func(topic string) (int32, bool)
	// Observer is told of dropped records; nil if nobody asks.
	Observer Observer
}

// Observer is told what happens in a task. It is called from the goroutine that runs the task and must not
// block.
type Observer interface {
	// Dropped tells that a record was left out at a node. source is empty where it did not come from one (what
	// a punctuator forwarded).
	Dropped(task, node string, reason processor.DropReason, source processor.Source)
}

// Task is one task. It is used by one goroutine at a time.
type Task struct {
	cfg   Config
	id    string
	sub   *topology.Subtopology
	now   int64
	err   error
	arena processor.Arena

	inputs     []*input
	streamTime int64
	source     processor.Source
	hasSource  bool
	raw        *record.Raw // the record in process as it was read; nil in punctuators
	sent       int32       // how many outputs of sinks the record in process has led to
	timestamp  int64

	stores    []taskStore
	views     map[string]statestore.Store
	held      []heldTable
	outputs   []processor.Output
	closers   []topology.Closer
	schedules schedules
	times     times
	commit    bool
	dirty     bool
	prepared  bool // Prepare has been called, and neither Confirm nor Defer since
	deferred  int
	processed int64
}

type taskStore struct {
	spec      *topology.Store
	store     statestore.Store
	backend   statestore.Backend
	changelog string
	nodes     map[string]bool
}

// New makes a task: its stores, nodes and queues. Processors are initialized before it returns.
func New(cfg Config) (*Task, error) {
	if cfg.Context == nil {
		cfg.Context = context.Background()
	}
	t := &Task{
		cfg: cfg, id: fmt.Sprintf("%d_%d", cfg.Subtopology.ID, cfg.Partition), sub: cfg.Subtopology,
		now: cfg.Now, streamTime: -1, timestamp: -1,
	}
	if cfg.Subtopology.Global {
		t.id = fmt.Sprintf("%d_global", cfg.Subtopology.ID)
	}
	if err := t.openStores(); err != nil {
		return nil, err
	}
	if err := t.link(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Task) openStores() error {
	for i, spec := range t.sub.Stores {
		backend := t.cfg.Memory
		if spec.Persistent {
			backend = t.cfg.Persistent
		}
		if backend == nil {
			return fmt.Errorf("task %s: store %q has no backend", t.id, spec.Name)
		}
		engine, err := backend.Open(spec.Name)
		if err != nil {
			return fmt.Errorf("task %s: open store %q: %w", t.id, spec.Name, err)
		}
		s := taskStore{spec: spec, backend: backend, nodes: make(map[string]bool)}
		for _, n := range spec.Nodes {
			s.nodes[n] = true
		}
		env := statestore.Env{
			Name: spec.Name, Engine: engine, Context: t, CacheEntries: t.cfg.CacheEntries, Budget: t.cfg.Caches,
			EveryUpdate: t.cfg.EveryUpdate && !t.Holds(spec.Name),
			Fail:        func(err error) { t.fail("", err) },
			Expired:     func() { t.Drop("", processor.DropExpired) },
		}
		if topic, ok := spec.Changelog(); ok && spec.Source == "" {
			s.changelog = topic.For(t.cfg.Application)
			number := int32(i + 1)
			env.Log = func(key, value []byte, timestamp int64, headers record.Headers) {
				t.logChange(s.changelog, number, key, value, timestamp, headers)
			}
		}
		if s.store, err = spec.New(env); err != nil {
			return fmt.Errorf("task %s: %w", t.id, err)
		}
		t.stores = append(t.stores, s)
	}
	return nil
}

func (t *Task) logChange(topic string, store int32, key, value []byte, timestamp int64, headers record.Headers) {
	out := processor.Output{Topic: topic, Partition: t.cfg.Partition, Store: store, Timestamp: timestamp, Headers: headers}
	out.Key = t.arena.Keep(append(t.arena.Free(), key...))
	if value != nil {
		out.Value = t.arena.Keep(append(t.arena.Free(), value...))
	}
	t.Send(out)
}

// link makes the nodes' running parts, children before parents, and initializes them parents first.
func (t *Task) link() error {
	nodes := make(map[string]*topology.Node, len(t.sub.Nodes))
	for _, n := range t.sub.Nodes {
		nodes[n.Name] = n
	}
	parts := make(map[string]any, len(nodes))
	var order []string
	var make1 func(name string) (any, error)
	make1 = func(name string) (any, error) {
		if p, ok := parts[name]; ok {
			return p, nil
		}
		n := nodes[name]
		if n == nil {
			return nil, fmt.Errorf("task %s: node %q is not part of subtopology %d", t.id, name, t.sub.ID)
		}
		receivers := make([]any, len(n.Children))
		for i, c := range n.Children {
			r, err := make1(c)
			if err != nil {
				return nil, err
			}
			receivers[i] = r
		}
		p, err := n.New(topology.NewScope(t, n, receivers))
		if err != nil {
			return nil, fmt.Errorf("task %s: make node %q: %w", t.id, name, err)
		}
		parts[name] = p
		order = append(order, name)
		return p, nil
	}
	for _, n := range t.sub.Nodes {
		p, err := make1(n.Name)
		if err != nil {
			return err
		}
		if n.Kind != topology.Source {
			continue
		}
		src, ok := p.(topology.SourceNode)
		if !ok {
			return fmt.Errorf("task %s: source %q is made by a factory that does not return a topology.SourceNode", t.id, n.Name)
		}
		for _, topic := range n.Topics {
			name := topic.For(t.cfg.Application)
			if t.cfg.Reads != nil && !t.cfg.Reads(name) {
				continue
			}
			for p := t.cfg.Partition; p < max(t.cfg.Partition+1, t.cfg.Width); p++ {
				t.inputs = append(t.inputs, newInput(n.Name, record.TopicPartition{Topic: name, Partition: p}, src.NewHead(), t.cfg.Release))
			}
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		name := order[i]
		if in, ok := parts[name].(topology.Initializer); ok {
			if err := in.Init(); err != nil {
				return fmt.Errorf("task %s: initialize node %q: %w", t.id, name, err)
			}
			if t.err != nil {
				return t.err
			}
		}
		if c, ok := parts[name].(topology.Closer); ok {
			t.closers = append(t.closers, c)
		}
	}
	return nil
}

// Err returns what made the task fail, nil as long as it has not.
func (t *Task) Err() error { return t.err }

// Outputs returns what the task wants written since the last call, in order. The slice is valid until the
// next call of Step, Punctuate, Prepare or Outputs; the bytes in it stay. [Task.Take] uses memory again.
func (t *Task) Outputs() []processor.Output {
	out := t.outputs
	t.outputs = t.outputs[:0]
	return out
}

// Processed returns how many records the task has processed, skipped ones included.
func (t *Task) Processed() int64 { return t.processed }

// CommitWanted reports whether user code asked for a commit since the last one.
func (t *Task) CommitWanted() bool { return t.commit }

// CommitNeeded reports whether anything has happened since the last commit that a commit would keep.
func (t *Task) CommitNeeded() bool { return t.dirty }

// Pending is the approximate size in bytes of store writes that no commit has confirmed yet.
func (t *Task) Pending() int {
	n := 0
	for _, s := range t.stores {
		n += s.store.Pending()
	}
	return n
}

// StoreStats calls f for each store with its sizes.
func (t *Task) StoreStats(f func(name string, s statestore.Stats, pending int)) {
	for _, s := range t.stores {
		f(s.spec.Name, s.store.Stats(), s.store.Pending())
	}
}

// StoreByName returns a store of the task, for tests and queries.
func (t *Task) StoreByName(name string) (statestore.Store, bool) {
	for _, s := range t.stores {
		if s.spec.Name == name {
			return s.store, true
		}
	}
	return nil, false
}

// Close closes the processors. The task can no longer be used. It does not close the backends.
func (t *Task) Close() error {
	var errs []error
	for _, c := range t.closers {
		if err := c.Close(); err != nil {
			errs = append(errs, fmt.Errorf("task %s: %w", t.id, err))
		}
	}
	t.closers = nil
	for _, h := range t.held {
		h.updates.Drop()
	}
	return errors.Join(errs...)
}

// fail keeps the first error, with the node and the record that it belongs to.
func (t *Task) fail(node string, err error) {
	if t.err == nil {
		t.err = t.describe(node, err)
	}
}

var _ processor.Task = (*Task)(nil)
