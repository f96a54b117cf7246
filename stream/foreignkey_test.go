package stream_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

var (
	orders    = stream.NewTopic("orders", serde.String, serde.String)
	customers = stream.NewTopic("customers", serde.String, serde.String)
)

// customerOf is the part of an order before the colon.
func customerOf(_, order string) (string, bool) {
	customer, _, ok := strings.Cut(order, ":")
	return customer, ok
}

func joinOrders(b *stream.Builder, isLeft bool) {
	l, r := stream.TableFrom(b, orders, nil), stream.TableFrom(b, customers, nil)
	if isLeft {
		stream.To(stream.ToStream(stream.LeftJoinByForeignKey(l, r, customerOf, leftPair, nil)), out)
		return
	}
	stream.To(stream.ToStream(stream.JoinByForeignKey(l, r, customerOf, func(l, r string) string { return leftPair(l, &r) }, nil)), out)
}

func leftPair(l string, r *string) string {
	if r == nil {
		return l + "|-"
	}
	return l + "|" + *r
}

func TestJoinByForeignKey(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) { joinOrders(b, false) })
	p.pipeTo(orders, "o1=ann:1@1", "o2=bob:2@2", "o3=none@3")
	p.pipeTo(customers, "ann=Ann@4", "bob=Bob@5", "ann=ANN@6")
	p.pipeTo(orders, "o1=bob:3@7", "o2=none@8", "o1@9")
	wants(p, out, "o1=ann:1|Ann@4 o2=bob:2|Bob@5 o1=ann:1|ANN@6 o1=bob:3|Bob@7 o2@8 o1@9")
	if n := p.Dropped(processor.DropNullJoinKey); n != 2 {
		t.Errorf("%d orders without a customer were counted, want 2", n)
	}
}

func TestLeftJoinByForeignKey(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) { joinOrders(b, true) })
	p.pipeTo(orders, "o1=ann:1@1", "o2=none@2")
	p.pipeTo(customers, "ann=Ann@3", "ann@4")
	p.pipeTo(orders, "o1@5")
	wants(p, out, "o1=ann:1|-@1 o2=none|-@2 o1=ann:1|Ann@3 o1=ann:1|-@4 o1@5")
}

// TestForeignKeyJoinsAgainstTwin compares what is left in the end with the join of the tables as they are then.
func TestForeignKeyJoinsAgainstTwin(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		r := rand.New(rand.NewPCG(seed, 7))
		isLeft := seed%2 == 0
		p := run(t, streamtest.Config{LogLast: seed%3 == 0}, func(b *stream.Builder) { joinOrders(b, isLeft) })
		tables := map[string]map[string]string{"orders": {}, "customers": {}}
		for i := range 60 {
			topic, key := orders, fmt.Sprint("o", r.IntN(4))
			value := fmt.Sprintf("c%d:%d", r.IntN(4), r.IntN(3))
			if r.IntN(2) == 0 {
				topic, key, value = customers, fmt.Sprint("c", r.IntN(4)), fmt.Sprint("v", r.IntN(3))
			}
			rec := record.New(key, value, int64(i))
			if r.IntN(4) == 0 {
				rec = record.Tombstone[string, string](key, int64(i))
				delete(tables[topic.Name()], key)
			} else {
				tables[topic.Name()][key] = value
			}
			streamtest.Input(p.Driver, topic).PipeRecord(rec)
		}
		want := map[string]string{}
		for key, order := range tables["orders"] {
			name, _ := customerOf("", order)
			if c, ok := tables["customers"][name]; ok {
				want[key] = leftPair(order, &c)
			} else if isLeft {
				want[key] = leftPair(order, nil)
			}
		}
		if got := streamtest.Map(streamtest.Output(p.Driver, out)); !maps.Equal(got, want) {
			t.Fatalf("seed %d: the result is %v, want %v", seed, got, want)
		}
	}
}
