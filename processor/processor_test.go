package processor_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// fakeTask is as much of a task as a context asks for.
type fakeTask struct {
	processor.Task
	failed    bool
	scheduled func(now int64) error
	node      string
}

func (t *fakeTask) Failed() bool { return t.failed }

func (t *fakeTask) Schedule(node string, _ time.Duration, _ processor.PunctuationKind, f func(now int64) error) *processor.Punctuation {
	t.node, t.scheduled = node, f
	return &processor.Punctuation{}
}

// child is a node that notes what comes.
type child []string

func (c *child) Process(r record.Record[string, string]) { *c = append(*c, r.Key+"="+r.Value) }

func newContext(t *fakeTask) (ctx *processor.Context[string, string], a, b *child) {
	a, b = new(child), new(child)
	var out processor.Outlet[string, string]
	out.Add("a", a)
	out.Add("b", b)
	return processor.NewContext(t, "node", &out), a, b
}

func TestForward(t *testing.T) {
	ctx, a, b := newContext(&fakeTask{})
	ctx.Forward(record.New("k", "both", 0))
	ctx.ForwardTo("b", record.New("k", "one", 0))
	if d := cmp.Diff(&child{"k=both"}, a); d != "" {
		t.Errorf("a (-want +got):\n%s", d)
	}
	if d := cmp.Diff(&child{"k=both", "k=one"}, b); d != "" {
		t.Errorf("b (-want +got):\n%s", d)
	}
	if err := ctx.TakeError(); err != nil {
		t.Error(err)
	}
}

// What is wrong in forwarding is an error of the record in process: the first one, and that record's only.
func TestForwardRefuses(t *testing.T) {
	for want, forward := range map[string]func(ctx *processor.Context[string, string]){
		`forward to "c": no such child; children are ["a" "b"]`: func(ctx *processor.Context[string, string]) {
			ctx.ForwardTo("c", record.New("k", "v", 0))
			ctx.Forward(record.New("k", "v", -7))
		},
		"forward a record with timestamp -1: it must not be negative; set Record.Timestamp": func(ctx *processor.Context[string, string]) {
			ctx.Forward(record.New("k", "v", -1))
			ctx.ForwardTo("a", record.New("k", "v", -2))
		},
	} {
		ctx, a, b := newContext(&fakeTask{})
		forward(ctx)
		if err := ctx.TakeError(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		if err := ctx.TakeError(); err != nil {
			t.Errorf("the next record has the error %v", err)
		}
		if len(*a)+len(*b) > 0 {
			t.Errorf("children got %v and %v", *a, *b)
		}
	}
}

func TestNothingComesFromAFailedTask(t *testing.T) {
	task := &fakeTask{failed: true}
	ctx, a, b := newContext(task)
	ctx.Forward(record.New("k", "v", 0))
	ctx.ForwardTo("a", record.New("k", "v", 0))
	ctx.ForwardTo("c", record.New("k", "v", 0))
	if len(*a)+len(*b) > 0 || ctx.TakeError() != nil {
		t.Errorf("children got %v and %v", *a, *b)
	}
}

// A punctuator ends with its own error, else with what was wrong in forwarding.
func TestErrorsOfPunctuators(t *testing.T) {
	task := &fakeTask{}
	ctx, _, _ := newContext(task)
	var own error
	ctx.Schedule(time.Second, processor.StreamTime, func(now int64) error {
		ctx.ForwardTo("c", record.New("k", "v", now))
		return own
	})
	if task.node != "node" {
		t.Errorf("scheduled for node %q", task.node)
	}
	if err := task.scheduled(5); err == nil || !strings.Contains(err.Error(), `forward to "c"`) {
		t.Errorf("error %v, want that of forwarding", err)
	}
	own = io.EOF
	if err := task.scheduled(5); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want the punctuator's own", err)
	}
}

func TestFuncMakesAProcessorForEachTask(t *testing.T) {
	supplier := processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
		ctx.Forward(r)
		return io.EOF
	})
	first, second := supplier(), supplier()
	ctx, a, _ := newContext(&fakeTask{})
	other, c, _ := newContext(&fakeTask{})
	if err := errors.Join(first.Init(ctx), second.Init(other)); err != nil {
		t.Fatal(err)
	}
	if err := first.Process(record.New("k", "v", 0)); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want the function's", err)
	}
	if len(*a) != 1 || len(*c) != 0 {
		t.Errorf("the first's child got %v, the second's %v", *a, *c)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}

func TestPanicked(t *testing.T) {
	caught := func(f func()) (err error) {
		defer func() { err = processor.Panicked(recover()) }()
		f()
		return nil
	}
	err := caught(func() { panic(io.EOF) })
	var p *processor.PanicError
	if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "TestPanicked") {
		t.Errorf("%#v has no stack of where it was", err)
	}
	if !errors.Is(err, io.EOF) || err.Error() != "panic: EOF" {
		t.Errorf("%v, want one that wraps EOF", err)
	}
	if err := caught(func() { panic("text") }); errors.Unwrap(err) != nil {
		t.Errorf("%v wraps %v", err, errors.Unwrap(err))
	}
}

func TestCancel(t *testing.T) {
	var p processor.Punctuation
	if p.Cancelled() {
		t.Error("cancelled from the start")
	}
	if p.Cancel(); !p.Cancelled() {
		t.Error("not cancelled")
	}
}
