package docs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
)

func Example_stateless() {
	b := stream.New()
	placed := stream.From(b, orders)
	paidFor := stream.Filter(placed, func(_ string, o Order) bool { return o.Cents > 0 })
	lines := stream.MapValuesWithKey(paidFor, func(id string, o Order) string {
		return fmt.Sprintf("%s: %d cents", id, o.Cents)
	})
	stream.To(lines, texts)

	d := open(b)
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "ann", Cents: 250})
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "ann"})
	show(d, texts)
	// Output: o-1 o-1: 250 cents
}

func Example_split() {
	b := stream.New()
	split := stream.Split(stream.From(b, orders), stream.Named("size-"))
	large := split.Branch(func(_ string, o Order) bool { return o.Cents >= 10_000 }, stream.Named("large"))
	rest := split.Default(stream.Named("rest"))
	stream.To(stream.MapValues(large, func(o Order) string { return "call " + o.Customer }), texts)
	stream.To(stream.MapValues(rest, func(o Order) string { return "mail " + o.Customer }), texts)

	d := open(b)
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "ann", Cents: 25_000})
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "bob", Cents: 100})
	show(d, texts)
	// Output:
	// o-1 call ann
	// o-2 mail bob
}

func Example_repartition() {
	b := stream.New()
	byCustomer := stream.GroupBy(stream.From(b, orders),
		func(_ string, o Order) string { return o.Customer },
		stream.Named("by-customer"))
	spent := stream.Aggregate(byCustomer,
		func() int64 { return 0 },
		func(_ string, o Order, sum int64) int64 { return sum + o.Cents },
		stream.NewStore("spent", serde.String, serde.Int64))
	stream.To(stream.ToStream(spent), totals)

	d := openWith(b, streamtest.Config{Application: "shop"})
	streamtest.Input(d, orders).Pipe("o-1", Order{Customer: "ann", Cents: 250})
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "ann", Cents: 100})
	show(d, totals)
	fmt.Println(d.Topics())
	// Output:
	// ann 250
	// ann 350
	// [shop-by-customer-repartition shop-spent-changelog totals]
}

func Example_groupTable() {
	b := stream.New()
	known := stream.TableFrom(b, customers, stream.NewStore("customers", serde.String, serde.JSON[Customer]()))
	byCity := stream.GroupTable(known, func(_ string, c Customer) (string, string) { return c.City, c.Name },
		stream.Named("by-city"))
	stream.To(stream.ToStream(stream.CountTable(byCity, nil)), totals)

	d := open(b)
	in := streamtest.Input(d, customers)
	in.Pipe("c-1", Customer{"Ann", "Oslo"})
	in.Pipe("c-2", Customer{"Bob", "Oslo"})
	in.Pipe("c-1", Customer{"Ann", "Rome"}) // leaves Oslo, arrives in Rome
	in.PipeNull("c-2")
	show(d, totals)
	// Output:
	// Oslo 1
	// Oslo 2
	// Oslo 1
	// Rome 1
	// Oslo 0
}

func Example_null() {
	b := stream.New()
	nullable := stream.NewTopic("nullable", serde.String, serde.Pointer(serde.Int64))
	stream.To(stream.MapValues(stream.From(b, nullable), func(n *int64) string {
		if n == nil {
			return "nothing"
		}
		return fmt.Sprint(*n)
	}), texts)

	d := open(b)
	streamtest.Input(d, nullable).PipeNull("a")
	streamtest.Input(d, nullable).Pipe("a", new(int64))
	show(d, texts)
	// Output:
	// a nothing
	// a 0
}

// score stands for a service of somebody else's.
func score(ctx context.Context, customer string) (int64, error) {
	if customer == "" {
		return 0, errors.New("who is it?")
	}
	return int64(len(customer)), ctx.Err()
}

func Example_try() {
	b := stream.New()
	scored := stream.TryMapValues(stream.From(b, orders), func(ctx context.Context, o Order) (int64, error) {
		return score(ctx, o.Customer)
	}, stream.Named("score"))
	stream.To(scored, totals)

	policy := task.ErrorPolicy{
		Retries:         3, // after 100 ms, 200 ms, 400 ms
		Then:            task.DeadLetter,
		DeadLetterTopic: "refused-orders",
	}
	policy.Retries = 0 // the driver would wait
	d := openWith(b, streamtest.Config{Processing: policy})
	streamtest.Input(d, orders).Pipe("o-1", Order{})
	streamtest.Input(d, orders).Pipe("o-2", Order{Customer: "ann"})
	show(d, totals)
	fmt.Printf("%s\n", d.Raw("refused-orders")[0].Key)
	// Output:
	// o-2 3
	// o-1
}

var seenIDs = stream.NewStore("seen", serde.String, serde.Int64)

// once passes on the first record of each key and forgets keys after a day.
type once struct {
	ctx  *processor.Context[string, Order]
	seen statestore.KeyValue[string, int64]
}

func newOnce() processor.Processor[string, Order, string, Order] { return &once{} }

func (p *once) Init(ctx *processor.Context[string, Order]) (err error) {
	p.ctx = ctx
	p.seen, err = seenIDs.KeyValue(ctx)
	ctx.Schedule(time.Hour, processor.StreamTime, p.forget)
	return err
}

func (p *once) Process(r record.Record[string, Order]) error {
	if _, ok := p.seen.PutIfAbsent(r.Key, r.Timestamp); !ok {
		p.ctx.Forward(r)
	}
	return nil
}

func (p *once) forget(now int64) error {
	for id, at := range p.seen.All() {
		if now-at > 24*time.Hour.Milliseconds() {
			p.seen.Delete(id)
		}
	}
	return nil
}

func (p *once) Close() error { return nil }

func Example_process() {
	b := stream.New()
	unique := stream.ProcessValues(stream.From(b, orders), newOnce, stream.Uses(seenIDs), stream.Named("once"))
	stream.To(stream.MapValues(unique, func(o Order) int64 { return o.Cents }), totals)

	d := open(b)
	in := streamtest.Input(d, orders)
	day := 24 * time.Hour.Milliseconds()
	in.Pipe("o-1", Order{Cents: 1}, 0)
	in.Pipe("o-1", Order{Cents: 2}, 1)
	in.Pipe("o-2", Order{Cents: 3}, day+1)
	in.Pipe("o-1", Order{Cents: 4}, day+2)
	show(d, totals)
	// Output:
	// o-1 1
	// o-2 3
	// o-1 4
}

func Example_describe() {
	b := stream.New()
	words := stream.FlatMapValues(stream.From(b, texts), strings.FieldsSeq)
	byWord := stream.GroupBy(words, func(_, word string) string { return word }, stream.Named("by-word"))
	stream.To(stream.ToStream(stream.Count(byWord, stream.NewStore("counts", serde.String, serde.Int64))), totals)
	fmt.Print(build(b).Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [texts])
	//       --> KSTREAM-FLATMAPVALUES-0000000001
	//     Processor: KSTREAM-FLATMAPVALUES-0000000001 (stores: [])
	//       --> by-word
	//       <-- KSTREAM-SOURCE-0000000000
	//     Processor: by-word (stores: [])
	//       --> by-word-repartition-filter
	//       <-- KSTREAM-FLATMAPVALUES-0000000001
	//     Processor: by-word-repartition-filter (stores: [])
	//       --> by-word-repartition-sink
	//       <-- by-word
	//     Sink: by-word-repartition-sink (topic: by-word-repartition)
	//       <-- by-word-repartition-filter
	//
	//   Sub-topology: 1
	//     Source: by-word-repartition-source (topics: [by-word-repartition])
	//       --> KSTREAM-AGGREGATE-0000000003
	//     Processor: KSTREAM-AGGREGATE-0000000003 (stores: [counts])
	//       --> KTABLE-TOSTREAM-0000000007
	//       <-- by-word-repartition-source
	//     Processor: KTABLE-TOSTREAM-0000000007 (stores: [])
	//       --> KSTREAM-SINK-0000000008
	//       <-- KSTREAM-AGGREGATE-0000000003
	//     Sink: KSTREAM-SINK-0000000008 (topic: totals)
	//       <-- KTABLE-TOSTREAM-0000000007
}
