package app_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
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

// onClusters runs a test against the embedded broker and, with LEAT_BROKERS, against a real cluster.
func onClusters(t *testing.T, run func(t *testing.T, c *cluster)) {
	t.Run("embedded", func(t *testing.T) {
		b, err := embedded.Start(embedded.Config{Partitions: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		run(t, newCluster(t, b.Addr()))
	})
	onKafka(t, run)
}

// onKafka runs a test against a real cluster, if LEAT_BROKERS names one.
func onKafka(t *testing.T, run func(t *testing.T, c *cluster)) {
	if brokers := os.Getenv("LEAT_BROKERS"); brokers != "" {
		t.Run("kafka", func(t *testing.T) { run(t, newCluster(t, strings.Split(brokers, ",")...)) })
	}
}

// cluster is a broker with topics of this test alone.
type cluster struct {
	t       *testing.T
	brokers []string
	cfg     kafka.Config
	admin   *kafka.Admin
	client  *kafka.Client
	id      string
	lines   string
	counts  string
}

const partitions = 4

func newCluster(t *testing.T, brokers ...string) *cluster {
	return clusterAt(t, kafka.Config{Brokers: brokers})
}

func clusterAt(t *testing.T, cfg kafka.Config) *cluster {
	t.Helper()
	admin, err := kafka.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kafka.NewClient(cfg, kafka.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("apptest-%x", rand.Uint64())
	c := &cluster{t: t, brokers: cfg.Brokers, cfg: cfg, admin: admin, client: client, id: id, lines: id + "-lines", counts: id + "-counts"}
	t.Cleanup(func() { client.Close(); admin.Close() })
	c.create(c.lines, partitions)
	c.create(c.counts, partitions)
	return c
}

// create makes a topic that keeps what it has: records carry times long past, and a broker looks every five minutes
// for those that are too old.
func (c *cluster) create(topic string, partitions int32) {
	c.t.Helper()
	spec := kafka.TopicSpec{Name: topic, Partitions: partitions, Configs: map[string]string{"retention.ms": "-1"}}
	if err := c.admin.CreateTopics(c.t.Context(), spec); err != nil {
		c.t.Fatal(err)
	}
}

// write produces records with increasing timestamps; ts is the first one's.
func (c *cluster) write(topic string, ts int64, kv ...string) {
	c.t.Helper()
	var mu sync.Mutex
	var failed error
	for i := 0; i < len(kv); i += 2 {
		c.client.Produce(c.t.Context(), &kafka.Output{Topic: topic, Partition: -1, Key: []byte(kv[i]), Value: []byte(kv[i+1]), Timestamp: ts + int64(i/2)},
			func(_ int32, _ int64, err error) {
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			})
	}
	if err := c.client.Flush(c.t.Context()); err != nil || failed != nil {
		c.t.Fatal(err, failed)
	}
}

// read returns the last value of each key of a topic of counts.
func (c *cluster) read(topic string) map[string]int64 {
	c.t.Helper()
	out := map[string]int64{}
	for k, vs := range c.history(topic) {
		out[k] = vs[len(vs)-1]
	}
	return out
}

// history returns all committed values of each key of a topic of counts, in order.
func (c *cluster) history(topic string) map[string][]int64 {
	c.t.Helper()
	out := map[string][]int64{}
	c.scan(topic, func(r record.Raw) {
		out[string(r.Key)] = append(out[string(r.Key)], int64(binary.BigEndian.Uint64(r.Value)))
	})
	return out
}

// scan calls f for each committed record of a topic, partition by partition in order.
func (c *cluster) scan(topic string, f func(record.Raw)) {
	c.t.Helper()
	client, err := kafka.NewClient(c.cfg, kafka.ClientConfig{Read: kafka.ReadConfig{ReadCommitted: true}})
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	var tps []record.TopicPartition
	at := map[record.TopicPartition]int64{}
	for p := range int32(partitions) {
		tp := record.TopicPartition{Topic: topic, Partition: p}
		tps = append(tps, tp)
		at[tp] = 0
	}
	ends := c.settledEnds(tps)
	left := map[record.TopicPartition]int64{}
	for tp, end := range ends {
		if end > 0 {
			left[tp] = end
		}
	}
	client.Assign(at)
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	for len(left) > 0 {
		fetches, err := client.Poll(ctx, 0)
		if err != nil || ctx.Err() != nil {
			c.t.Fatal("read ", topic, ": ", err, ctx.Err())
		}
		for _, p := range fetches {
			if p.Err != nil {
				c.t.Fatal(p.Err)
			}
			for _, r := range p.Records {
				f(r)
			}
			if p.Next >= left[p.TopicPartition] {
				delete(left, p.TopicPartition)
			}
		}
	}
}

// settledEnds returns the ends of partitions once nothing of an open transaction is in front of them: the
// offsets of one show as committed a moment before its records do.
func (c *cluster) settledEnds(tps []record.TopicPartition) map[record.TopicPartition]int64 {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ends, err := c.admin.EndOffsets(c.t.Context(), tps)
		if errors.Is(err, kafka.Retriable) {
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		committed, err := c.admin.CommittedEndOffsets(c.t.Context(), tps)
		if err != nil {
			c.t.Fatal(err)
		}
		if maps.Equal(ends, committed) {
			return ends
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("a transaction stays open: ends %v, committed %v", ends, committed)
		}
	}
}

// wordCount splits the lines' values, repartitions by word and counts.
func (c *cluster) wordCount() *topology.Topology {
	c.t.Helper()
	topo, err := wordCount(c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	return topo
}

func wordCount(id string) (*topology.Topology, error) {
	return build(func(b *topology.Builder) {
		words := topology.Topic{Name: "words-repartition", Internal: true}
		lines := topology.From(b, "lines", serde.String, serde.String, id+"-lines")
		split := topology.Process(lines, "split", processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
			for w := range strings.FieldsSeq(r.Value) {
				if w == "poison" {
					return fmt.Errorf("a word that nobody can bear: %q", w)
				}
				ctx.Forward(record.WithKey(r, w))
			}
			return nil
		}))
		topology.ToNode(split, topology.Node{Name: "words-sink", Topics: []topology.Topic{words}}, topology.SinkConfig[string, string]{Key: serde.String, Value: serde.String})
		b.AddRepartition(topology.Repartition{Topic: words})
		regrouped := topology.FromNode(b, topology.Node{Name: "words-source", Topics: []topology.Topic{words}}, topology.SourceConfig[string, string]{Key: serde.String, Value: serde.String})
		b.AddStore(topology.Timestamped("counts", serde.String, serde.Int64))
		counts := topology.Process(regrouped, "count", func() processor.Processor[string, string, string, int64] { return &counter{} }, "counts")
		topology.To(counts, "out", id+"-counts", serde.String, serde.Int64)
	})
}

func build(f func(*topology.Builder)) (*topology.Topology, error) {
	b := topology.NewBuilder()
	f(b)
	return b.Build()
}

type counter struct {
	ctx   *processor.Context[string, int64]
	store statestore.Timestamped[string, int64]
}

func (p *counter) Init(ctx *processor.Context[string, int64]) (err error) {
	p.ctx = ctx
	p.store, err = topology.StoreIn[statestore.Timestamped[string, int64]](ctx, "counts")
	return err
}

func (p *counter) Process(r record.Record[string, string]) error {
	v, _ := p.store.Get(r.Key)
	p.store.Put(r.Key, v.Value+1, r.Timestamp)
	p.ctx.Forward(record.WithValue(r, v.Value+1))
	return nil
}

func (p *counter) Close() error { return nil }

// instance is a running instance of the word count.
type instance struct {
	t      *testing.T
	app    *app.App
	cancel context.CancelFunc
	done   chan error
	mu     sync.Mutex
	events []app.RestoreEvent
}

// start runs an instance with a configuration that change may alter.
func (c *cluster) start(dir string, change func(*app.Config)) *instance {
	c.t.Helper()
	in := &instance{t: c.t, done: make(chan error, 1)}
	cfg := app.Config{
		Application: c.id, Topology: c.wordCount(), Brokers: c.brokers, Dial: c.cfg.Dialer, StateDir: dir, Workers: 2, CommitInterval: 50 * time.Millisecond,
		SessionTimeout: 10 * time.Second, Memory: 32 << 20, Logger: slog.New(slog.NewTextHandler(testWriter{c.t}, &slog.HandlerOptions{Level: slog.LevelInfo})),
		OnRestore: func(e app.RestoreEvent) {
			in.mu.Lock()
			in.events = append(in.events, e)
			in.mu.Unlock()
		},
	}
	if change != nil {
		change(&cfg)
	}
	a, err := app.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	in.app = a
	ctx, cancel := context.WithCancel(context.Background())
	in.cancel = cancel
	go func() { in.done <- a.Run(ctx) }()
	c.t.Cleanup(func() { cancel(); <-in.done })
	return in
}

// stop ends the instance and returns Run's error.
func (in *instance) stop() error {
	in.t.Helper()
	in.cancel()
	return in.wait()
}

func (in *instance) wait() error {
	in.t.Helper()
	select {
	case err := <-in.done:
		in.done <- err
		return err
	case <-time.After(60 * time.Second):
		in.t.Fatal("the instance does not stop")
		return nil
	}
}

// restored returns how many change records the instance has restored.
func (in *instance) restored() (records int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	last := map[string]int64{}
	for _, e := range in.events {
		if e.Phase < app.UpdateStart {
			last[fmt.Sprint(e.Task, e.Store, e.Partition)] = e.Records
		}
	}
	for _, n := range last {
		records += n
	}
	return records
}

// awaitProcessed waits until the group has committed every record of the topics.
func (c *cluster) awaitProcessed(topics ...string) {
	c.t.Helper()
	var tps []record.TopicPartition
	for _, topic := range topics {
		for p := range int32(partitions) {
			tps = append(tps, record.TopicPartition{Topic: topic, Partition: p})
		}
	}
	c.awaitCommitted(tps)
}

// awaitCommitted waits until the group has committed every record of the partitions.
func (c *cluster) awaitCommitted(tps []record.TopicPartition) {
	c.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		ends, err := c.admin.EndOffsets(c.t.Context(), tps)
		if errors.Is(err, kafka.Retriable) { // leaders have moved
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		got, err := c.admin.GroupOffsets(c.t.Context(), c.id, false)
		if err != nil {
			c.t.Fatal(err)
		}
		left := maps.Clone(ends)
		for tp, end := range ends {
			if got[tp].Next >= end { // transaction markers count
				delete(left, tp)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not processed in time: ends %v, committed %v", left, got)
		}
		time.Sleep(20 * time.Millisecond) // the broker has no way to tell
	}
}

func (c *cluster) words() string { return c.id + "-words-repartition" }

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		_, _ = os.Stderr.Write(b)
	}
	return len(b), nil
}

// put writes a record to a partition, which may be new.
func (c *cluster) put(topic string, partition int32, key, value string) {
	c.t.Helper()
	client, err := kafka.NewClient(c.cfg, kafka.ClientConfig{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	failed := make(chan error, 1)
	client.Produce(c.t.Context(), &kafka.Output{Topic: topic, Partition: partition, Key: []byte(key), Value: []byte(value), Timestamp: 1},
		func(_ int32, _ int64, err error) { failed <- err })
	if err := <-failed; err != nil {
		c.t.Fatal(err)
	}
}

// ends returns where the partitions of a topic end.
func (c *cluster) ends(topic string) map[record.TopicPartition]int64 {
	c.t.Helper()
	var tps []record.TopicPartition
	for p := range int32(partitions) {
		tps = append(tps, record.TopicPartition{Topic: topic, Partition: p})
	}
	ends, err := c.admin.EndOffsets(c.t.Context(), tps)
	if err != nil {
		c.t.Fatal(err)
	}
	return ends
}
