package topology_test

import (
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// counter is a processor with a store: it forwards how often it has seen each key.
type counter struct {
	ctx    *processor.Context[string, int64]
	counts statestore.KeyValue[string, int64]
}

func newCounter() processor.Processor[string, string, string, int64] { return new(counter) }

func (c *counter) Init(ctx *processor.Context[string, int64]) (err error) {
	c.ctx = ctx
	c.counts, err = topology.StoreIn[statestore.KeyValue[string, int64]](ctx, "counts")
	return err
}

func (c *counter) Process(r record.Record[string, string]) error {
	n, _ := c.counts.Get(r.Key)
	c.counts.Put(r.Key, n+1)
	c.ctx.Forward(record.WithValue(r, n+1))
	return nil
}

func (c *counter) Close() error { return nil }

// A topology built by hand: typed handles connect sources, processors and sinks, and stores are connected to
// processors by name. Package app runs it on Kafka, package task runs one of its tasks step by step.
func Example() {
	b := topology.NewBuilder()
	clicks := topology.From(b, "clicks", serde.String, serde.String, "clicks")
	b.AddStore(topology.KeyValue("counts", serde.String, serde.Int64))
	counted := topology.Process(clicks, "count", newCounter, "counts")
	topology.To(counted, "out", "clicks-by-user", serde.String, serde.Int64)
	top, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(top.Describe())

	t, err := task.New(task.Config{
		Application: "shop", Subtopology: top.Subtopologies[0],
		Persistent: statestore.NewMemory(), Memory: statestore.NewMemory(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	from := t.Inputs()[0]
	for i, user := range []string{"ann", "bob", "ann"} {
		r := record.Raw{TopicPartition: from, Offset: int64(i), Timestamp: int64(i), Key: []byte(user), Value: []byte("click")}
		t.Offer(0, []record.Raw{r}, int64(i)+1)
		t.SetLag(0, 0)
		t.Step(int64(i))
	}
	for _, out := range t.Outputs() {
		fmt.Printf("%s %s=%d\n", out.Topic, out.Key, out.Value[len(out.Value)-1])
	}
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: clicks (topics: [clicks])
	//       --> count
	//     Processor: count (stores: [counts])
	//       --> out
	//       <-- clicks
	//     Sink: out (topic: clicks-by-user)
	//       <-- count
	//
	// clicks-by-user ann=1
	// clicks-by-user bob=1
	// clicks-by-user ann=2
}

// Everything that is wrong with a topology comes out of Build together.
func ExampleBuilder_Build() {
	b := topology.NewBuilder()
	nothing := func(*topology.Scope) (any, error) { return nil, nil }
	b.AddProcessor(topology.Node{Name: "count", New: nothing, Stores: []string{"counts"}, Caller: "main.go:12"}, "clicks")
	b.AddSink(topology.Node{Name: "count", New: nothing, Caller: "main.go:13", Topics: []topology.Topic{{Name: "my topic"}}}, "clicks")
	b.Fail("main.go:14", fmt.Errorf("it rains"))
	_, err := b.Build()
	for _, problem := range err.(interface{ Unwrap() []error }).Unwrap() {
		if text := problem.Error(); text[:4] == "main" {
			fmt.Println(text)
		}
	}
	// Output:
	// main.go:12: processor "count" has the unknown parent "clicks"; add the parent before it
	// main.go:13: sink "count" has the name of a processor added at main.go:12; names of nodes are unique
	// main.go:13: sink "count": the name of topic "my topic" holds ' '; use letters, digits, '.', '_' and '-'
	// main.go:14: it rains
	// main.go:12: node "count" uses store "counts", which is unknown; add it with AddStore
}

// A topic that is chosen for each record, a topic's timestamps taken from its values, and two sources that one
// processor reads.
func ExampleFromNode() {
	b := topology.NewBuilder()
	events := topology.FromNode(b,
		topology.Node{Name: "events", Topics: []topology.Topic{{Name: "events"}}, Reset: topology.ResetLatest},
		topology.SourceConfig[string, int64]{
			Key: serde.String, Value: serde.Int64, InvalidTimestamp: topology.SkipInvalidTimestamp,
			Timestamp: func(r record.Record[string, int64], _ *record.Raw, _ int64) int64 { return r.Value },
		})
	replayed := topology.From(b, "replayed", serde.String, serde.Int64, "replayed")
	topology.ToNode(topology.Union(events, replayed),
		topology.Node{Name: "by-user", Extractor: "topic of user"},
		topology.SinkConfig[string, int64]{
			Key: serde.String, Value: serde.Int64,
			Topic: func(r record.Record[string, int64], _ processor.Source) string { return "user-" + r.Key },
		})
	top, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(top.Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: events (topics: [events])
	//       --> by-user
	//     Source: replayed (topics: [replayed])
	//       --> by-user
	//     Sink: by-user (extractor class: topic of user)
	//       <-- events, replayed
}
