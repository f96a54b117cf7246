package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// env is a cluster to test against.
type env struct {
	cfg   Config
	fake  *kfake.Cluster // nil on a real cluster
	admin *Admin
}

// onClusters runs a test against the in-process broker and, with LEAT_BROKERS, against a real cluster.
func onClusters(t *testing.T, run func(t *testing.T, e *env), opts ...kfake.Opt) {
	t.Run("kfake", func(t *testing.T) { run(t, newFake(t, opts...)) })
	if brokers := os.Getenv("LEAT_BROKERS"); brokers != "" {
		t.Run("kafka", func(t *testing.T) {
			run(t, newEnv(t, Config{Brokers: strings.Split(brokers, ",")}))
		})
	}
}

func newFake(t *testing.T, opts ...kfake.Opt) *env {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	e := newEnv(t, Config{Brokers: c.ListenAddrs()})
	e.fake = c
	return e
}

func newEnv(t *testing.T, cfg Config) *env {
	t.Helper()
	a, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return &env{cfg: cfg, admin: a}
}

var unique = fmt.Sprintf("%x", rand.Uint64())

// name makes a name that no other run uses.
func (e *env) name(t *testing.T, what string) string {
	return "leat-test-" + what + "-" + unique + "-" + fmt.Sprintf("%x", rand.Uint32())
}

func (e *env) topic(t *testing.T, partitions int32, configs ...string) string {
	t.Helper()
	s := TopicSpec{Name: e.name(t, "t"), Partitions: partitions, Configs: map[string]string{}}
	for i := 0; i+1 < len(configs); i += 2 {
		s.Configs[configs[i]] = configs[i+1]
	}
	if err := e.admin.CreateTopics(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Name
}

func (e *env) client(t *testing.T, cc ClientConfig) *Client {
	t.Helper()
	c, err := NewClient(e.cfg, cc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (e *env) restorer(t *testing.T, rc ReadConfig) *Restorer {
	t.Helper()
	r, err := NewRestorer(e.cfg, rc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// fill produces n records "k<i>", "v<i>" to one partition, in batches of their own each of per records.
func (e *env) fill(t *testing.T, tp record.TopicPartition, from, n int) {
	t.Helper()
	cl := e.kgo(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var rs []*kgo.Record
	for i := from; i < from+n; i++ {
		rs = append(rs, &kgo.Record{Topic: tp.Topic, Partition: tp.Partition, Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "v", i)})
	}
	if err := cl.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// transact produces n records in one transaction and commits or aborts it.
func (e *env) transact(t *testing.T, tp record.TopicPartition, n int, commit bool) {
	t.Helper()
	cl := e.openTxn(t, tp, n)
	if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
}

// openTxn produces n records in a transaction that stays open.
func (e *env) openTxn(t *testing.T, tp record.TopicPartition, n int) *kgo.Client {
	t.Helper()
	cl := e.kgo(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(e.name(t, "x")))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := &kgo.Record{Topic: tp.Topic, Partition: tp.Partition, Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "txn", i)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return cl
}

func (e *env) kgo(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(e.cfg.Brokers...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// produce writes one record and waits for it.
func produce(t *testing.T, c *Client, out Output) (partition int32, offset int64, err error) {
	t.Helper()
	done := make(chan struct{})
	c.Produce(t.Context(), &out, func(p int32, o int64, e error) {
		partition, offset, err = p, o, e
		close(done)
	})
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("record was never acknowledged")
	}
	return partition, offset, err
}

// collect polls until enough says so, and fails after a generous time.
func collect(t *testing.T, c *Client, enough func(got []Fetch) bool) []Fetch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []Fetch
	for {
		fs, err := c.Poll(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fs...)
		if enough(got) {
			return got
		}
		if ctx.Err() != nil {
			c.f.mu.Lock()
			defer c.f.mu.Unlock()
			for _, x := range c.f.order {
				t.Errorf("cursor %+v", *x)
			}
			t.Fatalf("still waiting after 20 s with %d records; the clock says %v", len(values(got)), time.Now())
		}
	}
}

func last[T any](s []T) (v T) {
	if len(s) > 0 {
		v = s[len(s)-1]
	}
	return v
}

func values(fs []Fetch) []string {
	var vs []string
	for _, f := range fs {
		for _, r := range f.Records {
			vs = append(vs, string(r.Value))
		}
	}
	return vs
}

func haveRecords(n int) func([]Fetch) bool {
	return func(fs []Fetch) bool { return len(values(fs)) >= n }
}

func wantKind(t *testing.T, err error, kind Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %v", kind)
	}
	if !errors.Is(err, kind) {
		t.Errorf("error %q is of kind %v, want %v", err, KindOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func tp(topic string, p int32) record.TopicPartition {
	return record.TopicPartition{Topic: topic, Partition: p}
}
