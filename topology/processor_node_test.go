package topology_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// scripted is a processor that does what a test tells it, one step a call.
type scripted struct {
	ctx    *processor.Context[string, *int]
	steps  []func() error
	init   func() error
	closed error
}

func (p *scripted) Init(ctx *processor.Context[string, *int]) error {
	p.ctx = ctx
	if p.init != nil {
		return p.init()
	}
	return nil
}

func (p *scripted) Process(record.Record[string, int]) error {
	step := p.steps[0]
	p.steps = p.steps[1:]
	return step()
}

func (p *scripted) Close() error { return p.closed }

func start(t *testing.T, task *fakeTask, p *scripted) (node processor.Receiver[string, int], out *catcher[string, *int]) {
	t.Helper()
	out = new(catcher[string, *int])
	part := make1(t, task, topology.Node{Name: "node", New: topology.NewProcessor(
		func() processor.Processor[string, int, string, *int] { return p })}, out)
	if err := part.(topology.Initializer).Init(); err != nil {
		t.Fatal(err)
	}
	return part.(processor.Receiver[string, int]), out
}

func TestProcessorErrorsAndPanicsAreRefused(t *testing.T) {
	task := &fakeTask{skip: true}
	p := new(scripted)
	node, out := start(t, task, p)
	p.steps = []func() error{
		func() error { return errBoom },
		func() error { panic("no luck") },
		func() error { p.ctx.Forward(record.Record[string, *int]{Key: "k", Timestamp: -1}); return nil },
		func() error { p.ctx.ForwardTo("nobody", record.Record[string, *int]{Key: "k"}); return nil },
		func() error { p.ctx.Forward(record.Record[string, *int]{Key: "fine"}); return nil },
	}
	for range 5 {
		node.Process(record.New("k", 1, 0))
	}
	want := []string{
		"node try 1: boom",
		"node try 1: panic: no luck",
		"node try 1: forward a record with timestamp -1",
		`node try 1: forward to "nobody": no such child`,
	}
	for i, got := range task.refused {
		if i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("refusal %d: %s", i, got)
		}
	}
	if len(task.refused) != len(want) || len(out.got) != 1 || out.got[0].Key != "fine" {
		t.Errorf("refused %d, forwarded %s", len(task.refused), out)
	}
}

func TestProcessorIsTriedAgain(t *testing.T) {
	task := &fakeTask{retries: 2}
	p := new(scripted)
	node, _ := start(t, task, p)
	bad := func() error { return errBoom }
	p.steps = []func() error{bad, bad, func() error { return nil }, bad, bad, bad}
	node.Process(record.New("k", 1, 0))
	if got := strings.Join(task.refused, ", "); got != "node try 1: boom, node try 2: boom" || task.failed != nil {
		t.Errorf("refused %s, failed %v", got, task.failed)
	}
	node.Process(record.New("k", 1, 0))
	if !errors.Is(task.failed, errBoom) {
		t.Errorf("task failed with %v, want %v after the retries", task.failed, errBoom)
	}
	node.Process(record.New("k", 1, 0)) // has no step left: a failed task calls nobody
}

func TestProcessorMarksNulls(t *testing.T) {
	p := new(scripted)
	node, out := start(t, new(fakeTask), p)
	one := 1
	p.steps = []func() error{
		func() error { p.ctx.Forward(record.New[string, *int]("k", nil, 0)); return nil },
		func() error { p.ctx.ForwardTo("child-0", record.New[string, *int]("k", nil, 0)); return nil },
		func() error { p.ctx.Forward(record.New("k", &one, 0)); return nil },
	}
	for range 3 {
		node.Process(record.New("k", 1, 0))
	}
	for i, want := range []bool{true, true, false} {
		if got := out.got[i].Null.Value(); got != want {
			t.Errorf("record %d: null value %v, want %v", i, got, want)
		}
	}
}

func TestProcessorInitAndClose(t *testing.T) {
	make := func(p *scripted) any {
		return make1(t, new(fakeTask), topology.Node{Name: "node", New: topology.NewProcessor(
			func() processor.Processor[string, int, string, *int] { return p })})
	}
	wantErr(t, make(&scripted{init: func() error { return errBoom }}).(topology.Initializer).Init(), `init processor "node": boom`)
	wantErr(t, make(&scripted{init: func() error { panic("no luck") }}).(topology.Initializer).Init(), `init processor "node": panic: no luck`)
	wantErr(t, make(&scripted{closed: errBoom}).(topology.Closer).Close(), `close processor "node": boom`)
}

type stateless struct{}

func (stateless) Init(*processor.Context[string, string]) error { return nil }
func (stateless) Process(record.Record[string, string]) error   { return nil }
func (stateless) Close() error                                  { return nil }

type stateful struct {
	stateless
	n int
}

func TestCheckSupplier(t *testing.T) {
	type p = processor.Processor[string, string, string, string]
	shared := &stateful{n: 1}
	for name, c := range map[string]struct {
		supplier processor.Supplier[string, string, string, string]
		want     string
	}{
		"new":         {func() p { return new(stateful) }, ""},
		"by value":    {func() p { return stateful{} }, ""},
		"of no size":  {func() p { return new(stateless) }, ""},
		"the same":    {func() p { return shared }, "returned the same *topology_test.stateful twice"},
		"nil":         {func() p { return nil }, "returned nil"},
		"nil pointer": {func() p { return (*stateful)(nil) }, "returned nil"},
		"none":        {nil, "no supplier"},
		"panic":       {func() p { panic("no luck") }, "panic: no luck"},
	} {
		err := topology.CheckSupplier(c.supplier)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
