package app_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// kindsTopics are what an application with a store of every kind reads, after the tests' id, in the order in which
// a round of input is written.
var kindsTopics = []string{"-things", "-wishes", "-rates", "-others", "-lines"}

// kindsOfState is an application with a store of every kind. Its outputs, named after the store, are by user.
func kindsOfState(input, output string) (*topology.Topology, error) {
	b := stream.New()
	topic := func(name string) stream.Topic[string, string] {
		return stream.NewTopic(input+name, serde.String, serde.String)
	}
	out := func(name string, s stream.Stream[string, string]) {
		named := stream.MapValues(s, func(v string) string { return name + " " + v })
		stream.To(named, stream.NewTopic(output, serde.String, serde.String))
	}
	texts := func(name string) *stream.Store[string, string] {
		return stream.NewStore(name, serde.String, serde.String)
	}
	add := func(_, v, all string) string { return all + "," + v }
	none := func() string { return "" }
	both := func(l string, r *string) string {
		if r == nil {
			return l + "|"
		}
		return l + "|" + *r
	}

	lines := stream.From(b, topic("-lines"))
	users := stream.GroupByKey(lines)
	tumbling := window.Tumbling(10 * time.Second)
	out("tumbling", ofWindows(stream.AggregateWindows(stream.WindowedBy(users, tumbling), none, add, texts("tumbling"))))
	hopping := window.Hopping(10*time.Second, 5*time.Second)
	out("hopping", ofWindows(stream.AggregateWindows(stream.WindowedBy(users, hopping), none, add, texts("hopping").InMemory())))
	out("sliding", ofWindows(stream.AggregateWindows(stream.WindowedBy(users, window.Sliding(2*time.Second)), none, add, texts("sliding"))))
	merge := func(_, a, b string) string { return a + b }
	sessions := stream.SessionsBy(users, window.Session(time.Second))
	out("sessions", ofWindows(stream.AggregateSessions(sessions, none, add, merge, texts("sessions"))))
	out("finals", ofWindows(stream.SuppressUntilWindowCloses(
		stream.AggregateWindows(stream.WindowedBy(users, tumbling), none, add, nil), stream.Buffer{})))
	chains := stream.Aggregate(users, none, add, texts("chains"))
	out("limited", stream.ToStream(stream.SuppressUntilTimeLimit(chains, 5*time.Second, stream.Buffer{})))

	rates := stream.TableFrom(b, topic("-rates"), texts("rates").WithHistory(12*time.Hour))
	out("rated", stream.LeftJoinTable(lines, rates, both))
	out("patient", stream.LeftJoinTable(lines, rates, both, stream.GracePeriod(5*time.Second)))
	near := stream.Within(3 * time.Second).WithGrace(time.Hour)
	out("joined", stream.LeftJoin(lines, stream.From(b, topic("-others")), near, both))

	wishes := stream.TableFrom(b, topic("-wishes"), nil)
	things := stream.TableFrom(b, topic("-things"), nil)
	out("wishes", stream.ToStream(stream.LeftJoinByForeignKey(wishes, things, func(_, v string) (string, bool) { return v, true }, both, nil)))
	return b.Build()
}

// ofWindows is a table's updates with the windows in the values.
func ofWindows(t stream.Table[window.Key[string], string]) stream.Stream[string, string] {
	return stream.Map(stream.ToStream(t), func(k window.Key[string], v string) (string, string) {
		return k.Key, fmt.Sprintf("%d..%d %s", k.Start, k.End, v)
	})
}

// kinds is the input of two applications: of one that runs throughout, and of one that is stopped.
type kinds struct {
	*cluster
	steady *cluster
	base   int64
	rand   *rand.Rand
	lined  int
}

func newKinds(c *cluster) *kinds {
	steady := *c
	steady.id = c.id + "-steady"
	for _, name := range kindsTopics {
		if name != "-lines" { // that is there
			c.create(c.id+name, partitions)
		}
	}
	c.create(c.id+"-out", partitions)
	c.create(steady.id+"-out", partitions)
	return &kinds{c, &steady, time.Now().Add(-6 * time.Hour).UnixMilli(), rand.New(rand.NewPCG(3, 4)), 0}
}

// start runs one of the two applications.
func (k *kinds) start(c *cluster, dir string, g app.Guarantee) *instance {
	k.t.Helper()
	topo, err := kindsOfState(k.id, c.id+"-out")
	if err != nil {
		k.t.Fatal(err)
	}
	return c.start(dir, func(cfg *app.Config) { cfg.Topology, cfg.Guarantee = topo, g })
}

// await returns when an application has processed everything.
func (k *kinds) await(c *cluster) {
	k.t.Helper()
	var topics []string
	for _, name := range kindsTopics {
		topics = append(topics, k.id+name)
	}
	c.awaitProcessed(topics...)
	for _, end := range []string{"SUBSCRIPTION-REGISTRATION-", "SUBSCRIPTION-RESPONSE-"} {
		c.awaitProcessed(k.internal(c, end))
	}
}

// internal is the name of an application's topic that has this in it.
func (k *kinds) internal(c *cluster, part string) string {
	k.t.Helper()
	topo, err := kindsOfState(k.id, c.id+"-out")
	if err != nil {
		k.t.Fatal(err)
	}
	for _, sub := range topo.Subtopologies {
		for _, r := range sub.Repartitions {
			if strings.Contains(r.Topic.Name, part) {
				return r.Topic.For(c.id)
			}
		}
	}
	k.t.Fatalf("no topic %q", part)
	return ""
}

// write writes the n-th round of input. The steady application has it all before the stopped one starts.
func (k *kinds) round(n int) {
	k.t.Helper()
	at := k.base + int64(n)*60_000
	for _, name := range kindsTopics {
		for i := range 40 {
			user, value := fmt.Sprint("u", k.rand.IntN(10)), fmt.Sprintf("%d.%d", n, i)
			switch name {
			case "-things":
				user = fmt.Sprint("t", k.rand.IntN(5))
			case "-wishes":
				value = fmt.Sprint("t", k.rand.IntN(6))
			case "-lines":
				k.lined++
			}
			// Other users' records at other times: nothing depends on which of two comes first.
			k.write(k.id+name, at+int64(i)*500+int64(slices.Index(kindsTopics, name)), user, value)
		}
		k.steady.awaitProcessed(k.id + name)
	}
	k.await(k.steady)
}

// outputs are the committed outputs by user and store. Those of joins with streams have no order: when it shows that
// a record has no partner depends on the clock. Of the foreign keys' only the last is sure.
func (k *kinds) outputs(c *cluster) map[string][]string {
	k.t.Helper()
	all := map[string][]string{}
	c.scan(c.id+"-out", func(r record.Raw) {
		store, value, _ := strings.Cut(string(r.Value), " ")
		name := store + " " + string(r.Key)
		if strings.HasPrefix(string(r.Key), "finale") {
			return
		}
		if store == "wishes" {
			all[name] = nil
		}
		all[name] = append(all[name], fmt.Sprint(value, " @", r.Timestamp))
	})
	for name, values := range all {
		if strings.HasPrefix(name, "joined ") {
			slices.Sort(values)
		}
	}
	return all
}

// finish closes all windows, waits until all lines without a partner are out, and compares the applications.
func (k *kinds) finish() {
	k.t.Helper()
	joined := func(c *cluster) int {
		lines := map[string]bool{}
		for name, values := range k.outputs(c) {
			for _, v := range values {
				if line, _, _ := strings.Cut(v, "|"); strings.HasPrefix(name, "joined ") {
					lines[line] = true
				}
			}
		}
		return len(lines)
	}
	at := k.base + 3*time.Hour.Milliseconds()
	until(k.t, "all lines are in the join", func() bool {
		for i := range 20 { // some for each partition
			at++
			k.write(k.lines, at, fmt.Sprint("finale", i), "")
		}
		k.await(k.steady)
		k.await(k.cluster)
		at += 10_000
		return joined(k.steady) >= k.lined && joined(k.cluster) >= k.lined
	})
	want, got := k.outputs(k.steady), k.outputs(k.cluster)
	if d := cmp.Diff(want, got); d != "" {
		k.t.Errorf("outputs (-never stopped +stopped):\n%s", d)
	}
	stores := map[string]int{}
	for name, values := range want {
		store, _, _ := strings.Cut(name, " ")
		stores[store] += len(values)
	}
	if len(stores) != 10 {
		k.t.Errorf("outputs of %v, want some of 10 stores", slices.Sorted(maps.Keys(stores)))
	}
}

// TestEveryKindOfStateSurvives stops an application and starts it again: with its state, without, and with state that
// is older than what was committed since. Its outputs are those of one that has never been stopped.
func TestEveryKindOfStateSurvives(t *testing.T) {
	for name, g := range map[string]app.Guarantee{"at least once": app.AtLeastOnce, "exactly once": app.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			onClusters(t, func(t *testing.T, c *cluster) {
				k := newKinds(c)
				steady := k.start(k.steady, t.TempDir(), g)
				kept, gone := t.TempDir(), t.TempDir()
				for n, dir := range []string{kept, gone, kept, gone, kept} {
					k.round(n)
					in := k.start(k.cluster, dir, g)
					k.await(k.cluster)
					if n == 4 {
						k.finish()
					}
					if err := in.stop(); err != nil {
						t.Fatal(err)
					}
					if dir == gone {
						if err := os.RemoveAll(filepath.Clean(gone)); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := steady.stop(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestEveryKindOfStateSurvivesCrashes kills the application in place of stopping it, under way and after a commit
// that has not been flushed to the disk.
//
// Only on a real cluster: the embedded broker does not drop members that died while they joined.
func TestEveryKindOfStateSurvivesCrashes(t *testing.T) {
	onKafka(t, func(t *testing.T, c *cluster) {
		k := newKinds(c)
		steady := k.start(k.steady, t.TempDir(), app.ExactlyOnce)
		dir := t.TempDir()
		for n := range 3 {
			k.round(n)
			p := c.spawn(dir, "exactly", "kinds")
			until(t, "some of the input is processed", func() bool {
				got, err := c.admin.GroupOffsets(t.Context(), c.id, false)
				if err != nil {
					t.Fatal(err)
				}
				sum := int64(0)
				for p := range int32(partitions) {
					sum += max(0, got[record.TopicPartition{Topic: c.lines, Partition: p}].Next)
				}
				return sum > int64(40*n)
			})
			p.kill()
			p = c.spawn(dir, "exactly", "kinds")
			k.await(c)
			if n == 2 {
				k.finish()
			}
			p.kill()
		}
		if err := steady.stop(); err != nil {
			t.Fatal(err)
		}
	})
}
