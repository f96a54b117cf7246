package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// onFaulty runs a test against an embedded broker that can be told to refuse requests.
func onFaulty(t *testing.T, run func(t *testing.T, c *cluster, b *embedded.Broker)) {
	t.Helper()
	b, err := embedded.Start(embedded.Config{Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	run(t, newCluster(t, b.Addr()), b)
}

var guarantees = map[string]app.Guarantee{"at least once": app.AtLeastOnce, "exactly once": app.ExactlyOnce}

// numbered counts all lines in a store, and writes each with its number.
func (c *cluster) numbered(to string) *topology.Topology {
	return c.built(func(b *topology.Builder) {
		b.AddStore(topology.Timestamped("counts", serde.String, serde.Int64))
		in := topology.From(b, "in", serde.String, serde.String, c.lines)
		n := topology.Process(in, "number", func() processor.Processor[string, string, string, string] { return &numberer{} }, "counts")
		topology.To(n, "out", to, serde.String, serde.String)
	})
}

type numberer struct {
	counter
	ctx *processor.Context[string, string]
}

func (p *numberer) Init(ctx *processor.Context[string, string]) (err error) {
	p.ctx = ctx
	p.store, err = topology.StoreIn[statestore.Timestamped[string, int64]](ctx, "counts")
	return err
}

func (p *numberer) Process(r record.Record[string, string]) error {
	v, _ := p.store.Get(r.Key)
	p.store.Put(r.Key, v.Value+1, r.Timestamp)
	p.ctx.Forward(record.WithValue(r, fmt.Sprintf("%s #%d", r.Value, v.Value+1)))
	return nil
}

// seen returns the committed values of a topic, sorted.
func (c *cluster) seen(topic string) []string {
	c.t.Helper()
	var out []string
	c.scan(topic, func(r record.Raw) { out = append(out, string(r.Value)) })
	slices.Sort(out)
	return out
}

// lines are the outputs without their numbers, each once: at least once, what is done again may count again.
func lines(outputs []string) (out []string) {
	for _, o := range outputs {
		line, _, _ := strings.Cut(o, " ")
		out = append(out, line)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestRefusedRecords: the broker refuses what single records led to, among many that it takes. Whatever becomes
// of them, the others come out, exactly once with the right
// numbers and none twice: a refused record poisons
// neither its batch nor its transaction, and its update of the store counts.
func TestRefusedRecords(t *testing.T) {
	const n = 300
	poison := map[int]bool{17: true, 18: true, 200: true}
	for name, g := range guarantees {
		for _, then := range []task.Action{task.Skip, task.DeadLetter, task.Fail} {
			t.Run(fmt.Sprint(name, " ", then), func(t *testing.T) {
				onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
					dead := c.id + "-dead"
					c.create(dead, partitions)
					if _, _, err := b.Fault(embedded.Fault{Request: "Produce", Topic: c.counts, Containing: "poison", Error: "INVALID_RECORD", Count: -1}); err != nil {
						t.Fatal(err)
					}
					var kv, want, letters []string
					for i := range n {
						value := fmt.Sprintf("line%03d", i)
						if poison[i] {
							value = fmt.Sprintf("poison%03d", i)
							letters = append(letters, value)
						} else {
							want = append(want, fmt.Sprintf("%s #%d", value, i+1))
						}
						kv = append(kv, "k", value)
					}
					c.write(c.lines, 1, kv...)
					in := c.running(c.numbered(c.counts), func(cfg *app.Config) {
						cfg.Guarantee = g
						cfg.Production = task.ErrorPolicy{Then: then, DeadLetterTopic: dead}
					})
					if then == task.Fail {
						in.fails("task 0_", c.lines, "@17", "produce "+c.counts, "INVALID_RECORD", "takes no such record")
						c.wantCommittedAtMost(c.lines, 17)
						return
					}
					c.awaitProcessed(c.lines)
					got := c.seen(c.counts)
					if g == app.AtLeastOnce {
						got, want = lines(got), lines(want)
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("outputs (-want +got): %s", d)
					}
					if d := in.dropped(); d[processor.DropProduction] < int64(len(poison)) {
						t.Errorf("dropped %v, want %d", d, len(poison))
					}
					if then == task.DeadLetter {
						if d := cmp.Diff(letters, slices.Compact(c.seen(dead))); d != "" {
							t.Errorf("dead letters (-want +got): %s", d)
						}
						c.scan(dead, func(r record.Raw) {
							if m, _ := r.Headers.Last(task.HeaderMessage); !strings.Contains(string(m), "INVALID_RECORD") {
								t.Errorf("message %q does not name the error", m)
							}
						})
					}
					if err := in.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestRefusedTopics: nothing can be written to a topic.
func TestRefusedTopics(t *testing.T) {
	for name, g := range guarantees {
		for _, code := range []string{"TOPIC_AUTHORIZATION_FAILED", "INVALID_TOPIC_EXCEPTION"} {
			t.Run(name+" "+code, func(t *testing.T) {
				onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
					refuse := embedded.Fault{Request: "Produce", Topic: c.counts, Error: code, Count: -1}
					lift, _, err := b.Fault(refuse)
					if err != nil {
						t.Fatal(err)
					}
					var kv, want []string
					for i := range 100 {
						kv = append(kv, "k", fmt.Sprint("line", i))
					}
					c.write(c.lines, 1, kv...)
					start := func(p task.ErrorPolicy) *instance {
						return c.running(c.numbered(c.counts), func(cfg *app.Config) { cfg.Guarantee, cfg.Production = g, p })
					}
					start(task.ErrorPolicy{}).fails("task 0_", "produce "+c.counts, code)
					c.wantCommittedAtMost(c.lines, 0)

					in := start(task.ErrorPolicy{Then: task.Skip})
					c.awaitProcessed(c.lines)
					if d := in.dropped(); d[processor.DropProduction] < 100 {
						t.Errorf("dropped %v, want 100", d)
					}
					if err := in.stop(); err != nil {
						t.Error(err)
					}

					// What is granted in time costs nothing.
					lift()
					refuse.Count = 2
					if _, _, err := b.Fault(refuse); err != nil {
						t.Fatal(err)
					}
					kv = kv[:0]
					for i := range 50 {
						kv = append(kv, "k", fmt.Sprint("more", i))
						want = append(want, fmt.Sprintf("more%d #%d", i, 101+i))
					}
					slices.Sort(want)
					c.write(c.lines, 1000, kv...)
					in = start(task.ErrorPolicy{Retries: 5, Backoff: time.Millisecond})
					c.awaitProcessed(c.lines)
					got := c.seen(c.counts)
					if g == app.AtLeastOnce {
						got, want = lines(got), lines(want)
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("outputs (-want +got): %s", d)
					}
					if d := in.dropped(); len(d) != 0 {
						t.Errorf("dropped %v", d)
					}
					if err := in.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestDeadLetterIsRefused: there is nowhere left to put the record, so nothing is passed over.
func TestDeadLetterIsRefused(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
				dead := c.id + "-dead"
				c.create(dead, 1)
				if _, _, err := b.Fault(embedded.Fault{Request: "Produce", Topic: dead, Error: "TOPIC_AUTHORIZATION_FAILED", Count: -1}); err != nil {
					t.Fatal(err)
				}
				c.write(c.lines, 1, "k", "good one", "k", "poison", "k", "later")
				c.start(t.TempDir(), func(cfg *app.Config) {
					cfg.Guarantee = g
					cfg.Processing = task.ErrorPolicy{Then: task.DeadLetter, DeadLetterTopic: dead}
					cfg.Production = task.ErrorPolicy{Then: task.Skip}
				}).fails("task 0_", "keep a dead letter", dead, "TOPIC_AUTHORIZATION_FAILED", "grant")
				c.wantCommittedAtMost(c.lines, 1)
			})
		})
	}
}

// TestChangeRecordIsRefused: no policy leaves out a change record.
func TestChangeRecordIsRefused(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
		log := c.id + "-counts-changelog"
		if _, _, err := b.Fault(embedded.Fault{Request: "Produce", Topic: log, Error: "INVALID_RECORD", Count: -1}); err != nil {
			t.Fatal(err)
		}
		c.write(c.lines, 1, "k", "good one")
		c.start(t.TempDir(), func(cfg *app.Config) { cfg.Production = task.ErrorPolicy{Then: task.Skip} }).
			fails("task 1_", `store "counts"`, log, "INVALID_RECORD")
		c.wantCommittedAtMost(c.words(), 0)
	})
}

// TestBatchesLargerThanATopicTakes: each record fits, but the batches that the client makes of many do not.
func TestBatchesLargerThanATopicTakes(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		small := c.id + "-small"
		if err := c.admin.CreateTopics(t.Context(), kafka.TopicSpec{Name: small, Partitions: partitions, Configs: map[string]string{"max.message.bytes": "2000"}}); err != nil {
			t.Fatal(err)
		}
		var kv, want []string
		for i := range 2000 {
			kv = append(kv, "k", fmt.Sprintf("line%04d", i))
			want = append(want, fmt.Sprintf("line%04d #%d", i, i+1))
		}
		c.write(c.lines, 1, kv...)
		in := c.running(c.numbered(small), func(cfg *app.Config) { cfg.Guarantee = app.ExactlyOnce })
		c.awaitProcessed(c.lines)
		if d := cmp.Diff(want, c.seen(small)); d != "" {
			t.Errorf("outputs (-want +got): %s", d)
		}
		if err := in.stop(); err != nil {
			t.Error(err)
		}
	})
}
