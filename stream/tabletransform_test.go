package stream_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/window"
)

// numberedValues puts behind each value, null as "-", how many the transformer has seen.
func numberedValues(*processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
	n := 0
	return func(_ string, v record.Optional[string]) (record.Optional[string], error) {
		n++
		if !v.Valid {
			return record.Optional[string]{}, nil
		}
		return record.Some(fmt.Sprintf("%s%d", v.Value, n)), nil
	}, nil
}

var transformed = stream.NewStore("transformed", serde.String, serde.String)

func TestTransformTable(t *testing.T) {
	for name, c := range map[string]struct {
		store *stream.Store[string, string]
		want  string
	}{
		// It is called for the old value as well, since Changes asks for that.
		"not kept": {nil, "a=>x1 a=x4>y3 a=y6>"},
		"kept":     {transformed, "a=>x1 a=x1>y2 a=y2>"},
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t, streamtest.Config{}, func(b *stream.Builder) {
				table := stream.TransformTable(stream.TableFrom(b, in, texts), numberedValues, c.store)
				stream.To(stream.MapValues(stream.Changes(table), changeText), out)
			})
			p.pipe("a=x", "a=y", "a")
			wants(p, out, c.want)
		})
	}
}

func changeText(ch stream.Change[string]) string { return ch.Old.Value + ">" + ch.New.Value }

// TestTransformTableIsComputedWhereItIsRead: a join computes the rows of a table that is not kept by a transformer of
// its own.
func TestTransformTableIsComputedWhereItIsRead(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		table := stream.TransformTable(stream.TableFrom(b, in, nil), numberedValues, nil)
		stream.To(stream.JoinTable(stream.From(b, in2), table, concat), out)
	})
	p.pipe("a=x", "b=y", "a=z")
	p.pipeTo(in2, "b=l", "none=l", "a=l")
	wants(p, out, "b=ly1 a=lz3")
}

// TestTransformTableHasStores: with the stores and the time of the record in process.
func TestTransformTableHasStores(t *testing.T) {
	counting := func(ctx *processor.Context[string, int64]) (func(string, record.Optional[string]) (record.Optional[int64], error), error) {
		st, err := seen.KeyValue(ctx)
		return func(k string, _ record.Optional[string]) (record.Optional[int64], error) {
			n, _ := st.Get(k)
			st.Put(k, n+1)
			return record.Some(100*ctx.Timestamp() + n + 1), nil
		}, err
	}
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		table := stream.TransformTable(stream.TableFrom(b, in, nil), counting, nil, stream.Uses(seen), stream.Named("counting"))
		stream.To(stream.ToStream(table), nums)
	})
	p.pipe("a=x@1", "a=y@2", "b=z@3", "a@4")
	wants(p, nums, "a=101@1 a=202@2 b=301@3 a=403@4")
	if n, _ := streamtest.KeyValue[string, int64](p.Driver, seen).Get("a"); n != 3 {
		t.Errorf("the store has %d, want 3", n)
	}
}

func TestTransformTableFails(t *testing.T) {
	forwards := func(ctx *processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
		return func(k string, v record.Optional[string]) (record.Optional[string], error) {
			switch v.Value {
			case "error":
				return v, errors.New("no")
			case "panic":
				panic("no")
			case "forward":
				ctx.Forward(record.Record[string, string]{Key: k})
			}
			return v, nil
		}, nil
	}
	describe := func(b *stream.Builder) {
		stream.To(stream.ToStream(stream.TransformTable(stream.TableFrom(b, in, nil), forwards, nil)), out)
	}
	p := run(t, streamtest.Config{Processing: task.ErrorPolicy{Then: task.Skip}}, describe)
	p.pipe("a=x", "a=error", "a=panic", "a=y")
	wants(p, out, "a=x a=y")
	if n := p.Dropped(processor.DropProcessing); n != 2 {
		t.Errorf("dropped %d, want 2", n)
	}
	b := stream.New()
	describe(b)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.Open(top, streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := streamtest.Input(d, in).TryPipe(parse(t, "a=forward")); err == nil {
		t.Error("forwarding from a transformer is not refused")
	}
}

func TestTransformTableMadeBadly(t *testing.T) {
	for name, f := range map[string]stream.TableTransformer[string, string, string]{
		"error": func(*processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
			return nil, errors.New("no")
		},
		"nothing": func(*processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
			return nil, nil
		},
		"panic": func(*processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
			panic("no")
		},
	} {
		b := stream.New()
		stream.To(stream.ToStream(stream.TransformTable(stream.TableFrom(b, in, nil), f, nil)), out)
		top, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := streamtest.Open(top, streamtest.Config{}); err == nil {
			t.Errorf("%s: the task begins", name)
		}
	}
}

// loader fills a global store with the lengths of values.
type loader struct {
	store statestore.KeyValue[string, int64]
}

func (l *loader) Init(ctx *processor.Context[struct{}, struct{}]) (err error) {
	l.store, err = lengths.KeyValue(ctx)
	return err
}

func (l *loader) Process(r record.Record[string, string]) error {
	if r.Null.Key() || r.Null.Value() {
		l.store.Delete("of " + r.Key)
	} else {
		l.store.Put("of "+r.Key, int64(len(r.Value)))
	}
	return nil
}

func (l *loader) Close() error { return nil }

var lengths = stream.NewStore("lengths", serde.String, serde.Int64)

func TestGlobalStore(t *testing.T) {
	lookUp := processor.Func(func(ctx *processor.Context[string, int64], r record.Record[string, string]) error {
		st, err := lengths.KeyValue(ctx)
		if err != nil {
			return err
		}
		n, ok := st.Get("of " + r.Value)
		if !ok {
			n = -1
		}
		ctx.Forward(record.WithValue(r, n))
		return nil
	})
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.GlobalStoreFrom(b, in, lengths, func() processor.Processor[string, string, struct{}, struct{}] { return &loader{} })
		stream.To(stream.Process(stream.From(b, in2), lookUp), nums)
	})
	p.pipe("a=xyz", "b=x", "b")
	p.pipeTo(in2, "k=a", "k=b")
	wants(p, nums, "k=3 k=-1")
}

// lastOfWindow keeps the latest value of each window of ten and of each session.
type lastOfWindow struct {
	ctx      *processor.Context[string, string]
	windows  statestore.Window[string, string]
	stamped  statestore.TimestampedWindow[string, string]
	sessions statestore.Session[string, string]
}

var (
	ownWindows  = stream.NewStore("own-windows", serde.String, serde.String).OfWindows(ms(10), ms(30))
	ownStamped  = stream.NewStore("own-stamped", serde.String, serde.String).WithTimestamps().OfWindows(ms(10), ms(30)).InMemory()
	ownSessions = stream.NewStore("own-sessions", serde.String, serde.String).OfSessions(ms(30))
)

func (l *lastOfWindow) Init(ctx *processor.Context[string, string]) error {
	l.ctx = ctx
	var errs [3]error
	l.windows, errs[0] = ownWindows.PlainWindows(ctx)
	l.stamped, errs[1] = ownStamped.Windows(ctx)
	l.sessions, errs[2] = ownSessions.Sessions(ctx)
	return errors.Join(errs[:]...)
}

func (l *lastOfWindow) Process(r record.Record[string, string]) error {
	start := r.Timestamp / 10 * 10
	before, _ := l.windows.Get(r.Key, start)
	stamped, _ := l.stamped.Get(r.Key, start)
	l.windows.Put(r.Key, start, r.Value)
	l.stamped.Put(r.Key, start, r.Value, r.Timestamp)
	n := 0
	for range l.sessions.Find(r.Key, 0, 1000) {
		n++
	}
	key := window.Key[string]{Key: r.Key, Start: r.Timestamp, End: r.Timestamp}
	l.sessions.Put(key, r.Value)
	l.ctx.Forward(record.WithValue(r, fmt.Sprintf("%s,%s@%d,%d", before, stamped.Value, stamped.Timestamp, n)))
	return nil
}

func (l *lastOfWindow) Close() error { return nil }

func TestProcessorsOwnWindows(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.Process(s, func() processor.Processor[string, string, string, string] { return &lastOfWindow{} }, stream.Uses(ownWindows, ownStamped, ownSessions)), out)
	})
	p.pipe("a=x@1", "a=y@2", "a=z@15", "a=w@45", "a=late@3")
	// What begins 30 ms before the latest window is gone, and so are the sessions that ended 30 ms before.
	wants(p, out, "a=,@0,0@1 a=x,x@1,1@2 a=,@0,2@15 a=,@0,3@45 a=,@0,1@3")
	if raw := p.Raw("app-own-windows-changelog"); len(raw) != 5 {
		t.Errorf("the changelog has %d records, want 5", len(raw))
	}
}

func ExampleChanges() {
	demonstrateOn(func(b *stream.Builder) {
		changes := stream.Changes(stream.TableFrom(b, in, texts))
		stream.To(stream.MapValues(changes, func(ch stream.Change[string]) string {
			return fmt.Sprintf("from %q to %q", ch.Old.Value, ch.New.Value)
		}), out)
	}, "a=x", "a=y", "a")
	// Output:
	// a from "" to "x"
	// a from "x" to "y"
	// a from "y" to ""
}

func ExampleTransformTable() {
	numbered := func(*processor.Context[string, string]) (func(string, record.Optional[string]) (record.Optional[string], error), error) {
		n := 0
		return func(_ string, v record.Optional[string]) (record.Optional[string], error) {
			n++
			return record.Some(fmt.Sprintf("%s, update %d", v.Value, n)), nil
		}, nil
	}
	demonstrateOn(func(b *stream.Builder) {
		table := stream.TransformTable(stream.TableFrom(b, in, nil), numbered, stream.NewStore("numbered", serde.String, serde.String))
		stream.To(stream.ToStream(table), out)
	}, "a=x", "b=y", "a=z")
	// Output:
	// a x, update 1
	// b y, update 2
	// a z, update 3
}
