package app

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
)

// TestSettleWhileSomethingIsUncommitted: a worker that finds nothing to do between two commits cannot settle its
// tasks, and must not put off the next commit that reaches the local state by trying.
func TestSettleWhileSomethingIsUncommitted(t *testing.T) {
	b := stream.New()
	words := stream.NewTopic("words", serde.String, serde.String)
	stream.Count(stream.GroupByKey(stream.From(b, words)), stream.NewStore("counts", serde.String, serde.Int64))
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	state := statestore.NewMemory()
	e := &entry{sub: top.Subtopologies[0]}
	if e.task, err = task.New(task.Config{Application: "app", Subtopology: e.sub, Persistent: state, Memory: statestore.NewMemory()}); err != nil {
		t.Fatal(err)
	}
	e.task.Resume(0, 0, -1)
	for _, s := range e.sub.Stores {
		e.stores = append(e.stores, &entryStore{spec: s, logged: true, acked: new(atomic.Int64)})
	}
	at := int64(0)
	process := func() {
		at++
		e.task.Offer(0, []record.Raw{{TopicPartition: e.task.Inputs()[0], Offset: at - 1, Key: []byte("a"), Value: []byte("b")}}, at)
		for e.task.Step(0) {
		}
	}
	commit := func() {
		process()
		if _, err := e.task.Prepare(); err != nil {
			t.Fatal(err)
		}
		e.task.Outputs()
		if err := e.confirm(nil, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	local := func() int64 {
		engine, err := state.Open("counts")
		if err != nil {
			t.Fatal(err)
		}
		v, ok, err := engine.Get([]byte("a"))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return int64(binary.BigEndian.Uint64(v[8:]))
	}
	commit() // the first reaches the local state at once
	commit()
	if n := local(); n != 1 {
		t.Fatalf("the local state has %d, want 1: the second commit waits", n)
	}
	e.written = time.Now().Add(-writeInterval)
	process()
	if err := e.settle(); err != nil {
		t.Fatal(err)
	}
	commit()
	if n := local(); n != 4 {
		t.Errorf("the local state has %d, want 4: the commit is due", n)
	}
	commit()
	if err := e.settle(); err != nil {
		t.Fatal(err)
	}
	if n := local(); n != 5 {
		t.Errorf("the local state has %d, want 5: nothing has happened since the commit", n)
	}
}
