package stream

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// bareTask runs one subtopology without anything around it, so that what is measured is the operators.
type bareTask struct {
	stores map[string]statestore.Store
	arena  processor.Arena
	sent   int
	// backend holds what commit has flushed.
	backend statestore.Backend
	time    int64
}

func (t *bareTask) Application() string              { return "app" }
func (t *bareTask) ID() string                       { return "0_0" }
func (t *bareTask) StreamTime() int64                { return 0 }
func (t *bareTask) WallClock() int64                 { return t.time }
func (t *bareTask) Source() (processor.Source, bool) { return processor.Source{}, false }
func (t *bareTask) Timestamp() int64                 { return 0 }
func (t *bareTask) RequestCommit()                   {}
func (t *bareTask) Context() context.Context         { return context.Background() }
func (t *bareTask) Partitions(string) (int32, bool)  { return 1, true }
func (t *bareTask) Failed() bool                     { return false }
func (t *bareTask) Fail(node string, err error)      { panic(fmt.Sprint(node, ": ", err)) }

func (t *bareTask) Refuse(node string, err error, _ int) bool      { panic(fmt.Sprint(node, ": ", err)) }
func (t *bareTask) Drop(string, processor.DropReason)              {}
func (t *bareTask) Arena() *processor.Arena                        { return &t.arena }
func (t *bareTask) EmitInterval() int64                            { return 0 }
func (t *bareTask) KeptTime(string) (int64, bool)                  { return 0, false }
func (t *bareTask) KeepTime(string, int64)                         {}
func (t *bareTask) Send(processor.Output)                          { t.sent++ }
func (t *bareTask) Store(_, name string) (statestore.Store, error) { return t.stores[name], nil }
func (t *bareTask) Schedule(string, time.Duration, processor.PunctuationKind, func(int64) error) *processor.Punctuation {
	return nil
}

// bare returns a task of one subtopology and the ways into its sources, by topic.
func bare(tb testing.TB, number int, describe func(*Builder)) (*bareTask, map[string]topology.Head) {
	tb.Helper()
	b := New()
	describe(b)
	top, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	sub := top.Subtopologies[number]
	t := &bareTask{stores: map[string]statestore.Store{}}
	backend := statestore.NewMemory()
	t.backend = backend
	stores := slices.Clone(sub.Stores)
	for _, s := range top.Subtopologies {
		if s.Global {
			stores = append(stores, s.Stores...)
		}
	}
	for _, s := range stores {
		engine, err := backend.Open(s.Name)
		if err != nil {
			tb.Fatal(err)
		}
		env := statestore.Env{Name: s.Name, Engine: engine, Context: t, Fail: func(err error) { tb.Error(err) }}
		if t.stores[s.Name], err = s.New(env); err != nil {
			tb.Fatal(err)
		}
	}
	made := map[string]any{}
	for _, n := range slices.Backward(sub.Nodes) {
		var children []any
		for _, c := range n.Children {
			children = append(children, made[c])
		}
		if made[n.Name], err = n.New(topology.NewScope(t, n, children)); err != nil {
			tb.Fatal(err)
		}
	}
	heads := map[string]topology.Head{}
	for _, n := range sub.Sources() {
		heads[n.Topics[0].Name] = made[n.Name].(topology.SourceNode).NewHead()
	}
	return t, heads
}

// commit brings what the stores hold to the backend.
func (t *bareTask) commit(tb testing.TB) {
	batch := t.backend.NewBatch()
	for _, s := range t.stores {
		s.Flush()
		s.Write(batch)
	}
	if err := batch.Commit(); err != nil {
		tb.Fatal(err)
	}
	for _, s := range t.stores {
		s.Written()
	}
}

func feed(tb testing.TB, h topology.Head, r *record.Raw) {
	if _, err := h.Decode(r, 0); err != nil {
		tb.Fatal(err)
	}
	h.Process()
}
