package stream_test

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

var refs = stream.NewStore("refs", serde.String, serde.String)

// show is a value of a join's side.
func show(v *string) string {
	if v == nil {
		return "-"
	}
	return *v
}

func TestJoinGlobal(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		g := stream.GlobalTableFrom(b, in2, refs)
		stream.To(stream.JoinGlobal(stream.From(b, in), g, func(_, v string) string { return v[:1] },
			func(v, row string) string { return v + row }), out)
		stream.To(stream.LeftJoinGlobal(stream.From(b, in), g, func(_, v string) string { return v[:1] },
			func(v string, row *string) string { return v + show(row) }), out2)
	})
	p.pipe("a=x1@5")
	p.pipeTo(in2, "x=R@9", "=lost")
	p.pipe("a=x2@6", "=x3@7", "a@8", "b=y@8")
	p.pipeTo(in2, "x=S@1")
	p.pipe("a=x4@10")
	p.pipeTo(in2, "x@1")
	p.pipe("a=x5@11")
	wants(p, out, "a=x2R@6 =x3R@7 a=x4S@10")
	wants(p, out2, "a=x1-@5 a=x2R@6 =x3R@7 b=y-@8 a=x4S@10 a=x5-@11")
	if k, v := p.Dropped(processor.DropNullKey), p.Dropped(processor.DropNullValue); k != 1 || v != 2 {
		t.Errorf("dropped %d null keys and %d null values, want 1 and 2", k, v)
	}
}

// Every processor reads a global store, and none but the store's own writes it.
func TestGlobalStoreInProcessor(t *testing.T) {
	write := false
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.GlobalTableFrom(b, in2, refs)
		stream.To(stream.Process(stream.From(b, in), func() processor.Processor[string, string, string, string] {
			return &globalReader{write: &write}
		}), out)
	})
	p.pipeTo(in2, "x=R", "y=S")
	p.pipe("a=x", "a=z")
	p.pipeTo(in2, "x=T", "z=U")
	p.pipe("a=x")
	wants(p, out, "a=R of x=R,y=S a= of x=R,y=S a=T of x=T,y=S,z=U")
	write = true
	err := streamtest.Input(p.Driver, in).TryPipe(parse(t, "a=x"))
	if err == nil || !strings.Contains(err.Error(), "global store") {
		t.Errorf("a write to a global store: %v", err)
	}
}

type globalReader struct {
	ctx   *processor.Context[string, string]
	write *bool
}

func (g *globalReader) Init(ctx *processor.Context[string, string]) error {
	g.ctx = ctx
	return nil
}

func (g *globalReader) Process(r record.Record[string, string]) error {
	st, err := refs.Timestamped(g.ctx)
	if err != nil {
		return err
	}
	if *g.write {
		st.Put("x", "mine", 0)
	}
	row, _ := st.Get(r.Value)
	var all []string
	for k, v := range st.All() {
		all = append(all, k+"="+v.Value)
	}
	g.ctx.Forward(record.WithValue(r, row.Value+" of "+strings.Join(all, ",")))
	return nil
}

func (g *globalReader) Close() error { return nil }
