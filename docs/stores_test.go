package docs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

var (
	onDisk   = stream.NewStore("spent", serde.String, serde.Int64)
	inMemory = onDisk.InMemory()
	tuned    = onDisk.ChangelogConfig(map[string]string{"segment.ms": "600000"})
	history  = onDisk.WithHistory(24 * time.Hour)
	windows  = onDisk.Retention(48 * time.Hour)
)

// TestStoreHandles builds an aggregation with each of the handles.
func TestStoreHandles(t *testing.T) {
	for _, s := range []*stream.Store[string, int64]{onDisk, inMemory, tuned, history} {
		b := stream.New()
		stream.Count(stream.GroupByKey(stream.From(b, stream.NewTopic("in", serde.String, serde.String))), s)
		if _, err := b.Build(); err != nil {
			t.Error(err)
		}
	}
	b := stream.New()
	byKey := stream.GroupByKey(stream.From(b, stream.NewTopic("in", serde.String, serde.String)))
	stream.CountWindows(stream.WindowedBy(byKey, window.Tumbling(time.Hour)), windows)
	if _, err := b.Build(); err != nil {
		t.Error(err)
	}
}

// answers replies to each question about a customer with what the customer has spent, from a table's store.
type answers struct {
	ctx   *processor.Context[string, int64]
	spent statestore.Timestamped[string, int64]
}

func (p *answers) Init(ctx *processor.Context[string, int64]) (err error) {
	p.ctx = ctx
	p.spent, err = onDisk.Timestamped(ctx)
	return err
}

func (p *answers) Process(r record.Record[string, string]) error {
	sum, _ := p.spent.Get(r.Key)
	p.ctx.Forward(record.WithValue(r, sum.Value))
	return nil
}

func (p *answers) Close() error { return nil }

func Example_storeOfATable() {
	b := stream.New()
	byCustomer := stream.GroupByKey(stream.From(b, stream.NewTopic("by-customer", serde.String, serde.Int64)))
	stream.Reduce(byCustomer, func(sum, cents int64) int64 { return sum + cents }, onDisk)
	questions := stream.From(b, stream.NewTopic("questions", serde.String, serde.String))
	answered := stream.ProcessValues(questions, func() processor.Processor[string, string, string, int64] {
		return &answers{}
	}, stream.Uses(onDisk))
	stream.To(answered, totals)

	d := open(b)
	streamtest.Input(d, stream.NewTopic("by-customer", serde.String, serde.Int64)).Pipe("ann", 5)
	streamtest.Input(d, stream.NewTopic("questions", serde.String, serde.String)).Pipe("ann", "how much?")
	show(d, totals)
	// Output: ann 5
}

func Example_changelog() {
	b := stream.New()
	sums := stream.Reduce(stream.GroupByKey(stream.From(b, totals)), func(sum, n int64) int64 { return sum + n }, inMemory)
	stream.To(stream.MapValues(stream.ToStream(sums), func(n int64) string { return fmt.Sprint(n) }), texts)

	d := openWith(b, streamtest.Config{Application: "shop"})
	streamtest.Input(d, totals).Pipe("ann", 2, 1000)
	streamtest.Input(d, totals).Pipe("ann", 5, 3000)
	for _, r := range d.Raw("shop-spent-changelog") {
		fmt.Printf("%s %x at %d\n", r.Key, r.Value, r.Timestamp)
	}
	// Output:
	// ann 0000000000000002 at 1000
	// ann 0000000000000007 at 3000
}

func Example_windowStore() {
	b := stream.New()
	perMinute := stream.NewStore("per-minute", serde.String, serde.Int64).Retention(24 * time.Hour)
	minutes := stream.WindowedBy(stream.GroupByKey(stream.From(b, totals)), window.Tumbling(time.Minute))
	stream.CountWindows(minutes, perMinute)

	d := open(b)
	streamtest.Input(d, totals).Pipe("ann", 1, 1000)
	streamtest.Input(d, totals).Pipe("ann", 1, 61_000)
	for start, n := range streamtest.Windows(d, perMinute).Fetch("ann", 0, 60_000) { // both bounds are starts, and included
		fmt.Println(start, n.Value, n.Timestamp)
	}
	// Output:
	// 0 1 1000
	// 60000 1 61000
}

func Example_recordCache() {
	b := stream.New()
	stream.To(stream.ToStream(stream.Count(stream.GroupByKey(stream.From(b, texts)), nil)), totals)

	d := openWith(b, streamtest.Config{RecordCache: 1 << 20, CommitInterval: time.Second})
	in := streamtest.Input(d, texts)
	in.Pipe("ann", "x")
	in.Pipe("ann", "y")
	show(d, totals) // nothing yet
	d.Commit()
	show(d, totals)
	// Output: ann 2
}
