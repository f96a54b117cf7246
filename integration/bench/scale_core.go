package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

const (
	// coreBatch is how many records a fetch brings to the core, coreCommit after how many updates it commits.
	coreBatch  = 500
	coreCommit = 50_000
	// coreMemory is app.Config's default, which the core divides as an instance does.
	coreMemory = 256 << 20
	// Commits reach the database together, after as long and as much as in an instance.
	coreInterval = 3 * time.Second
	coreDefer    = coreMemory / 8
)

// core is one task with its stores in Pebble and nothing around it: no client, no broker, no goroutine of leat's.
// It is fed and committed as a worker does it.
type core struct {
	task   *task.Task
	db     *pebblestore.DB
	dir    string
	stores []string
	recs   []record.Raw
	next   int64
	sent   int64
	out    task.Outgoing
	since  int64 // updates since the last commit
	// written is when the last commit reached the database.
	written time.Time
}

// newCore makes a task that counts each record by its key in each of the stores.
func newCore(stores int) (_ *core, err error) {
	c := &core{}
	for i := range stores {
		c.stores = append(c.stores, fmt.Sprintf("counts-%02d", i))
	}
	t, err := countIn(c.stores)
	if err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "bench-scale-"); err != nil {
		return nil, err
	}
	caches := &cacheBudget{total: coreMemory / 2, stores: int64(stores)}
	c.db, err = pebblestore.Open(c.dir, pebblestore.Options{Application: "scale", Memory: coreMemory - caches.total})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	c.task, err = task.New(task.Config{
		Application: "scale", Subtopology: t.Subtopologies[0], Persistent: c.db.Task("0_0"), Memory: statestore.NewMemory(),
		EveryUpdate: true, Caches: caches,
	})
	if err != nil {
		return nil, errors.Join(err, c.db.Close(), os.RemoveAll(c.dir))
	}
	c.task.Resume(0, 0, -1)
	value := make([]byte, 100)
	for range coreBatch {
		c.recs = append(c.recs, record.Raw{TopicPartition: c.task.Inputs()[0], Key: []byte("k0000000"), Value: value})
	}
	return c, nil
}

func countIn(stores []string) (*topology.Topology, error) {
	b := stream.New()
	grouped := stream.GroupByKey(stream.From(b, stream.NewTopic("in", serde.String, serde.Bytes)))
	for _, name := range stores {
		stream.Count(grouped, stream.NewStore(name, serde.String, serde.Int64))
	}
	return b.Build()
}

// feed takes n records through the task, with commits as they fall due. key gives each record's.
func (c *core) feed(n int64, key func(i int64) uint64) error {
	for from := int64(0); from < n; from += coreBatch {
		recs := c.recs[:min(coreBatch, n-from)]
		for i := range recs {
			setKey(recs[i].Key, key(from+int64(i)))
			recs[i].Offset = c.next + int64(i)
		}
		c.next += int64(len(recs))
		c.task.Offer(0, recs, c.next)
		for c.task.Step(0) {
			c.drain()
		}
		if c.since += int64(len(recs) * len(c.stores)); c.since >= coreCommit {
			if err := c.commit(); err != nil {
				return err
			}
		}
	}
	return c.commit()
}

// drain takes the outputs as a producer does that has copied them.
func (c *core) drain() {
	c.task.Take(&c.out)
	c.sent += int64(len(c.out.Outputs))
}

func (c *core) commit() error {
	c.since = 0
	if _, err := c.task.Prepare(); err != nil {
		return err
	}
	c.drain()
	if time.Since(c.written) < coreInterval && c.task.Deferred() < coreDefer {
		return c.task.Defer(c.positions)
	}
	c.written = time.Now()
	return c.task.Confirm(c.positions)
}

func (c *core) positions(int) (statestore.Position, bool) {
	return statestore.Position{Next: c.sent}, true
}

// flush brings everything to disk.
func (c *core) flush() error {
	if err := c.task.Settle(c.positions); err != nil {
		return err
	}
	return c.db.Flush()
}

// total is the sum of all counts. The task is closed with it.
func (c *core) total() (sum int64, err error) {
	if err := c.task.Close(); err != nil {
		return 0, err
	}
	for _, name := range c.stores {
		n, err := sumCounts(c.db, "0_0", name)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (c *core) close() error { return errors.Join(c.db.Close(), os.RemoveAll(c.dir)) }

// cacheBudget shares memory between the typed caches as an instance does.
type cacheBudget struct{ total, used, stores int64 }

func (b *cacheBudget) Share(held, delta int64) int64 {
	b.used += delta
	return max(b.total/b.stores, held+b.total-b.used)
}

// measureCore fills each of the stores with keys and then counts records of them, each key as likely as any other:
// the worst case for every cache. What the database does in the background meanwhile, and a flush at the end, is
// within the time.
func measureCore(s *settings, stores int, keys, records int64) (_ *result, err error) {
	if keys > 10_000_000 {
		return nil, usagef("%d keys: there are names for 10 million", keys)
	}
	c, err := newCore(stores)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	// A prime that divides no number of keys in use: each key once, none beside its neighbour.
	err = c.feed(keys, func(i int64) uint64 { return uint64(i) * 2_654_435_761 % uint64(keys) })
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		return nil, err
	}
	begin, cpu := time.Now(), cpuTime()
	z := newZipf() // for its generator, whose draws are uniform
	err = c.feed(records, func(int64) uint64 { return z.draw() % uint64(keys) })
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		return nil, err
	}
	m := measured{records: records, wall: time.Since(begin), cpu: cpuTime() - cpu}
	if m.rss, err = peakRSS(); err != nil {
		return nil, err
	}
	r := newResult("leat", "scale", s)
	r.int("keys", keys)
	r.int("stores", int64(stores))
	m.put(r, s)
	r.float("cpu_us_per_update", float64(m.cpu.Nanoseconds())/1e3/float64(records*int64(stores)))
	sum, err := c.total()
	if want := (keys + records) * int64(stores); sum == want && c.sent == want {
		r.text("verify", "ok")
	} else {
		r.text("verify", fmt.Sprintf("counts sum to %d with %d change records, wanted %d", sum, c.sent, want))
	}
	return r, err
}

// measureStores spreads as many rows and as many updates over more and more stores. Each record updates all.
func measureStores(s *settings, stores int, rows, updates int64) (*result, error) {
	if stores < 1 {
		return nil, usagef("--row %d: at least one store is needed", stores)
	}
	return measureCore(s, stores, max(1, rows/int64(stores)), max(1, updates/int64(stores)))
}
