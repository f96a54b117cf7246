package app_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// memory keeps what it is given, forgets what "-" names, and says whether it knows what "?" names.
type memory struct {
	ctx   *processor.Context[string, int64]
	store statestore.KeyValue[string, string]
}

func (p *memory) Init(ctx *processor.Context[string, int64]) (err error) {
	p.ctx = ctx
	p.store, err = topology.StoreIn[statestore.KeyValue[string, string]](ctx, "known")
	return err
}

func (p *memory) Process(r record.Record[string, string]) error {
	switch r.Value {
	case "-":
		p.store.Delete(r.Key)
	case "?":
		n := int64(0)
		if _, ok := p.store.Get(r.Key); ok {
			n = 1
		}
		p.ctx.Forward(record.WithValue(r, n))
	default:
		p.store.Put(r.Key, r.Value)
	}
	return nil
}

func (p *memory) Close() error { return nil }

func (c *cluster) memories() *topology.Topology {
	return c.built(func(b *topology.Builder) {
		in := topology.From(b, "read", serde.String, serde.String, c.lines)
		b.AddStore(topology.KeyValue("known", serde.String, serde.String))
		out := topology.Process(in, "remember", func() processor.Processor[string, string, string, int64] { return &memory{} }, "known")
		topology.To(out, "say", c.counts, serde.String, serde.Int64)
	})
}

// TestNoGhosts: a task moves away and comes back to state that is older than the tombstones that its changelog
// has lost meanwhile. What was deleted must not be there again.
func TestNoGhosts(t *testing.T) {
	for name, retention := range map[string]string{"gone": "0", "kept": "86400000"} {
		t.Run(name, func(t *testing.T) {
			b, err := embedded.Start(embedded.Config{Partitions: partitions})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			c := newCluster(t, b.Addr())
			topo := c.memories()
			change := func(cfg *app.Config) {
				cfg.Topology, cfg.TopicConfig = topo, map[string]string{"delete.retention.ms": retention}
			}
			run := func(dir string, kv ...string) *instance {
				in := c.start(dir, change)
				c.write(c.lines, time.Now().UnixMilli(), kv...)
				c.awaitProcessed(c.lines)
				if err := in.stop(); err != nil {
					t.Fatal(err)
				}
				return in
			}
			var anchors, puts, deletes, more, asks []string
			for i := range 40 {
				// What is never written again keeps the changelogs' starts where they are.
				anchors = append(anchors, fmt.Sprint("anchor", i), "here")
				puts = append(puts, fmt.Sprint("key", i), "here")
				deletes = append(deletes, fmt.Sprint("key", i), "-")
				more = append(more, fmt.Sprint("more", i), "here")
				asks = append(asks, fmt.Sprint("key", i), "?", fmt.Sprint("anchor", i), "?")
			}
			old, other := t.TempDir(), t.TempDir()
			run(old, anchors...)
			run(old, puts...)
			run(other, deletes...)
			run(other, more...) // the last batch is never compacted
			b.Compact()
			in := run(old, asks...)
			got := c.read(c.counts)
			for i := range 40 {
				if got[fmt.Sprint("key", i)] != 0 {
					t.Fatalf("key%d was deleted and is there again: %v", i, got)
				}
				if got[fmt.Sprint("anchor", i)] != 1 {
					t.Fatalf("anchor%d is gone: %v", i, got)
				}
			}
			// The tail is 40 tombstones and what came after them, the whole is all that is not deleted.
			if n := in.restored(); n != 80 {
				t.Errorf("restored %d records, want 80", n)
			}
		})
	}
}

// TestNoGhostsInGlobalStores is the same for a global store, whose topic went on while the instance was away.
func TestNoGhostsInGlobalStores(t *testing.T) {
	for name, retention := range map[string]string{"gone": "0", "kept": "86400000"} {
		t.Run(name, func(t *testing.T) {
			onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
				topic := c.id + "-prices"
				if err := c.admin.CreateTopics(t.Context(), kafka.TopicSpec{Name: topic, Partitions: 3, Configs: map[string]string{
					"cleanup.policy": "compact", "delete.retention.ms": retention,
				}}); err != nil {
					t.Fatal(err)
				}
				topo := c.prices(topic, false)
				dir := t.TempDir()
				run := func(kv ...string) *instance {
					in := c.start(dir, func(cfg *app.Config) { cfg.Topology = topo })
					c.write(c.lines, time.Now().UnixMilli(), kv...)
					c.awaitProcessed(c.lines)
					if err := in.stop(); err != nil {
						t.Fatal(err)
					}
					return in
				}
				one := string(binary.BigEndian.AppendUint64(nil, 1))
				var anchors, puts, more, asks []string
				var deletes []string
				for i := range 40 {
					anchors = append(anchors, fmt.Sprint("anchor", i), one)
					puts = append(puts, fmt.Sprint("key", i), one)
					deletes = append(deletes, fmt.Sprint("key", i))
					more = append(more, fmt.Sprint("more", i), one)
					asks = append(asks, fmt.Sprint("key", i), fmt.Sprint("key", i), fmt.Sprint("anchor", i), fmt.Sprint("anchor", i))
				}
				c.write(topic, time.Now().UnixMilli(), anchors...)
				c.write(topic, time.Now().UnixMilli(), puts...)
				run(asks...)
				if got := c.read(c.counts); got["key0"] != 1 || got["anchor0"] != 1 {
					t.Fatalf("not read: %v", got)
				}
				c.remove(topic, deletes...)
				c.write(topic, time.Now().UnixMilli(), more...) // the last batch is never compacted
				b.Compact()
				in := run(asks...)
				got := c.read(c.counts)
				for i := range 40 {
					if got[fmt.Sprint("key", i)] != -1 {
						t.Fatalf("key%d was deleted and is there again: %v", i, got)
					}
					if got[fmt.Sprint("anchor", i)] != 1 {
						t.Fatalf("anchor%d is gone: %v", i, got)
					}
				}
				// The tail is 40 tombstones and what came after them, the whole is all that is not deleted.
				if n := in.restored(); n != 80 {
					t.Errorf("restored %d records, want 80", n)
				}
			})
		})
	}
}

// remove writes tombstones.
func (c *cluster) remove(topic string, keys ...string) {
	c.t.Helper()
	failed := make(chan error, len(keys))
	for _, k := range keys {
		c.client.Produce(c.t.Context(), &kafka.Output{Topic: topic, Partition: -1, Key: []byte(k), Timestamp: time.Now().UnixMilli()},
			func(_ int32, _ int64, err error) { failed <- err })
	}
	if err := c.client.Flush(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	for range keys {
		if err := <-failed; err != nil {
			c.t.Fatal(err)
		}
	}
}
