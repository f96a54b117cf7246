package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

// docs/reliability.md says what becomes of each fault of the broker, and within which time.

// TestInputDeleted: an input topic is deleted under the application.
func TestInputDeleted(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", number(1))
		in := c.running(c.copied(topology.SourceConfig[string, int64]{}), nil)
		c.awaitProcessed(c.lines)
		if err := c.admin.DeleteTopics(t.Context(), c.lines); err != nil {
			t.Fatal(err)
		}
		in.fails("task 0_", c.lines, "check its name and that it was not deleted")
	})
}

// TestChangelogDeleted: a changelog is deleted under the application. What it has committed is in the local
// state; but nothing more can be.
func TestChangelogDeleted(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		dir := t.TempDir()
		in := c.start(dir, nil)
		c.write(c.lines, 1, "k", "one two")
		c.want(map[string]int64{"one": 1, "two": 1})
		log := c.id + "-counts-changelog"
		if err := c.admin.DeleteTopics(t.Context(), log); err != nil {
			t.Fatal(err)
		}
		c.write(c.lines, 2, "k", "one two")
		in.fails("task 1_", `store "counts"`, log, "was not deleted")

		// The topic is made anew, empty, and so is the state: never old state with a new log.
		in = c.start(dir, nil)
		c.awaitProcessed(c.lines)
		c.awaitProcessed(c.words())
		if got := c.read(c.counts); got["one"] != 1 || got["two"] != 1 {
			t.Errorf("counts %v, want new ones", got)
		}
		if err := in.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestPartitionsAdded: a source topic grows under the application, which reads the new partitions, too.
func TestPartitionsAdded(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		topo := c.copied(topology.SourceConfig[string, int64]{})
		first := c.running(topo, nil)
		c.write(c.lines, 1, "k", number(1))
		c.awaitProcessed(c.lines)
		if err := c.admin.GrowTopic(t.Context(), c.lines, partitions+2); err != nil {
			t.Fatal(err)
		}
		second := c.running(topo, nil) // makes the group rebalance, at which the leader looks
		var tps []record.TopicPartition
		var want int64
		for p := range int32(partitions + 2) {
			tps = append(tps, record.TopicPartition{Topic: c.lines, Partition: p})
			c.put(c.lines, p, fmt.Sprint(p), number(uint64(p)))
			want++
		}
		c.awaitCommitted(tps)
		if got := len(c.read(c.counts)); int64(got) != want+1 {
			t.Errorf("%d keys, want %d", got, want+1)
		}
		for _, in := range []*instance{first, second} {
			if err := in.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestPartitionsAddedWithState: internal topics cannot grow along, and starting over says so.
func TestPartitionsAddedWithState(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		in := c.start(t.TempDir(), nil)
		c.write(c.lines, 1, "k", "one")
		c.want(map[string]int64{"one": 1})
		if err := c.admin.GrowTopic(t.Context(), c.lines, partitions+2); err != nil {
			t.Fatal(err)
		}
		other := c.built(func(b *topology.Builder) { // joins the group as an instance that does not need them
			topology.To(topology.From(b, "in", serde.String, serde.String, c.lines), "out", c.counts, serde.String, serde.String)
		})
		c.running(other, nil)
		in.fails(c.words(), "has 4 partitions, the application needs 6", "reset the application")
	})
}

// TestPermissionsTaken: what the application may do is taken from it while it runs.
func TestPermissionsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func(c *cluster) embedded.Fault
		exact  bool
		errors func(c *cluster) []string
	}{
		"read input": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "Fetch", Topic: c.lines, Error: "TOPIC_AUTHORIZATION_FAILED", Count: -1}
			}, false,
			func(c *cluster) []string { return []string{"task 0_", "fetch " + c.lines, "grant the principal"} },
		},
		"write output": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "Produce", Topic: c.counts, Error: "TOPIC_AUTHORIZATION_FAILED", Count: -1}
			}, true,
			func(c *cluster) []string { return []string{"task 1_", "produce " + c.counts, "grant the principal"} },
		},
		"write changelog": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "Produce", Topic: c.id + "-counts-changelog", Error: "TOPIC_AUTHORIZATION_FAILED", Count: -1}
			}, true,
			func(c *cluster) []string {
				return []string{"task 1_", "produce " + c.id + "-counts-changelog", "grant the principal"}
			},
		},
		"commit": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "OffsetCommit", Group: c.id, Error: "GROUP_AUTHORIZATION_FAILED", Count: -1}
			}, false,
			func(c *cluster) []string { return []string{"commit offsets of group " + c.id, "READ on the group"} },
		},
		"commit in a transaction": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "TxnOffsetCommit", Group: c.id, Error: "GROUP_AUTHORIZATION_FAILED", Count: -1}
			}, true,
			func(*cluster) []string { return []string{"commit offsets in a transaction", "READ on the group"} },
		},
		"transactional id": {
			func(*cluster) embedded.Fault {
				return embedded.Fault{Request: "EndTxn", Error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Count: -1}
			}, true,
			func(*cluster) []string { return []string{"commit a transaction", "WRITE on transactional ids"} },
		},
		"membership": {
			func(c *cluster) embedded.Fault {
				return embedded.Fault{Request: "Heartbeat", Group: c.id, Error: "GROUP_AUTHORIZATION_FAILED", Count: -1}
			}, false,
			func(*cluster) []string { return []string{"READ on the group"} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			onFaulty(t, func(t *testing.T, cl *cluster, b *embedded.Broker) {
				in := cl.start(t.TempDir(), func(cfg *app.Config) {
					if c.exact {
						cfg.Guarantee = app.ExactlyOnce
					}
				})
				cl.write(cl.lines, 1, "k", "one two")
				cl.want(map[string]int64{"one": 1, "two": 1})
				if _, _, err := b.Fault(c.fault(cl)); err != nil {
					t.Fatal(err)
				}
				cl.write(cl.lines, 2, "k", "one two")
				in.fails(c.errors(cl)...)
			})
		})
	}
}

// TestInputTruncated: what comes next was deleted while the application was away.
func TestInputTruncated(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		write := func(numbers ...uint64) {
			for p := range int32(partitions) {
				for _, n := range numbers {
					c.put(c.lines, p, fmt.Sprint("k", p), number(n))
				}
			}
		}
		run := func(reset topology.OffsetReset) *instance {
			return c.running(c.copied(topology.SourceConfig[string, int64]{}), func(cfg *app.Config) { cfg.Reset = reset })
		}
		write(1)
		in := run(topology.ResetEarliest)
		c.awaitProcessed(c.lines)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		write(5, 6, 7)
		before := map[record.TopicPartition]int64{}
		for tp, end := range c.ends(c.lines) {
			before[tp] = end - 1
		}
		if err := c.admin.DeleteRecords(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		run(topology.ResetNone).fails("task 0_", c.lines, "offset out of range", "offset reset is none", "set a reset")
		c.wantCommittedAtMost(c.lines, 1)
		in = run(topology.ResetEarliest)
		c.awaitProcessed(c.lines)
		for p := range partitions {
			if d := cmp.Diff([]int64{1, 7}, c.history(c.counts)[fmt.Sprint("k", p)]); d != "" {
				t.Errorf("outputs of partition %d (-want +got): %s", p, d)
			}
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestChangelogTruncated: the changelog no longer has what comes next. The state is not completed with a hole
// in it: what is there is read from the beginning.
func TestChangelogTruncated(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		old, other := t.TempDir(), t.TempDir()
		run := func(dir string, kv ...string) *instance {
			in := c.start(dir, nil)
			c.write(c.lines, 1, kv...)
			c.awaitProcessed(c.lines)
			c.awaitProcessed(c.words())
			if err := in.stop(); err != nil {
				t.Fatal(err)
			}
			return in
		}
		run(old, "k", "one one one")
		run(other, "k", "two", "k", "one") // the first instance does not have this
		log := c.id + "-counts-changelog"
		before := map[record.TopicPartition]int64{}
		for tp, end := range c.ends(log) {
			if end > 0 {
				before[tp] = end
			}
		}
		if err := c.admin.DeleteRecords(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		run(old, "k", "one")
		if got := c.read(c.counts); got["one"] != 1 {
			t.Errorf("counts %v: state with a hole in it was gone on with", got)
		}
	})
}

// TestEverythingMoves: leaders and coordinators move all the time.
func TestEverythingMoves(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			b, err := embedded.Start(embedded.Config{Partitions: partitions, Nodes: 3})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			c := newCluster(t, b.Addr())
			in := c.start(t.TempDir(), func(cfg *app.Config) { cfg.Guarantee = g })
			want := map[string]int64{}
			for round := range 20 {
				c.write(c.lines, int64(1000*round), text(uint64(round), 50, want)...)
				b.MoveLeaders()
				if round%4 == 0 {
					b.MoveCoordinators()
				}
			}
			if g == app.ExactlyOnce {
				c.want(want)
			} else {
				c.awaitProcessed(c.lines)
				c.awaitProcessed(c.words())
				got := c.read(c.counts)
				for word, n := range want {
					if got[word] < n {
						t.Errorf("word %q: count %d, want at least %d", word, got[word], n)
					}
				}
			}
			if err := in.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefusedForAWhile: what passes is waited for, and costs nothing exactly once.
func TestRefusedForAWhile(t *testing.T) {
	for request, codes := range map[string][]string{
		"Produce":         {"NOT_LEADER_FOR_PARTITION", "NOT_ENOUGH_REPLICAS", "REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR"},
		"TxnOffsetCommit": {"COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "INVALID_PRODUCER_EPOCH", "TRANSACTION_ABORTABLE"},
		"EndTxn":          {"COORDINATOR_NOT_AVAILABLE", "CONCURRENT_TRANSACTIONS", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "INVALID_PRODUCER_ID_MAPPING"},
		"InitProducerID":  {"COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS"},
		"Fetch":           {"NOT_LEADER_FOR_PARTITION", "UNKNOWN_LEADER_EPOCH", "KAFKA_STORAGE_ERROR", "UNKNOWN_TOPIC_OR_PARTITION"},
		"Heartbeat":       {"NOT_COORDINATOR", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"},
	} {
		for _, code := range codes {
			t.Run(request+" "+code, func(t *testing.T) {
				t.Parallel()
				onFaulty(t, func(t *testing.T, c *cluster, b *embedded.Broker) {
					in := c.start(t.TempDir(), func(cfg *app.Config) {
						cfg.Guarantee, cfg.SessionTimeout = app.ExactlyOnce, 6*time.Second
					})
					want := map[string]int64{}
					c.write(c.lines, 1, text(1, 20, want)...)
					c.want(want)
					f := embedded.Fault{Request: request, Error: code, Count: 3}
					_, hits, err := b.Fault(f)
					if err != nil {
						t.Fatal(err)
					}
					for deadline := time.Now().Add(30 * time.Second); hits() == 0 && request != "InitProducerID"; {
						if time.Now().After(deadline) {
							t.Fatal("the fault was not met")
						}
						c.write(c.lines, 1000, text(2, 20, want)...)
						c.want(want)
					}
					c.write(c.lines, 1000, text(3, 20, want)...)
					c.want(want)
					if err := in.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
