package topology_test

import (
	"regexp"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

func TestCallerIsTheUser(t *testing.T) {
	if got := topology.Caller(); !regexp.MustCompile(`^topology/caller_test\.go:\d+$`).MatchString(got) {
		t.Errorf("Caller() = %q, want this file", got)
	}
	var deep string
	generic(func() { deep = topology.Caller() })
	if !regexp.MustCompile(`^topology/caller_test\.go:\d+$`).MatchString(deep) {
		t.Errorf("in a closure Caller() = %q, want this file", deep)
	}
}

func generic[F func()](f F) { f() }

// TestProblemsNameTheUsersLine goes through the functions that add nodes for their caller, generic ones too.
func TestProblemsNameTheUsersLine(t *testing.T) {
	b := topology.NewBuilder()
	in := topology.From(b, "in", serde.String, serde.String, "in", "in")
	same := &echo{n: 1}
	p := topology.Process(in, "p", func() processor.Processor[string, string, string, string] { return same }, "unknown")
	topology.To(p, "p", "out", serde.String, nil)
	_, err := b.Build()
	want := regexp.MustCompile(`^topology/caller_test.go:29: source "in" reads topic "in", which source "in" reads already.*
topology/caller_test.go:31: processor "p": its supplier returned the same \*topology_test.echo twice.*
topology/caller_test.go:32: sink "p" has no serde for its keys or values; pass both
topology/caller_test.go:32: sink "p" has the name of a processor added at topology/caller_test.go:31; .*
topology/caller_test.go:31: node "p" uses store "unknown", which is unknown; .*$`)
	if err == nil || !want.MatchString(err.Error()) {
		t.Errorf("Build reports\n%v", err)
	}
}

type echo struct {
	ctx *processor.Context[string, string]
	n   int
}

func (p *echo) Init(ctx *processor.Context[string, string]) error {
	p.ctx = ctx
	return nil
}

func (p *echo) Process(r record.Record[string, string]) error {
	p.ctx.Forward(r)
	return nil
}

func (*echo) Close() error { return nil }
