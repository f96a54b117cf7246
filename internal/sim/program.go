package sim

import (
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// The application under test. Words are counted through a repartition topic; beside the counts, each task keeps
// the number of times that its clock has struck, in memory, so that there is work without input; and visits are
// joined with a table whose changelog is its source topic.
const (
	application = "app"

	wordsTopic  = "words"
	countsTopic = "counts"
	ticksTopic  = "ticks"
	namesTopic  = "names"
	visitsTopic = "visits"
	greetTopic  = "greetings"
)

// program returns the application's topology.
func program() (*topology.Topology, error) {
	b := stream.New()
	words := stream.From(b, stream.NewTopic(wordsTopic, serde.String, serde.String))
	byWord := stream.GroupBy(words, func(_, word string) string { return word })
	counts := stream.ToStream(stream.Count(byWord, stream.NewStore("counts", serde.String, serde.Int64)))
	stream.To(counts, stream.NewTopic(countsTopic, serde.String, serde.Int64))
	ticks := stream.NewStore("ticks", serde.String, serde.Int64).InMemory()
	struck := stream.Process(counts, func() processor.Processor[string, int64, string, int64] { return &ticker{store: ticks} }, stream.Uses(ticks))
	stream.To(struck, stream.NewTopic(ticksTopic, serde.String, serde.Int64))

	names := stream.TableFrom(b, stream.NewTopic(namesTopic, serde.String, serde.String), stream.NewStore("names", serde.String, serde.String))
	visits := stream.From(b, stream.NewTopic(visitsTopic, serde.String, serde.String))
	greetings := stream.LeftJoinTable(visits, names, func(visit string, _ *string) string { return visit })
	stream.To(greetings, stream.NewTopic(greetTopic, serde.String, serde.String))
	return b.Build(stream.ReuseSourceTopics)
}

// ticker counts how often its timer has fired, by task.
type ticker struct {
	store *stream.Store[string, int64]
	ticks statestore.KeyValue[string, int64]
}

func (t *ticker) Init(ctx *processor.Context[string, int64]) (err error) {
	if t.ticks, err = t.store.KeyValue(ctx); err != nil {
		return err
	}
	ctx.Schedule(10*time.Millisecond, processor.WallClockTime, func(now int64) error {
		n, _ := t.ticks.Get(ctx.ID())
		t.ticks.Put(ctx.ID(), n+1)
		ctx.Forward(record.New(ctx.ID(), n+1, now))
		return nil
	})
	return nil
}

func (t *ticker) Process(record.Record[string, int64]) error { return nil }
func (t *ticker) Close() error                               { return nil }
