package app_test

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// docs/bad-input.md lists what can be wrong with an application and its surroundings, and the test of each.

// running starts an instance of a topology of the test's own.
func (c *cluster) running(topo *topology.Topology, change func(*app.Config)) *instance {
	c.t.Helper()
	return c.start(c.t.TempDir(), func(cfg *app.Config) {
		cfg.Topology = topo
		if change != nil {
			change(cfg)
		}
	})
}

func (c *cluster) built(f func(*topology.Builder)) *topology.Topology {
	c.t.Helper()
	topo, err := build(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return topo
}

// fails waits until the instance ends by itself with an error that has all the parts.
func (in *instance) fails(parts ...string) {
	in.t.Helper()
	err := in.wait()
	if err == nil {
		in.t.Fatal("Run returned nil")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			in.t.Errorf("error %q does not name %q", err, part)
		}
	}
	if s := in.app.State(); s != app.Error {
		in.t.Errorf("state %v, want error", s)
	}
}

// wantCommittedAtMost fails if more than next records of a topic have been committed, all of them of one partition.
func (c *cluster) wantCommittedAtMost(topic string, next int64) {
	c.t.Helper()
	got, err := c.admin.GroupOffsets(c.t.Context(), c.id, false)
	if err != nil {
		c.t.Fatal(err)
	}
	for p := range int32(partitions) {
		if o := got[record.TopicPartition{Topic: topic, Partition: p}]; o.Next > next {
			c.t.Errorf("%s[%d]: committed offset %d, want at most %d: what came after is lost", topic, p, o.Next, next)
		}
	}
}

func (in *instance) dropped() map[processor.DropReason]int64 {
	out := map[processor.DropReason]int64{}
	for _, ts := range in.app.Metrics().Tasks {
		for d, n := range ts.Dropped {
			out[d.Reason] += n
		}
	}
	return out
}

// number is a value of a topic of counts.
func number(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// copied reads lines as a topic of counts and writes them on.
func (c *cluster) copied(cfg topology.SourceConfig[string, int64]) *topology.Topology {
	c.t.Helper()
	return c.built(func(b *topology.Builder) {
		cfg.Key, cfg.Value = serde.String, serde.Int64
		in := topology.FromNode(b, topology.Node{Name: "read", Topics: []topology.Topic{{Name: c.lines}}}, cfg)
		topology.To(in, "out", c.counts, serde.String, serde.Int64)
	})
}

func TestBrokerNotReachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	topo, err := wordCount("nobody")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Config{Application: "nobody", Topology: topo, Brokers: []string{addr}, StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	in := &instance{t: t, app: a, done: make(chan error, 1)}
	go func() { in.done <- a.Run(t.Context()) }()
	in.fails(`application "nobody"`, addr, "no broker answered within 10s", "check the addresses")
}

func TestSourceTopicMissing(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		topo := c.built(func(b *topology.Builder) {
			topology.To(topology.From(b, "here", serde.String, serde.Int64, c.lines), "out", c.counts, serde.String, serde.Int64)
			topology.To(topology.From(b, "gone", serde.String, serde.Int64, c.id+"-gone"), "out2", c.counts, serde.String, serde.Int64)
			topology.To(topology.From(b, "lost", serde.String, serde.Int64, c.id+"-lost"), "out3", c.counts, serde.String, serde.Int64)
		})
		c.running(topo, nil).fails(c.id+"-gone", c.id+"-lost", "do not exist", "create them")
	})
}

func TestCopartitionedTopicsOfDifferentSizes(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		other := c.id + "-six"
		c.create(other, 6)
		topo := c.built(func(b *topology.Builder) {
			in := topology.From(b, "a", serde.String, serde.Int64, c.lines)
			topology.From(b, "b", serde.String, serde.Int64, other)
			topology.To(in, "out", c.counts, serde.String, serde.Int64)
			b.Copartition("a", "b")
		})
		c.running(topo, nil).fails(c.lines+": 4", other+": 6", "repartition one of them")
	})
}

func TestInternalTopicsThatDoNotFit(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		log := c.id + "-counts-changelog"
		c.create(c.words(), 3)
		if err := c.admin.CreateTopics(t.Context(), kafka.TopicSpec{Name: log, Partitions: partitions, Configs: map[string]string{"cleanup.policy": "delete"}}); err != nil {
			t.Fatal(err)
		}
		// Both are reported, and neither is touched.
		c.start(t.TempDir(), nil).fails(c.words(), "has 3 partitions, the application needs 4", "reset the application",
			log, "cleanup.policy=delete deletes state", "kafka-configs --alter")
		found, err := c.admin.Topics(t.Context(), c.words(), log)
		if err != nil {
			t.Fatal(err)
		}
		if found[c.words()].Partitions != 3 || found[log].Partitions != partitions {
			t.Errorf("the topics were changed: %+v", found)
		}
	})
}

// TestStoreOfAnotherNode: a processor that asks for a store it is not connected to.
func TestStoreOfAnotherNode(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		topo := c.built(func(b *topology.Builder) {
			b.AddStore(topology.Timestamped("counts", serde.String, serde.Int64))
			in := topology.From(b, "in", serde.String, serde.String, c.lines)
			mine := topology.Process(in, "mine", func() processor.Processor[string, string, string, int64] { return &counter{} }, "counts")
			theirs := topology.Process(in, "theirs", func() processor.Processor[string, string, string, int64] { return &counter{} })
			topology.To(mine, "out", c.counts, serde.String, serde.Int64)
			topology.To(theirs, "out2", c.counts, serde.String, serde.Int64)
		})
		c.running(topo, nil).fails("task 0_", `node "theirs" is not connected to store "counts"`, "name the store when the processor is added")
	})
}

func TestRecordThatDoesNotDeserialize(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", number(1), "k", "bad", "k", number(3))
		c.running(c.copied(topology.SourceConfig[string, int64]{}), nil).
			fails("task 0_", `node "read"`, c.lines, "@1", "deserialize value", "int64 has 3 bytes, want 8")
		c.wantCommittedAtMost(c.lines, 1)

		in := c.running(c.copied(topology.SourceConfig[string, int64]{}), func(cfg *app.Config) {
			cfg.Deserialization = task.ErrorPolicy{Then: task.Skip}
		})
		c.awaitProcessed(c.lines)
		if got := c.history(c.counts)["k"]; got[len(got)-1] != 3 {
			t.Errorf("outputs %v, want 3 last", got)
		}
		if d := cmp.Diff(map[processor.DropReason]int64{processor.DropDeserialize: 1}, in.dropped()); d != "" {
			t.Errorf("dropped (-want +got): %s", d)
		}
	})
}

func TestNegativeTimestamp(t *testing.T) {
	// The records' own timestamps are sound, for not every broker takes others: an extractor answers -5.
	extract := func(r record.Record[string, int64], _ *record.Raw, _ int64) int64 {
		if r.Value == 2 {
			return -5
		}
		return r.Timestamp
	}
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", number(1), "k", number(2), "k", number(3))
		c.running(c.copied(topology.SourceConfig[string, int64]{Timestamp: extract}), nil).
			fails("task 0_", `node "read"`, c.lines, "@1", "extract timestamp (-5)", "choose SkipInvalidTimestamp or UsePartitionTime")
		c.wantCommittedAtMost(c.lines, 1)

		in := c.running(c.copied(topology.SourceConfig[string, int64]{Timestamp: extract, InvalidTimestamp: topology.SkipInvalidTimestamp}), nil)
		c.awaitProcessed(c.lines)
		if got := c.history(c.counts)["k"]; got[len(got)-1] != 3 {
			t.Errorf("outputs %v, want 3 last", got)
		}
		if d := cmp.Diff(map[processor.DropReason]int64{processor.DropInvalidTimestamp: 1}, in.dropped()); d != "" {
			t.Errorf("dropped (-want +got): %s", d)
		}
	})
}

// TestValueThatTheSinksSerdeRefuses: strings are UTF-8.
func TestValueThatTheSinksSerdeRefuses(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		topo := c.built(func(b *topology.Builder) {
			in := topology.From(b, "in", serde.String, serde.Bytes, c.lines)
			text := topology.Process(in, "text", processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, []byte]) error {
				ctx.Forward(record.WithValue(r, string(r.Value)))
				return nil
			}))
			topology.To(text, "out", c.counts, serde.String, serde.String)
		})
		c.write(c.lines, 1, "k", "one-more", "k", "\xff\xfe", "k", "the-last")
		c.running(topo, nil).fails("task 0_", `node "out"`, c.lines, "@1", "serialize value", c.counts, "not valid UTF-8")
		c.wantCommittedAtMost(c.lines, 1)

		in := c.running(topo, func(cfg *app.Config) { cfg.Processing = task.ErrorPolicy{Then: task.Skip} })
		c.awaitProcessed(c.lines)
		if got, want := c.history(c.counts)["k"], int64(binary.BigEndian.Uint64([]byte("the-last"))); got[len(got)-1] != want {
			t.Errorf("outputs %v, want %d last", got, want)
		}
		if d := cmp.Diff(map[processor.DropReason]int64{processor.DropProcessing: 1}, in.dropped()); d != "" {
			t.Errorf("dropped (-want +got): %s", d)
		}
	})
}

// keeper puts each value into a store.
type keeper struct {
	store statestore.KeyValue[string, string]
}

func (p *keeper) Init(ctx *processor.Context[string, string]) (err error) {
	p.store, err = topology.StoreIn[statestore.KeyValue[string, string]](ctx, "kept")
	return err
}

func (p *keeper) Process(r record.Record[string, []byte]) error {
	p.store.Put(r.Key, string(r.Value))
	return nil
}

func (p *keeper) Close() error { return nil }

func (c *cluster) keeping() *topology.Topology {
	c.t.Helper()
	return c.built(func(b *topology.Builder) {
		b.AddStore(topology.KeyValue("kept", serde.String, serde.String))
		in := topology.From(b, "in", serde.String, serde.Bytes, c.lines)
		topology.Process(in, "keep", func() processor.Processor[string, []byte, string, string] { return &keeper{} }, "kept")
	})
}

// TestValueThatTheStoresSerdeRefuses: state that cannot be written is not a record to be skipped, for user code
// has gone on with it.
func TestValueThatTheStoresSerdeRefuses(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", "fine", "k", "\xff\xfe")
		c.running(c.keeping(), func(cfg *app.Config) { cfg.Processing = task.ErrorPolicy{Then: task.Skip} }).
			fails("task 0_", `store "kept"`, "not valid UTF-8")
		c.wantCommittedAtMost(c.lines, 1)
	})
}

func TestRecordLargerThanTheBrokerTakes(t *testing.T) {
	const limit = "2000"
	large := strings.Repeat("x", 5000)
	onClusters(t, func(t *testing.T, c *cluster) {
		small := c.id + "-small"
		if err := c.admin.CreateTopics(t.Context(), kafka.TopicSpec{Name: small, Partitions: 1, Configs: map[string]string{"max.message.bytes": limit}}); err != nil {
			t.Fatal(err)
		}
		topo := c.built(func(b *topology.Builder) {
			topology.To(topology.From(b, "in", serde.String, serde.String, c.lines), "out", small, serde.String, serde.String)
		})
		c.write(c.lines, 1, "k", large)
		c.running(topo, nil).fails("task 0_", c.lines, "@0", "5001 bytes (key 1, value 5000)", small, "max.message.bytes")
		c.wantCommittedAtMost(c.lines, 0)
	})
	t.Run("changelog", func(t *testing.T) {
		onClusters(t, func(t *testing.T, c *cluster) {
			c.write(c.lines, 1, "k", large)
			c.running(c.keeping(), func(cfg *app.Config) { cfg.TopicConfig = map[string]string{"max.message.bytes": limit} }).
				fails("task 0_", `store "kept"`, "5001 bytes", c.id+"-kept-changelog", "max.message.bytes")
			c.wantCommittedAtMost(c.lines, 0)
		})
	})
}

// TestConfigReportsAllProblems: unknown and contradictory settings come together, each by its name.
func TestConfigReportsAllProblems(t *testing.T) {
	_, err := app.New(app.Config{
		Application: "no spaces", Brokers: []string{"no-port", "host:99999"}, Workers: -1, Memory: 1, CommitInterval: -time.Second,
		Guarantee: 7, Replication: -2, Reset: 99, SASL: &app.SASL{Mechanism: "ROT13"},
		Deserialization: task.ErrorPolicy{Retries: 3, Then: 9},
		Processing:      task.ErrorPolicy{Then: task.Skip, Handler: func(task.RecordError) task.Action { return task.Fail }},
	})
	if err == nil {
		t.Fatal("New took it")
	}
	for _, part := range []string{
		`Application "no spaces"`, "Topology is nil", `"no-port" is not host:port`, `"host:99999"`, "Workers is negative", "at least 16 MiB",
		"CommitInterval is negative", "Guarantee is 7", "Replication is -2", "Reset is 99", "sasl: refused without tls", "ROT13",
		"Deserialization.Then is 9", "Deserialization.Retries", "Processing sets both Handler and Then",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %q", part)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

// TestTopicNamesTooLong: the application id is part of the names of internal topics.
func TestTopicNamesTooLong(t *testing.T) {
	topo, err := wordCount("x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.New(app.Config{Application: strings.Repeat("a", 240), Topology: topo, Brokers: []string{"localhost:9092"}})
	if err == nil || !strings.Contains(err.Error(), "makes topic names too long") || !strings.Contains(err.Error(), "Kafka takes 249") {
		t.Errorf("error %v", err)
	}
}

// TestTransactionsThatWouldTimeOut is a contradiction between settings that are fine each by itself.
func TestTransactionsThatWouldTimeOut(t *testing.T) {
	topo, err := wordCount("x")
	if err != nil {
		t.Fatal(err)
	}
	cfg := app.Config{Application: "x", Topology: topo, Brokers: []string{"localhost:9092"}, CommitInterval: time.Minute, TransactionTimeout: 10 * time.Second}
	if err := cfg.Validate(); err != nil {
		t.Errorf("at least once has no transactions: %v", err)
	}
	cfg.Guarantee = app.ExactlyOnce
	for name, set := range map[string]time.Duration{"given": 10 * time.Second, "default": 0} {
		cfg.TransactionTimeout = set
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "is not longer than CommitInterval") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// files returns the state directory's files by a pattern.
func files(t *testing.T, dir, id, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, id, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no files %s in %s: %v", pattern, dir, err)
	}
	return found
}
