package topology_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// fakeTask is a task that remembers what nodes tell it.
type fakeTask struct {
	arena   processor.Arena
	sent    []processor.Output
	refused []string
	// retries is how often an error is answered with another try; skip goes on after that, else it fails.
	retries int
	skip    bool
	failed  error
	source  processor.Source
	stores  map[string]statestore.Store
	drop    func(processor.Output) // takes outputs in place of sent
}

func (t *fakeTask) Application() string                   { return "app" }
func (t *fakeTask) ID() string                            { return "0_0" }
func (t *fakeTask) StreamTime() int64                     { return 0 }
func (t *fakeTask) WallClock() int64                      { return 0 }
func (t *fakeTask) Source() (processor.Source, bool)      { return t.source, true }
func (t *fakeTask) Timestamp() int64                      { return 0 }
func (t *fakeTask) RequestCommit()                        {}
func (t *fakeTask) Context() context.Context              { return context.Background() }
func (t *fakeTask) Failed() bool                          { return t.failed != nil }
func (t *fakeTask) Fail(node string, err error)           { t.failed = fmt.Errorf("%s: %w", node, err) }
func (t *fakeTask) Drop(string, processor.DropReason)     {}
func (t *fakeTask) Arena() *processor.Arena               { return &t.arena }
func (t *fakeTask) EmitInterval() int64                   { return 0 }
func (t *fakeTask) KeptTime(string) (int64, bool)         { return 0, false }
func (t *fakeTask) KeepTime(string, int64)                {}
func (t *fakeTask) Partitions(topic string) (int32, bool) { return 4, topic != "new" }

func (t *fakeTask) Schedule(string, time.Duration, processor.PunctuationKind, func(int64) error) *processor.Punctuation {
	return new(processor.Punctuation)
}

func (t *fakeTask) Store(node, name string) (statestore.Store, error) {
	if s := t.stores[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("node %q is not connected to store %q", node, name)
}

func (t *fakeTask) Refuse(node string, err error, tries int) bool {
	t.refused = append(t.refused, fmt.Sprintf("%s try %d: %v", node, tries, err))
	if tries <= t.retries {
		return true
	}
	if !t.skip {
		t.Fail(node, err)
	}
	return false
}

func (t *fakeTask) Send(out processor.Output) {
	if t.drop != nil {
		t.drop(out)
		return
	}
	t.sent = append(t.sent, out)
}

// make1 makes one node's running part.
func make1(t testing.TB, task processor.Task, n topology.Node, receivers ...any) any {
	t.Helper()
	for i := range receivers {
		n.Children = append(n.Children, fmt.Sprintf("child-%d", i))
	}
	part, err := n.New(topology.NewScope(task, &n, receivers))
	if err != nil {
		t.Fatal(err)
	}
	return part
}

// catcher is a child that keeps what it gets.
type catcher[K, V any] struct{ got []record.Record[K, V] }

func (c *catcher[K, V]) Process(r record.Record[K, V]) { c.got = append(c.got, r) }

func (c *catcher[K, V]) String() string {
	var w strings.Builder
	for _, r := range c.got {
		fmt.Fprintf(&w, "%v=%v@%d", r.Key, r.Value, r.Timestamp)
		if r.Null.Key() {
			w.WriteString(" null-key")
		}
		if r.Null.Value() {
			w.WriteString(" null-value")
		}
		w.WriteString("; ")
	}
	return strings.TrimSuffix(w.String(), "; ")
}

func wantErr(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("error %v, want one with %q", err, text)
	}
}

var errBoom = errors.New("boom")
