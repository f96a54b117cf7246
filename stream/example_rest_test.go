package stream_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// byName fills a global store with codes by name from a topic of names by code.
type byName struct {
	codes statestore.KeyValue[string, string]
}

var codesByName = stream.NewStore("codes", serde.String, serde.String)

func (p *byName) Init(ctx *processor.Context[struct{}, struct{}]) (err error) {
	p.codes, err = codesByName.KeyValue(ctx)
	return err
}

func (p *byName) Process(r record.Record[string, string]) error {
	p.codes.Put(strings.ToLower(r.Value), r.Key)
	return nil
}

func (p *byName) Close() error { return nil }

// Unlike a global table's, the store has other keys than the topic.
func ExampleGlobalStoreFrom() {
	demonstrate(func(d *streamtest.Driver) {
		feed(d, in2, "no=Norway", "it=Italy")
		for name, code := range streamtest.KeyValue(d, codesByName).All() {
			fmt.Println(name, code)
		}
	}, func(b *stream.Builder) {
		stream.GlobalStoreFrom(b, in2, codesByName, func() processor.Processor[string, string, struct{}, struct{}] { return &byName{} })
		stream.ForEach(stream.From(b, in), func(_, _ string) {})
	})
	// Output:
	// italy it
	// norway no
}

// One window for each key, from the start of 2026 on.
func ExampleCountWindows_unlimited() {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	demonstrate(func(d *streamtest.Driver) {
		streamtest.Input(d, in).Pipe("a", "too early", start.UnixMilli()-1)
		streamtest.Input(d, in).Pipe("a", "x", start.UnixMilli())
		streamtest.Input(d, in).Pipe("a", "x", start.AddDate(1, 0, 0).UnixMilli())
	}, func(b *stream.Builder) {
		since := stream.WindowedBy(stream.GroupByKey(stream.From(b, in)), window.Unlimited(start))
		counts := stream.CountWindows(since, nil)
		stream.To(stream.Map(stream.ToStream(counts), func(k window.Key[string], n int64) (string, string) {
			return k.Key, fmt.Sprintf("%d since %s", n, time.UnixMilli(k.Start).UTC().Format(time.DateOnly))
		}), out)
	})
	// Output:
	// a 1 since 2026-01-01
	// a 2 since 2026-01-01
}

// lastHour keeps a value a key and hour, and passes on how many hours of the last day have one.
type lastHour struct {
	ctx   *processor.Context[string, string]
	hours statestore.Window[string, string]
}

var hourly = stream.NewStore("hourly", serde.String, serde.String).OfWindows(time.Hour, 24*time.Hour)

func (p *lastHour) Init(ctx *processor.Context[string, string]) (err error) {
	p.ctx = ctx
	p.hours, err = hourly.PlainWindows(ctx)
	return err
}

func (p *lastHour) Process(r record.Record[string, string]) error {
	hour := time.Hour.Milliseconds()
	p.hours.Put(r.Key, r.Timestamp/hour*hour, r.Value)
	n := 0
	for range p.hours.Fetch(r.Key, r.Timestamp-23*hour, r.Timestamp) {
		n++
	}
	p.ctx.Forward(record.WithValue(r, fmt.Sprint(n, " hours")))
	return nil
}

func (p *lastHour) Close() error { return nil }

// A processor with a store of windows of its own.
func ExampleStore_OfWindows() {
	demonstrate(func(d *streamtest.Driver) {
		for _, hour := range []int64{0, 0, 5, 30} {
			streamtest.Input(d, in).Pipe("a", "x", hour*time.Hour.Milliseconds())
		}
	}, func(b *stream.Builder) {
		stream.To(stream.ProcessValues(stream.From(b, in), func() processor.Processor[string, string, string, string] { return &lastHour{} }, stream.Uses(hourly)), out)
	})
	// Output:
	// a 1 hours
	// a 1 hours
	// a 2 hours
	// a 1 hours
}
