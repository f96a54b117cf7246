package task_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
)

var (
	numbers = stream.NewTopic("numbers", serde.Int64, serde.Int64)
	results = stream.NewTopic("results", serde.Int64, serde.Int64)
)

func stateless(b *stream.Builder) {
	s := stream.Filter(stream.From(b, numbers), func(_, v int64) bool { return v >= 0 })
	stream.To(stream.MapValues(s, func(v int64) int64 { return v + 1 }), results)
}

func counting(b *stream.Builder) {
	s := stream.From(b, numbers)
	stream.To(stream.ToStream(stream.Count(stream.GroupByKey(s), stream.NewStore("counts", serde.Int64, serde.Int64))), results)
}

// machine is a task that is fed and committed without anything around it.
type machine struct {
	tb    testing.TB
	task  *task.Task
	recs  []record.Raw
	next  int64
	sent  int64
	logAt int64
}

func newMachine(tb testing.TB, backend statestore.Backend, describe func(*stream.Builder)) *machine {
	tb.Helper()
	return newMachineOf(tb, task.Config{Application: "app", Persistent: backend, Memory: backend}, describe)
}

func newMachineOf(tb testing.TB, cfg task.Config, describe func(*stream.Builder)) *machine {
	tb.Helper()
	b := stream.New()
	describe(b)
	top, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Subtopology = top.Subtopologies[0]
	t, err := task.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	t.Resume(0, 0, -1)
	return &machine{tb: tb, task: t}
}

// fetch makes a batch of records with keys from one on, as a fetch brings them.
func (m *machine) fetch(key int64, n int) {
	if cap(m.recs) < n {
		m.recs = make([]record.Raw, n)
		for i := range m.recs {
			b := make([]byte, 16)
			m.recs[i] = record.Raw{TopicPartition: m.task.Inputs()[0], Key: b[:8:8], Value: b[8:]}
		}
	}
	m.recs = m.recs[:n]
	for i := range m.recs {
		binary.BigEndian.PutUint64(m.recs[i].Key, uint64(key+int64(i)))
		m.recs[i].Offset = m.next + int64(i)
	}
}

// process takes the batch through the task and drains its outputs.
func (m *machine) process() {
	m.next += int64(len(m.recs))
	m.task.Offer(0, m.recs, m.next)
	for m.task.Step(0) {
		m.sent += int64(len(m.task.Outputs()))
	}
	if err := m.task.Err(); err != nil {
		m.tb.Fatal(err)
	}
}

func (m *machine) commit() {
	if _, err := m.task.Prepare(); err != nil {
		m.tb.Fatal(err)
	}
	m.logAt += int64(len(m.task.Outputs()))
	if err := m.task.Confirm(func(int) (statestore.Position, bool) { return statestore.Position{Next: m.logAt}, true }); err != nil {
		m.tb.Fatal(err)
	}
}

const batch = 512

// TestNoAllocations: a record's way from its queue to the outputs allocates nothing of its own. What is left is
// the outputs' bytes, laid down in chunks of 64 KiB, of which 512 records of 16 bytes fill an eighth.
func TestNoAllocations(t *testing.T) {
	for name, describe := range map[string]func(*stream.Builder){"stateless": stateless, "counting": counting} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, statestore.NewMemory(), describe)
			m.fetch(0, batch)
			perBatch := testing.AllocsPerRun(400, m.process)
			if perRecord := perBatch / batch; perRecord > 1.0/batch {
				t.Errorf("%v allocations a record, %v a batch of %d; want at most one chunk a batch", perRecord, perBatch, batch)
			}
			if m.sent != m.next {
				t.Errorf("%d records made %d outputs", m.next, m.sent)
			}
		})
	}
}

// TestStateIsNotOnTheHeap: what a store holds beyond its bounded cache is no objects to the garbage collector,
// so that its pauses and work do not grow with the state. A map of as many keys has an object or more a key.
func TestStateIsNotOnTheHeap(t *testing.T) {
	const keys = 100_000
	backends := map[string]func(*testing.T) statestore.Backend{
		"memory": func(*testing.T) statestore.Backend { return statestore.NewMemory() },
		"pebble": func(t *testing.T) statestore.Backend {
			db, err := pebblestore.Open(t.TempDir(), pebblestore.Options{Application: "app"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			return db.Task("0_0")
		},
	}
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, open(t), counting)
			fill := func(from, to int64) {
				for k := from; k < to; k += batch {
					m.fetch(k, batch)
					m.process()
					if k%(16*batch) == 0 {
						m.commit()
					}
				}
				m.commit()
			}
			fill(0, 50_000) // the cache is full of entries, and every buffer has its size
			before := heapObjects()
			fill(50_000, 50_000+keys)
			after := heapObjects()
			st, _ := m.task.StoreByName("counts")
			if n := st.(statestore.Timestamped[int64, int64]); !holds(n, 50_000+keys-1) || !holds(n, 0) {
				t.Fatal("the store does not hold what was counted")
			}
			if grown := after - before; grown > keys/50 {
				t.Errorf("%d keys more are %d objects more on the heap", keys, grown)
			}
			runtime.KeepAlive(m)
		})
	}
}

func holds(s statestore.Timestamped[int64, int64], key int64) bool {
	v, ok := s.Get(key)
	return ok && v.Value >= 1
}

func heapObjects() int64 {
	runtime.GC()
	runtime.GC() // finalizers of the first may free more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapObjects)
}

func BenchmarkTask(b *testing.B) {
	for name, describe := range map[string]func(*stream.Builder){"stateless": stateless, "counting": counting} {
		for _, keys := range []int64{1_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/keys=%d", name, keys), func(b *testing.B) {
				m := newMachine(b, statestore.NewMemory(), describe)
				b.ReportAllocs()
				var records, key int64
				for b.Loop() { // one commit of 32 batches
					for range 32 {
						m.fetch(key, batch)
						m.process()
						key = (key + batch) % keys
						records += batch
					}
					m.commit()
				}
				b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
