package stream_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

var seen = stream.NewStore("seen", serde.String, serde.Int64)

// counter forwards each record with the number of its key's records so far.
type counter struct {
	ctx   *processor.Context[string, int64]
	store statestore.KeyValue[string, int64]
}

func newCounter() processor.Processor[string, string, string, int64] { return &counter{} }

func (c *counter) Init(ctx *processor.Context[string, int64]) (err error) {
	c.ctx = ctx
	c.store, err = seen.KeyValue(ctx)
	return err
}

func (c *counter) Process(r record.Record[string, string]) error {
	n, _ := c.store.Get(r.Key)
	c.store.Put(r.Key, n+1)
	c.ctx.Forward(record.WithValue(r, n+1))
	return nil
}

func (c *counter) Close() error { return nil }

func TestProcessWithSharedStore(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.Process(stream.From(b, in), newCounter, stream.Uses(seen)), nums)
		stream.To(stream.ProcessValues(stream.From(b, in2), newCounter, stream.Uses(seen)), stream.NewTopic("values", serde.String, serde.Int64))
	})
	p.pipe("a=x", "a=y")
	p.pipeTo(in2, "a=z")
	wants(p, nums, "a=1 a=2")
	wants(p, stream.NewTopic("values", serde.String, serde.Int64), "a=3")
	if n, ok := streamtest.KeyValue(p.Driver, seen).Get("a"); !ok || n != 3 {
		t.Errorf("the store has %d, %v", n, ok)
	}
}

// TestProcessWithTable reads the store of a table from a processor.
func TestProcessWithTable(t *testing.T) {
	names := stream.NewStore("names", serde.String, serde.String)
	lookUp := func() processor.Processor[string, string, string, string] { return &lookup{names: names} }
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		// The processor comes first: the store is the table's all the same.
		stream.To(stream.ProcessValues(stream.From(b, in2), lookUp, stream.Uses(names)), out)
		stream.TableFrom(b, in, names)
	})
	p.pipe("a=Ann@5")
	p.pipeTo(in2, "a=hello", "b=hello")
	wants(p, out, "a=hello Ann@5 b=hello ")
}

type lookup struct {
	names *stream.Store[string, string]
	ctx   *processor.Context[string, string]
	store statestore.Timestamped[string, string]
}

func (l *lookup) Init(ctx *processor.Context[string, string]) (err error) {
	l.ctx = ctx
	l.store, err = l.names.Timestamped(ctx)
	return err
}

func (l *lookup) Process(r record.Record[string, string]) error {
	v, ok := l.store.Get(r.Key)
	text := r.Value + " " + v.Value
	if ok {
		r.Timestamp = v.Timestamp
	}
	l.ctx.Forward(record.WithValue(r, text))
	return nil
}

func (l *lookup) Close() error { return nil }

func TestProcessValuesRefusesAnotherKey(t *testing.T) {
	rekey := processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
		ctx.Forward(record.WithKey(r, r.Value))
		return nil
	})
	p := run(t, skipErrors, func(b *stream.Builder) {
		stream.To(stream.ProcessValues(stream.From(b, in), rekey), out)
	})
	p.pipe("same=same")
	wants(p, out, "same=same")
	err := streamtest.Input(p.Driver, in).TryPipe(parse(t, "a=b"))
	if err == nil || !strings.Contains(err.Error(), "use Process in place of ProcessValues") {
		t.Errorf("got error %v, want one that says what to do", err)
	}
}

func TestTimestampedStoreOfProcessor(t *testing.T) {
	kept := stream.NewStore("kept", serde.String, serde.String).WithTimestamps().InMemory()
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.Process(stream.From(b, in), func() processor.Processor[string, string, string, string] {
			return &lookup{names: kept}
		}, stream.Uses(kept)), out)
	})
	streamtest.Timestamped(p.Driver, kept).Put("a", "kept", 9)
	p.pipe("a=x")
	wants(p, out, "a=x kept@9")
}

func TestProcessNamedTakesNoNumber(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		named := stream.Process(stream.From(b, in), newCounter, stream.Uses(seen), stream.Named("mine"))
		stream.To(stream.MapValues(named, func(n int64) string { return strconv.FormatInt(n, 10) }), out)
	})
	p.pipe("a=x")
	wants(p, out, "a=1")
}

// TestProcessorsTimeIsThatOfItsRecord: also where an operator before it has changed the time.
func TestProcessorsTimeIsThatOfItsRecord(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		later := stream.Process(stream.From(b, in), processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
			r.Timestamp += 100
			ctx.Forward(r)
			ctx.Forward(record.WithValue(r, strconv.FormatInt(ctx.Timestamp(), 10)))
			return nil
		}))
		stream.To(stream.Process(later, newCounter, stream.Uses(seen)), nums)
	})
	p.pipe("a=x@1")
	wants(p, nums, "a=1@101 a=2@101")
	for _, r := range p.Raw("app-seen-changelog") {
		if r.Timestamp != 101 {
			t.Errorf("the change record has the time %d, want 101", r.Timestamp)
		}
	}
}
