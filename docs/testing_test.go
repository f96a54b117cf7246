package docs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

var spentStore = stream.NewStore("spent", serde.String, serde.Int64)

// spending is the topology under test: what each customer has spent.
func spending() (*topology.Topology, error) {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders), func(_ string, o Order) string { return o.Customer })
	spent := stream.Aggregate(byCustomer, func() int64 { return 0 },
		func(_ string, o Order, sum int64) int64 { return sum + o.Cents }, spentStore)
	stream.To(stream.ToStream(spent), totals)
	return b.Build()
}

func TestSpending(t *testing.T) {
	topo, err := spending()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{Application: "shop"})
	in, out := streamtest.Input(d, orders), streamtest.Output(d, totals)

	in.Pipe("o-1", Order{Customer: "ann", Cents: 250}, 1000)
	in.Pipe("o-2", Order{Customer: "ann", Cents: 100}, 3000)
	in.PipeRecord(record.Record[string, Order]{Key: "o-3", Value: Order{Customer: "bob"}, Timestamp: 2000})

	if r := out.Read(); r.Key != "ann" || r.Value != 250 || r.Timestamp != 1000 {
		t.Errorf("the first update is %+v", r)
	}
	if diff := cmp.Diff(map[string]int64{"ann": 350, "bob": 0}, streamtest.Map(out)); diff != "" {
		t.Error(diff)
	}
	if sum, ok := streamtest.Timestamped(d, spentStore).Get("ann"); !ok || sum.Value != 350 || sum.Timestamp != 3000 {
		t.Errorf("the store has %+v for ann", sum)
	}
}

func TestBadOrdersAreSkipped(t *testing.T) {
	topo, err := spending()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{Deserialization: task.ErrorPolicy{Then: task.Skip}})
	err = d.PipeRaw(record.Raw{
		TopicPartition: record.TopicPartition{Topic: "orders"},
		Key:            []byte("o-1"), Value: []byte("{"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := d.Dropped(processor.DropDeserialize); n != 1 {
		t.Errorf("%d records were dropped, want 1", n)
	}
}

func TestBadOrdersStopTheApplication(t *testing.T) {
	topo, err := spending()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{})
	err = d.PipeRaw(record.Raw{
		TopicPartition: record.TopicPartition{Topic: "orders"},
		Key:            []byte("o-1"), Value: []byte("{"),
	})
	if err == nil || !strings.Contains(err.Error(), "orders[0]@0") {
		t.Errorf("error %v, want one that names the record", err)
	}
}

// ticker forwards the time at each tick of the wall clock.
func ticker() processor.Processor[string, string, string, int64] { return &ticks{} }

type ticks struct {
	ctx *processor.Context[string, int64]
}

func (p *ticks) Init(ctx *processor.Context[string, int64]) error {
	p.ctx = ctx
	ctx.Schedule(10*time.Second, processor.WallClockTime, func(now int64) error {
		p.ctx.Forward(record.New("tick", now, now))
		return nil
	})
	return nil
}

func (p *ticks) Process(record.Record[string, string]) error { return nil }
func (p *ticks) Close() error                                { return nil }

func TestTicks(t *testing.T) {
	b := stream.New()
	stream.To(stream.Process(stream.From(b, texts), ticker), totals)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{WallClock: time.UnixMilli(5000)})
	d.Advance(25 * time.Second) // once, with the new time
	if diff := cmp.Diff(map[string]int64{"tick": 30_000}, streamtest.Map(streamtest.Output(d, totals))); diff != "" {
		t.Error(diff)
	}
}
