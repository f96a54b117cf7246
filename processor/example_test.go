package processor_test

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

var (
	readings = stream.NewTopic("readings", serde.String, serde.Int64)
	alarms   = stream.NewTopic("alarms", serde.String, serde.String)
	lastSeen = stream.NewStore("last-seen", serde.String, serde.Int64)
)

// silence tells of sensors that have said nothing for a minute of stream time.
type silence struct {
	ctx  *processor.Context[string, string]
	seen statestore.KeyValue[string, int64]
}

func newSilence() processor.Processor[string, int64, string, string] { return &silence{} }

func (p *silence) Init(ctx *processor.Context[string, string]) (err error) {
	p.ctx = ctx
	p.seen, err = lastSeen.KeyValue(ctx)
	ctx.Schedule(30*time.Second, processor.StreamTime, p.look)
	return err
}

func (p *silence) Process(r record.Record[string, int64]) error {
	p.seen.Put(r.Key, r.Timestamp)
	return nil
}

func (p *silence) look(now int64) error {
	for sensor, at := range p.seen.All() {
		if now-at >= time.Minute.Milliseconds() {
			p.ctx.Forward(record.New(sensor, fmt.Sprintf("silent since %d", at), now))
			p.seen.Delete(sensor)
		}
	}
	return nil
}

func (p *silence) Close() error { return nil }

// A processor with a store and a punctuator.
func ExampleProcessor() {
	b := stream.New()
	silent := stream.Process(stream.From(b, readings), newSilence, stream.Uses(lastSeen))
	stream.To(silent, alarms)
	d := open(b)
	in := streamtest.Input(d, readings)
	in.Pipe("cellar", 7, 0)
	in.Pipe("roof", 21, 10_000)
	in.Pipe("roof", 22, 65_000)
	for _, r := range streamtest.Output(d, alarms).ReadAll() {
		fmt.Println(r.Key, r.Value)
	}
	// Output: cellar silent since 0
}

// A processor without state needs no type of its own.
func ExampleFunc() {
	b := stream.New()
	hot := stream.Process(stream.From(b, readings), processor.Func(
		func(ctx *processor.Context[string, string], r record.Record[string, int64]) error {
			source, _ := ctx.Source()
			if r.Value > 80 {
				ctx.Forward(record.WithValue(r, fmt.Sprintf("%d degrees, said record %d", r.Value, source.Offset)))
			}
			return nil
		}))
	stream.To(hot, alarms)
	d := open(b)
	in := streamtest.Input(d, readings)
	in.Pipe("oven", 79)
	in.Pipe("oven", 81)
	fmt.Println(streamtest.Output(d, alarms).Read().Value)
	// Output: 81 degrees, said record 1
}

func open(b *stream.Builder) *streamtest.Driver {
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	d, err := streamtest.Open(t, streamtest.Config{})
	if err != nil {
		panic(err)
	}
	return d
}
