package app

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// What is repartitioned beside a foreign-key join waits for the join's answers, which flow back to where its questions
// come from.
func TestPartitionsBesideAForeignKeyJoin(t *testing.T) {
	b := stream.New()
	orders := stream.From(b, stream.NewTopic("orders", serde.String, serde.String))
	customers := stream.TableFrom(b, stream.NewTopic("customers", serde.String, serde.String), nil)
	items := stream.TableFrom(b, stream.NewTopic("items", serde.String, serde.String), nil)
	pair := func(l, r string) string { return l + r }
	wishes := stream.JoinByForeignKey(customers, items, func(_, v string) (string, bool) { return v, true }, pair, nil, stream.Named("wish"))
	stream.ForEach(stream.ToStream(wishes), func(string, string) {})
	stream.ForEach(stream.JoinTable(orders, customers, pair), func(string, string) {})
	byValue := stream.GroupBy(orders, func(_, v string) string { return v }, stream.Named("by-value"))
	stream.ForEach(stream.ToStream(stream.Count(byValue, nil)), func(string, int64) {})
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLayout("shop", topo, map[string]int32{"orders": 3, "customers": 3, "items": 5})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int32{}
	for _, name := range slices.Sorted(maps.Keys(l.internal)) {
		got[name] = l.partitions[name]
	}
	want := map[string]int32{
		"shop-by-value-repartition":                 3,
		"shop-wish-subscription-registration-topic": 5,
		"shop-wish-subscription-response-topic":     3,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("partitions (-want +got):\n%s", d)
	}
}
