package takeover

import (
	"strconv"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
)

// aggregations are key-value stores of every kind, with repartition topics and a suppression by time.
func (p *program) aggregations() {
	byUser := stream.GroupByKey(p.orders)
	counts := stream.Count(byUser, numbers("counts"))
	to(p, stream.ToStream(counts), "counts", serde.String, serde.Int64)
	to(p, stream.ToStream(stream.Reduce(byUser, appendTo, texts("chains").InMemory())), "chains", serde.String, serde.String)
	to(p, stream.ToStream(stream.SuppressUntilTimeLimit(counts, 4*time.Second, stream.Buffer{})), "limited", serde.String, serde.Int64)

	sums := stream.AggregateTable(
		stream.GroupTable(counts, func(user string, n int64) (string, int64) { return group(user), n }, stream.Named("by-group")),
		func() int64 { return 0 },
		func(_ string, n, sum int64) int64 { return sum + n },
		func(_ string, n, sum int64) int64 { return sum - n },
		numbers("sums"))
	to(p, stream.ToStream(sums), "sums", serde.String, serde.Int64)

	byGroup := stream.SelectKey(p.orders, func(user, _ string) string { return group(user) })
	chains := stream.Aggregate(stream.GroupByKey(byGroup, stream.Named("grouped")), func() string { return "" },
		func(_, v, all string) string { return appendTo(all, v) }, texts("group-chains"))
	to(p, stream.ToStream(chains), "group-chains", serde.String, serde.String)
	groups := stream.Count(stream.GroupByKey(byGroup, stream.Named("grouped-again")), nil)
	to(p, stream.ToStream(groups), "group-counts", serde.String, serde.Int64)
	latest := stream.ToTable(stream.Repartition(byGroup, stream.Named("again")), texts("latest"))
	to(p, stream.ToStream(latest), "latest", serde.String, serde.String)

	seen := numbers("seen")
	numbered := stream.ProcessValues(p.orders, func() processor.Processor[string, string, string, string] {
		return &numberer{handle: seen}
	}, stream.Uses(seen))
	to(p, numbered, "numbered", serde.String, serde.String)
}

// numberer numbers each user's records in a plain key-value store; the seventh begins anew.
type numberer struct {
	handle *stream.Store[string, int64]
	ctx    *processor.Context[string, string]
	seen   statestore.KeyValue[string, int64]
}

func (n *numberer) Init(ctx *processor.Context[string, string]) (err error) {
	n.ctx = ctx
	n.seen, err = n.handle.KeyValue(ctx)
	return err
}

func (n *numberer) Process(r record.Record[string, string]) error {
	last, _ := n.seen.Get(r.Key)
	if last++; last == 7 {
		n.seen.Delete(r.Key)
	} else {
		n.seen.Put(r.Key, last)
	}
	n.ctx.Forward(record.WithValue(r, strconv.FormatInt(last, 10)+":"+r.Value))
	return nil
}

func (n *numberer) Close() error { return nil }
