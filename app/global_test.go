package app_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// prices is a topology that joins each line, the name of a thing, with its price in a global table.
func (c *cluster) prices(topic string, inMemory bool) *topology.Topology {
	c.t.Helper()
	b := stream.New()
	store := stream.NewStore("prices", serde.String, serde.Int64)
	if inMemory {
		store = store.InMemory()
	}
	table := stream.GlobalTableFrom(b, stream.NewTopic(topic, serde.String, serde.Int64), store)
	lines := stream.From(b, stream.NewTopic(c.lines, serde.String, serde.String))
	stream.To(stream.LeftJoinGlobal(lines, table, func(_, thing string) string { return thing }, func(_ string, price *int64) int64 {
		if price == nil {
			return -1
		}
		return *price
	}), stream.NewTopic(c.counts, serde.String, serde.Int64))
	topo, err := b.Build()
	if err != nil {
		c.t.Fatal(err)
	}
	return topo
}

// A global store is complete before the first record is joined, however its partitions are cut, and follows its
// topic afterwards. On disk it goes on where it was.
func TestGlobalStore(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		topic := c.id + "-prices"
		c.create(topic, 3)
		price := func(at int64, from, to int) {
			var kv []string
			for i := from; i < to; i++ {
				kv = append(kv, fmt.Sprintf("t%d", i), string(binary.BigEndian.AppendUint64(nil, uint64(at)+uint64(i))))
			}
			c.write(topic, at, kv...)
		}
		want := map[string]int64{}
		ask := func(round, from, to int, at int64) {
			var kv []string
			for i := from; i < to; i++ {
				key := fmt.Sprintf("%d-%d", round, i)
				kv = append(kv, key, fmt.Sprintf("t%d", i))
				if want[key] = -1; at >= 0 {
					want[key] = at + int64(i)
				}
			}
			c.write(c.lines, int64(round), kv...)
		}
		check := func() {
			t.Helper()
			c.awaitProcessed(c.lines)
			if d := cmp.Diff(want, c.read(c.counts)); d != "" {
				t.Errorf("prices (-want +got):\n%s", d)
			}
		}
		dir := t.TempDir()
		begin := func(inMemory bool) *instance {
			return c.start(dir, func(cfg *app.Config) { cfg.Topology = c.prices(topic, inMemory) })
		}

		price(1000, 0, 500)
		ask(1, 0, 500, 1000)
		ask(1, 500, 520, -1)
		in := begin(false)
		check()
		if n := in.restored(); n != 500 {
			t.Errorf("restored %d records of the global store, want 500", n)
		}

		// Tasks do not wait for later prices, so the lines are asked until one shows.
		price(5000, 0, 700)
		for deadline := time.Now().Add(20 * time.Second); ; {
			ask(2, 600, 700, 5000)
			c.awaitProcessed(c.lines)
			if cmp.Equal(want, c.read(c.counts)) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the global store does not follow its topic")
			}
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}

		price(9000, 0, 10)
		ask(3, 0, 10, 9000)
		in = begin(false)
		check()
		if n := in.restored(); n != 10 {
			t.Errorf("restored %d records of the global store, want the 10 that were new", n)
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}

		// In memory it is read from the beginning.
		ask(4, 0, 10, 9000)
		ask(4, 10, 700, 5000)
		in = begin(true)
		check()
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
	})
}
