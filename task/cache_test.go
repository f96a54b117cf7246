package task_test

import (
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
)

func newCachedMachine(tb testing.TB, c *processor.Cache) *machine {
	tb.Helper()
	backend := statestore.NewMemory()
	return newMachineOf(tb, task.Config{Application: "app", Persistent: backend, Memory: backend, Cache: c}, counting)
}

// TestNoAllocationsInTheRecordCache: an update of a key that is held back already allocates nothing.
func TestNoAllocationsInTheRecordCache(t *testing.T) {
	m := newCachedMachine(t, processor.NewCache(1<<20))
	m.fetch(0, batch)
	if n := testing.AllocsPerRun(100, m.process); n != 0 {
		t.Errorf("%v allocations a batch of %d, want 0", n, batch)
	}
	if m.sent != 0 {
		t.Errorf("%d updates were sent on before the commit", m.sent)
	}
	m.commit()
	if n := m.logAt; n != 2*batch {
		t.Errorf("the commit sent %d records, want an update and a change record of each of %d keys", n, batch)
	}
	if got, want := m.task.Absorbed(), int64(100*batch); got != want {
		t.Errorf("%d updates were absorbed, want %d", got, want)
	}
}

// TestTasksShareTheRecordCache: what one holds back leaves less to others, until it is closed.
func TestTasksShareTheRecordCache(t *testing.T) {
	c := processor.NewCache(batch * 256)
	a, b := newCachedMachine(t, c), newCachedMachine(t, c)
	a.fetch(0, batch)
	a.process()
	full := c.Held()
	b.fetch(0, batch)
	b.process()
	if a.sent != 0 || b.sent == 0 {
		t.Errorf("the first task sent %d updates, the second %d; want that the second finds no room for all", a.sent, b.sent)
	}
	b.commit()
	if n := c.Held(); n != full {
		t.Errorf("%d bytes are held back after a commit of the second task, want the %d of the first", n, full)
	}
	if err := a.task.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.Held(); n != 0 {
		t.Errorf("%d bytes are left of a closed task", n)
	}
}

func BenchmarkCountInTheRecordCache(b *testing.B) {
	m := newCachedMachine(b, processor.NewCache(10<<20))
	m.fetch(0, batch)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if m.process(); n%100 == 0 {
			m.commit()
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "records/s")
}
