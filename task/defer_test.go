package task_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
)

// deferred is a machine whose commits are deferred, and its backend.
type deferred struct {
	*machine
	backend statestore.Backend
	store   *stream.Store[int64, int64]
}

func newDeferred(t *testing.T, every bool, store *stream.Store[int64, int64]) *deferred {
	d := &deferred{backend: statestore.NewMemory(), store: store}
	cfg := task.Config{Application: "app", Persistent: d.backend, Memory: statestore.NewMemory(), EveryUpdate: every, CacheEntries: 2}
	d.machine = newMachineOf(t, cfg, func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.Count(stream.GroupByKey(stream.From(b, numbers)), store)), results)
	})
	return d
}

// count takes n records through the task and commits them.
func (d *deferred) count(n int, confirm func(task.Positions) error) {
	d.tb.Helper()
	d.fetch(0, n)
	d.process()
	if _, err := d.task.Prepare(); err != nil {
		d.tb.Fatal(err)
	}
	d.logAt += int64(n)
	d.task.Outputs()
	d.end(confirm)
}

func (d *deferred) end(confirm func(task.Positions) error) {
	d.tb.Helper()
	if err := confirm(d.position); err != nil {
		d.tb.Fatal(err)
	}
}

func (d *deferred) position(int) (statestore.Position, bool) {
	return statestore.Position{Next: d.logAt}, true
}

// local returns what the backend has: the counts by key, and the position.
func (d *deferred) local() (counts map[int64]int64, next int64) {
	d.tb.Helper()
	e, err := d.backend.Open(d.store.Name())
	if err != nil {
		d.tb.Fatal(err)
	}
	counts = map[int64]int64{}
	it := e.Iterate(nil, nil, false)
	for it.Next() {
		counts[int64(binary.BigEndian.Uint64(it.Key()))] = int64(binary.BigEndian.Uint64(it.Value()[8:]))
	}
	if err := it.Close(); err != nil {
		d.tb.Fatal(err)
	}
	p, _, err := d.backend.Position(d.store.Name())
	if err != nil {
		d.tb.Fatal(err)
	}
	return counts, p.Next
}

func (d *deferred) want(what string, counts map[int64]int64, next int64) {
	d.tb.Helper()
	got, at := d.local()
	if diff := cmp.Diff(counts, got); diff != "" || at != next {
		d.tb.Errorf("%s: at %d, want %d (-want +got):\n%s", what, at, next, diff)
	}
}

func counts() *stream.Store[int64, int64] {
	return stream.NewStore("counts", serde.Int64, serde.Int64)
}

// TestDefer: commits that are deferred reach the backend with a later one, rows and position together.
func TestDefer(t *testing.T) {
	for _, every := range []bool{false, true} {
		t.Run(fmt.Sprintf("every=%v", every), func(t *testing.T) {
			d := newDeferred(t, every, counts())
			d.count(3, d.task.Confirm)
			d.want("confirmed", map[int64]int64{0: 1, 1: 1, 2: 1}, 3)
			d.count(2, d.task.Defer)
			d.count(4, d.task.Defer)
			d.want("deferred", map[int64]int64{0: 1, 1: 1, 2: 1}, 3)
			if !d.task.Defers() {
				t.Error("the task does not defer all")
			}
			if d.task.Deferred() == 0 || d.task.Pending() != 0 {
				t.Errorf("%d bytes deferred, %d pending", d.task.Deferred(), d.task.Pending())
			}
			d.count(1, d.task.Confirm)
			d.want("confirmed again", map[int64]int64{0: 4, 1: 3, 2: 2, 3: 1}, 10)
			if d.task.Deferred() != 0 {
				t.Errorf("%d bytes are still deferred", d.task.Deferred())
			}
		})
	}
}

// TestSettle: what was deferred is brought in without a commit, but never with what no commit has confirmed.
func TestSettle(t *testing.T) {
	for _, every := range []bool{false, true} {
		t.Run(fmt.Sprintf("every=%v", every), func(t *testing.T) {
			d := newDeferred(t, every, counts())
			d.count(2, d.task.Confirm)
			d.count(3, d.task.Defer)
			d.fetch(0, 2)
			d.process()
			d.end(d.task.Settle)
			d.want("something was processed since", map[int64]int64{0: 1, 1: 1}, 2)
			if _, err := d.task.Prepare(); err != nil {
				t.Fatal(err)
			}
			d.end(d.task.Settle)
			d.want("the commit is under way", map[int64]int64{0: 1, 1: 1}, 2)
			d.logAt += 2
			d.end(d.task.Defer)
			d.end(d.task.Settle)
			d.want("settled", map[int64]int64{0: 3, 1: 3, 2: 1}, 7)
			d.count(1, d.task.Confirm)
			d.want("confirmed", map[int64]int64{0: 4, 1: 3, 2: 1}, 8)
		})
	}
}

// TestDeferKeepsBackOnlyWhatAChangelogHas: of a store without one, the local state is the only copy.
func TestDeferKeepsBackOnlyWhatAChangelogHas(t *testing.T) {
	d := newDeferred(t, false, counts().Unlogged())
	d.count(2, d.task.Defer)
	d.want("without a changelog", map[int64]int64{0: 1, 1: 1}, 2)
	if d.task.Defers() {
		t.Error("the task says that it defers all")
	}
	if d.task.Deferred() != 0 {
		t.Errorf("%d bytes are deferred", d.task.Deferred())
	}
}
