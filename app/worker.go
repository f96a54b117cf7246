package app

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

const (
	// pollRecords bounds the records taken from the client at a time, over all partitions.
	pollRecords = 1024
	// stepsPerTurn bounds the records that one task processes before the others get their turn.
	stepsPerTurn = 512
	// turnTime bounds the time that it does so, where user code is slow: commits and stops come between turns.
	turnTime = 100 * time.Millisecond
	// pauseAbove and resumeBelow are the marks of an input's queue: one that waits for another input of its
	// task fills up, and would take in its whole topic. More than the next turns need only costs memory: what is
	// fetched stays with the client meanwhile.
	pauseAbove  = 1 << 10
	resumeBelow = 256
	// idleWait bounds the wait for records when there is nothing to do.
	idleWait = 200 * time.Millisecond
	// waitForInput bounds it while a task waits for data of one input before it processes another's.
	waitForInput = 5 * time.Millisecond
)

// worker runs tasks. Its fields belong to its goroutine, but for those that say otherwise.
type worker struct {
	in     *instance
	number int
	client *kafka.Client
	// load is the number of tasks meant for the worker. Guarded by instance.mu.
	load int

	commands chan command
	tasks    []*entry
	byInput  map[record.TopicPartition]*entry
	timer    *time.Timer

	// exactly tells that outputs are written in transactions; open, that one is, or is about to be.
	exactly bool
	open    bool
	// committing is the commit under way.
	committing *committing

	sinks  sinks
	sender *sender
	// cache is the record cache of the worker's tasks, nil if there is none.
	cache *processor.Cache

	lastCommit time.Time
	// busy is when there was last something to do.
	busy time.Time
	// touched is when tasks that are idle were last committed.
	touched time.Time
	// took is how long the last commits took.
	took durations
	// produceErr is the first output that was not written, one place for each client. Set by its goroutine.
	produceErr *atomic.Pointer[error]
	// unwritten are all of them, and refusals what they have taught.
	unwritten *unwritten
	refusals  refusals
	// batchLimit is the largest batch, in bytes, that the client sends.
	batchLimit int
	failed     bool
}

// looked is a context that has ended: polling with it does not wait.
var looked = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// command is something that a worker is asked to do between two turns.
type command struct {
	add     *entry
	release []*entry
	done    chan struct{}
}

func newWorker(in *instance, number int) (*worker, error) {
	w := &worker{
		in: in, number: number, commands: make(chan command, 64), exactly: in.cfg.Guarantee == ExactlyOnce,
		byInput: make(map[record.TopicPartition]*entry), timer: time.NewTimer(time.Hour), batchLimit: batchLimit,
		cache: newCache(in.cfg), sender: newSender(),
	}
	if err := w.connect(); err != nil {
		w.sender.close()
		return nil, err
	}
	return w, nil
}

// connect makes the worker's client.
func (w *worker) connect() (err error) {
	cfg := w.in.cfg
	cc := kafka.ClientConfig{
		Linger: cfg.Linger, DeliveryTimeout: cfg.TaskTimeout, BatchMaxBytes: int32(w.batchLimit), Read: kafka.ReadConfig{ReadCommitted: w.exactly},
	}
	if w.exactly {
		cc.TransactionalID = transactionalID(cfg.Application, w.in.state.process, w.number)
		cc.TransactionTimeout = cfg.TransactionTimeout
		// A record that is not written in time only costs its transaction.
		cc.DeliveryTimeout = min(cc.DeliveryTimeout, cfg.TransactionTimeout)
	}
	w.sinks.admin = w.in.admin
	w.client, err = kafka.NewClient(cfg.kafka(), cc)
	w.produceErr, w.unwritten = new(atomic.Pointer[error]), new(unwritten)
	return err
}

// transactionalID is the id of a worker's transactions. It is the same after a restart with the same state
// directory, and others can work it out, so that a task's next owner can end what this one left open.
func transactionalID(application, process string, worker int) string {
	return fmt.Sprintf("%s-%s-%d", application, process, worker)
}

// newCache returns a worker's share of the record cache.
func newCache(c *Config) *processor.Cache {
	if c.RecordCache == 0 {
		return nil
	}
	return processor.NewCache(max(1, c.RecordCache/int64(c.Workers)))
}

func (w *worker) close() {
	if w.client != nil {
		w.client.Close() // so the sender does not wait for it
	}
	w.sender.close()
}

// add hands a restored task to the worker. It may be called from any goroutine.
func (w *worker) add(e *entry) { w.commands <- command{add: e} }

// release asks the worker to commit tasks, as far as they are not lost, and to let go of them; done is
// closed when it has. It may be called from any goroutine.
func (w *worker) release(es []*entry) (done <-chan struct{}) {
	c := command{release: es, done: make(chan struct{})}
	w.commands <- c
	return c.done
}

// run is the worker's goroutine. It ends with ctx, when all tasks have been released.
func (w *worker) run(ctx context.Context) {
	w.lastCommit, w.touched = time.Now(), time.Now()
	for ctx.Err() == nil {
		w.obey(ctx)
		fetches, err := w.client.Poll(looked, pollRecords)
		if err != nil {
			if ctx.Err() == nil {
				w.in.fail(fmt.Errorf("worker %d: %w", w.number, err))
			}
			return
		}
		w.offer(ctx, fetches)
		busy, wait := w.turn(ctx)
		idle := len(fetches) == 0 && !busy
		if !idle {
			w.busy = time.Now()
		}
		wait = min(wait, w.maybeCommit(ctx, idle && !w.client.Behind()))
		if idle {
			if w.settle() {
				continue
			}
			w.rest(ctx, wait)
		}
	}
}

// rest waits until there is something to do, but not longer than d.
func (w *worker) rest(ctx context.Context, d time.Duration) {
	w.timer.Reset(d)
	defer w.timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.client.Ready():
	case <-w.committing.end():
	case <-w.timer.C:
	case c := <-w.commands:
		w.do(ctx, c)
	}
}

// obey does what has been asked of the worker.
func (w *worker) obey(ctx context.Context) {
	for {
		select {
		case c := <-w.commands:
			w.do(ctx, c)
		default:
			return
		}
	}
}

func (w *worker) do(ctx context.Context, c command) {
	if c.add != nil && !c.add.gone.Load() {
		if err := w.start(ctx, c.add); err != nil {
			c.add.dead = true
			w.fail(err)
		}
	}
	if c.release != nil {
		w.commit(ctx)
		for _, e := range c.release {
			w.stop(e)
		}
		close(c.done)
	}
}

// fail stops the instance because of an error of the worker's.
func (w *worker) fail(err error) {
	w.failed = true
	w.in.fail(err)
}

// start makes a restored task's running part and begins to read its inputs.
func (w *worker) start(ctx context.Context, e *entry) error {
	cfg := w.in.cfg
	globals, err := w.in.globals.views()
	if err != nil {
		return err
	}
	e.caches = w.in.caches.task(len(e.sub.Stores) + len(globals))
	t, err := task.New(task.Config{
		Globals:     globals,
		Application: cfg.Application, Subtopology: e.sub, Partition: e.id.Partition,
		Reads:      func(topic string) bool { return e.id.Partition < w.in.layout.partitions[topic] },
		Persistent: e.persistent, Memory: e.memory, EveryUpdate: cfg.LogEveryUpdate, CacheEntries: cfg.CacheEntries,
		Caches: e.caches, Cache: w.cache,
		MaxIdle: cfg.MaxTaskIdle, Deserialization: cfg.Deserialization, Processing: cfg.Processing,
		Production: cfg.Production, Refused: w.refused, MaxOutput: func(topic string) (int, bool) { return w.sinks.limit(ctx, topic) },
		Now: now(), Context: ctx, Wait: func(d time.Duration) { pause(ctx, d) },
		Partitions: func(topic string) (int32, bool) { return w.sinks.partitions(ctx, topic) }, Observer: e.stats,
		Release: w.client.GiveBack,
	})
	if err != nil {
		return err
	}
	e.task = t
	e.numbers = make(map[record.TopicPartition]int)
	e.paused = make(map[record.TopicPartition]bool)
	at := make(map[record.TopicPartition]int64)
	for i, tp := range t.Inputs() {
		e.numbers[tp] = i
		o := e.start[tp]
		meta, err := changelog.DecodeMetadata(o.Metadata)
		if err != nil {
			w.in.log.Warn("the metadata of a committed offset cannot be read; the partition's time begins anew",
				"task", e.id.String(), "topic", tp.Topic, "partition", tp.Partition, "err", err)
		}
		t.Resume(i, o.Next, meta.PartitionTime)
		t.ResumeTimes(meta.Processors)
		at[tp] = o.Next
		w.byInput[tp] = e
	}
	e.sending = w.sending(ctx, e)
	w.tasks = append(w.tasks, e)
	w.client.Assign(at)
	w.in.started(e)
	return nil
}

// stop lets go of a task that has been committed, or must not be.
func (w *worker) stop(e *entry) {
	if e.task == nil {
		w.in.restore.cancel(e) // it was sent back there meanwhile
	}
	if err := e.settle(); err != nil {
		w.in.log.Warn("a task's last commits did not reach its local state; they will be restored", "task", e.id.String(), "err", err)
	}
	w.detach(e)
	w.refusals.released(e.inputs)
	if e.persistent != nil {
		if err := e.persistent.Close(); err != nil {
			w.in.log.Warn("closing a task's stores", "task", e.id.String(), "err", err)
		}
	}
}

// detach takes a task off the worker. Its local state stays as of its last commit.
func (w *worker) detach(e *entry) {
	w.client.Unassign(e.inputs)
	for _, tp := range e.inputs {
		delete(w.byInput, tp)
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(x *entry) bool { return x == e })
	if e.task == nil {
		return
	}
	if err := e.task.Close(); err != nil && !e.dead {
		w.in.log.Warn("a processor's Close returned an error", "task", e.id.String(), "err", err)
	}
	e.task = nil
	e.caches.close()
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
