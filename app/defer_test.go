package app

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
)

// counted is a task that counts words, as a worker has it.
type counted struct {
	*entry
	t     *testing.T
	state statestore.Backend
	at    int64
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	b := stream.New()
	words := stream.NewTopic("words", serde.String, serde.String)
	stream.Count(stream.GroupByKey(stream.From(b, words)), stream.NewStore("counts", serde.String, serde.Int64))
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{entry: &entry{sub: top.Subtopologies[0], stats: new(metrics).task("0_0")}, t: t, state: statestore.NewMemory()}
	if c.task, err = task.New(task.Config{Application: "app", Subtopology: c.sub, Persistent: c.state, Memory: statestore.NewMemory()}); err != nil {
		t.Fatal(err)
	}
	c.task.Resume(0, 0, -1)
	for _, s := range c.sub.Stores {
		c.stores = append(c.stores, &entryStore{spec: s, logged: true, acked: new(atomic.Int64)})
	}
	return c
}

// process counts one more.
func (c *counted) process() {
	c.at++
	c.task.Offer(0, []record.Raw{{TopicPartition: c.task.Inputs()[0], Offset: c.at - 1, Key: []byte("a"), Value: []byte("b")}}, c.at)
	for c.task.Step(0) {
	}
}

func (c *counted) prepare() {
	c.t.Helper()
	if _, err := c.task.Prepare(); err != nil {
		c.t.Fatal(err)
	}
	c.task.Outputs()
}

// commit is what a worker with no other task does.
func (c *counted) commit() {
	c.t.Helper()
	c.process()
	c.prepare()
	w := &worker{in: &instance{cfg: &Config{Memory: 1 << 30, Workers: 1}}, lastCommit: time.Now(), tasks: []*entry{c.entry}}
	if err := errors.Join(w.hold(w.tasks), w.confirm(&committing{entries: w.tasks})); err != nil {
		c.t.Fatal(err)
	}
}

// local is the count in the local state, 0 if there is none.
func (c *counted) local() int64 {
	c.t.Helper()
	engine, err := c.state.Open("counts")
	if err != nil {
		c.t.Fatal(err)
	}
	v, ok, err := engine.Get([]byte("a"))
	if err != nil {
		c.t.Fatal(err)
	}
	if !ok {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v[8:]))
}

// TestSettleWhileSomethingIsUncommitted: a worker that finds nothing to do between two commits cannot settle its
// tasks, and must not put off the next commit that reaches the local state by trying.
func TestSettleWhileSomethingIsUncommitted(t *testing.T) {
	e := newCounted(t)
	e.commit() // the first reaches the local state at once
	e.commit()
	if n := e.local(); n != 1 {
		t.Fatalf("the local state has %d, want 1: the second commit waits", n)
	}
	e.written = time.Now().Add(-writeInterval)
	e.process()
	if err := e.settle(); err != nil {
		t.Fatal(err)
	}
	e.commit()
	if n := e.local(); n != 4 {
		t.Errorf("the local state has %d, want 4: the commit is due", n)
	}
	e.commit()
	if err := e.settle(); err != nil {
		t.Fatal(err)
	}
	if n := e.local(); n != 5 {
		t.Errorf("the local state has %d, want 5: nothing has happened since the commit", n)
	}
}

// TestTasksTakeTurns: with each commit, and each time that there is nothing to do, one task's state reaches the local
// state of those whose time has come; more where commits are so far apart that one would not do, or memory fills.
func TestTasksTakeTurns(t *testing.T) {
	const tasks = 4
	var all [tasks]*counted
	w := &worker{in: &instance{cfg: &Config{Memory: 1 << 30, Workers: 1}}, lastCommit: time.Now()}
	for i := range all {
		all[i] = newCounted(t)
		w.tasks = append(w.tasks, all[i].entry)
	}
	commit := func() {
		t.Helper()
		for _, e := range all {
			e.process()
			e.prepare()
		}
		if err := errors.Join(w.hold(w.tasks), w.confirm(&committing{entries: w.tasks})); err != nil {
			t.Fatal(err)
		}
	}
	// written tells how many are, with all that has been counted.
	written := func() (n int) {
		for _, e := range all {
			if e.local() == e.at {
				n++
			}
		}
		return n
	}
	late := func() {
		for _, e := range all {
			e.written = time.Time{}
		}
	}
	for i := range tasks {
		before := all[i].written
		if commit(); written() != 1 || all[i].written.Equal(before) {
			t.Errorf("commit %d: the state of %d tasks was written, want one, number %d", i, written(), i)
		}
	}
	if commit(); written() != 0 {
		t.Errorf("%d tasks were written that had been a moment ago", written())
	}
	late()
	for i := range tasks {
		if !w.settle() || written() != i+1 {
			t.Errorf("idle: %d tasks are written, want %d", written(), i+1)
		}
	}
	if w.settle() {
		t.Error("idle: all are written, and yet something is to do")
	}
	late()
	w.lastCommit = time.Now().Add(-writeInterval / 2)
	if commit(); written() != 1+tasks/2 {
		t.Errorf("%d tasks were written after half the interval, want %d", written(), 1+tasks/2)
	}
	w.lastCommit, w.in.cfg.Memory = time.Now(), 1
	if commit(); written() != tasks {
		t.Errorf("%d tasks were written without memory to wait in, want all", written())
	}
}

// TestHeld: a task whose local state gets the commit under way processes nothing until that has gone through; one that
// keeps it goes on, and its local state gets none of it before the next.
func TestHeld(t *testing.T) {
	due, kept := newCounted(t), newCounted(t)
	kept.written = time.Now()
	w := &worker{in: &instance{cfg: &Config{Memory: 1 << 30, Workers: 1}}, lastCommit: time.Now(), tasks: []*entry{due.entry, kept.entry}, sender: newSender()}
	defer w.sender.close()
	for _, e := range []*counted{due, kept} {
		e.process()
		e.prepare()
	}
	w.committing = &committing{entries: w.tasks}
	if err := w.hold(w.tasks); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*counted{due, kept} {
		e.at++
		e.task.Offer(0, []record.Raw{{TopicPartition: e.task.Inputs()[0], Offset: e.at - 1, Key: []byte("a"), Value: []byte("b")}}, e.at)
	}
	w.turn(t.Context())
	if n, m := due.task.Buffered(0), kept.task.Buffered(0); n != 1 || m != 0 {
		t.Errorf("%d and %d records wait, want that of the task that is held", n, m)
	}
	kept.written = time.Time{}
	if w.settle() || kept.local() != 0 {
		t.Error("the local state was written while the commit was under way")
	}
	if err := w.confirm(w.committing); err != nil {
		t.Fatal(err)
	}
	w.committing = nil
	if due.local() != 1 || kept.local() != 0 {
		t.Errorf("the local states have %d and %d, want 1 of the one that was due", due.local(), kept.local())
	}
	if w.turn(t.Context()); due.task.Buffered(0) != 0 {
		t.Error("the task is held after the commit")
	}
}

// TestDurations: the least of the last few.
func TestDurations(t *testing.T) {
	var d durations
	for _, x := range []time.Duration{5, 4, 90, 7, 6} {
		d.add(x)
	}
	if got := d.least(); got != 4 {
		t.Errorf("least %d, want 4", got)
	}
	if d.add(8); d.least() != 6 {
		t.Errorf("least %d, want 6: the last are 90, 7, 6 and 8", d.least())
	}
}
