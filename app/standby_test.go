package app_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/topology"
)

// onGuarantees runs a test at least once and exactly once, on each cluster.
func onGuarantees(t *testing.T, run func(t *testing.T, c *cluster, g app.Guarantee)) {
	for name, g := range map[string]app.Guarantee{"atleast": app.AtLeastOnce, "exactly": app.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			onClusters(t, func(t *testing.T, c *cluster) { run(t, c, g) })
		})
	}
}

// scaled is the configuration of tests of scaling: a changelog record for each update, so that what is restored
// shows, and a lag that the tests' state exceeds.
func scaled(g app.Guarantee, change func(*app.Config)) func(*app.Config) {
	return func(cfg *app.Config) {
		cfg.Guarantee, cfg.LogEveryUpdate = g, true
		cfg.AcceptableLag, cfg.ProbingInterval, cfg.SessionTimeout = 20, time.Hour, 6*time.Second
		if change != nil {
			change(cfg)
		}
	}
}

// stateful returns the tasks of the counting subtopology that the instance runs, sorted.
func (in *instance) stateful() (tasks []string) {
	for _, ts := range in.app.Metrics().Tasks {
		if strings.HasPrefix(ts.Task, "1_") && !ts.Restoring {
			tasks = append(tasks, ts.Task)
		}
	}
	slices.Sort(tasks)
	return tasks
}

// kept returns the standbys, and whether all of them have caught up.
func (in *instance) kept() (tasks []string, caughtUp bool) {
	caughtUp = true
	for _, s := range in.app.Metrics().Standbys {
		tasks = append(tasks, s.Task)
		caughtUp = caughtUp && len(s.Stores) > 0
		for _, st := range s.Stores {
			caughtUp = caughtUp && st.Lag <= 2 // the marker of a transaction may be outstanding
		}
	}
	slices.Sort(tasks)
	return tasks, caughtUp
}

// replayed returns how many change records the instance has restored before it ran tasks, as often as it did.
func (in *instance) replayed() (records int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	last := map[string]int64{}
	for _, e := range in.events {
		if e.Phase < app.UpdateStart {
			records += max(0, e.Records-last[e.Task+e.Store]) // each restore counts from 0
			last[e.Task+e.Store] = e.Records
		}
	}
	return records
}

// until waits for a state of things that instances come to by themselves.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// phases returns the events of one kind.
func (in *instance) phases(phase app.RestorePhase) (out []app.RestoreEvent) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range in.events {
		if e.Phase == phase {
			out = append(out, e)
		}
	}
	return out
}

// wantExactly checks that the counts of every word went up by one each.
func (c *cluster) wantExactly(g app.Guarantee) {
	c.t.Helper()
	if g != app.ExactlyOnce {
		return
	}
	for word, counts := range c.history(c.counts) {
		for i, n := range counts {
			if n != int64(i+1) {
				c.t.Fatalf("word %q: output %d says %d; all of them: %v", word, i+1, n, counts)
			}
		}
	}
}

// TestStandbyTakesOver: an instance goes, and its tasks go on elsewhere after a tail that is a fraction of
// their changelogs.
func TestStandbyTakesOver(t *testing.T) {
	onGuarantees(t, func(t *testing.T, c *cluster, g app.Guarantee) {
		want := map[string]int64{}
		first := c.start(t.TempDir(), scaled(g, func(cfg *app.Config) { cfg.Standbys = 1 }))
		c.write(c.lines, 1000, text(1, 500, want)...)
		c.want(want)
		second := c.start(t.TempDir(), scaled(g, func(cfg *app.Config) { cfg.Standbys = 1 }))
		awaitHalves(t, first, second)
		if n := second.replayed(); n > 100 {
			t.Errorf("restored %d records of tasks that had warmed up", n)
		}

		c.write(c.lines, 2000, text(2, 200, want)...)
		c.want(want)
		before := second.replayed()
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		c.write(c.lines, 3000, text(3, 100, want)...)
		c.want(want)
		c.wantExactly(g)
		if n := second.replayed() - before; n > 50 {
			t.Errorf("restored %d records of tasks with standbys", n)
		}
		if n := len(second.phases(app.UpdatePromoted)); n < 4 {
			t.Errorf("%d stores were promoted, want all 4", n)
		}
	})
}

// awaitHalves waits until two instances run half of the stateful tasks each, and have the rest as standbys.
func awaitHalves(t *testing.T, first, second *instance) {
	t.Helper()
	until(t, "half of the tasks on each instance, with standbys that have caught up", func() bool {
		a, b := first.stateful(), second.stateful()
		sa, oka := first.kept()
		sb, okb := second.kept()
		return len(a) == 2 && slices.Equal(a, sb) && slices.Equal(b, sa) && oka && okb
	})
}

// TestStandbyTakesOverAfterCrash kills the instance that runs half of the tasks.
func TestStandbyTakesOverAfterCrash(t *testing.T) {
	for _, guarantee := range []string{"atleast", "exactly"} {
		t.Run(guarantee, func(t *testing.T) {
			onKafka(t, func(t *testing.T, c *cluster) {
				t.Setenv(childStandbysEnv, "1")
				g := map[string]app.Guarantee{"exactly": app.ExactlyOnce}[guarantee]
				want := map[string]int64{}
				in := c.start(t.TempDir(), scaled(g, func(cfg *app.Config) { cfg.Standbys = 1 }))
				c.write(c.lines, 1000, text(1, 500, want)...)
				c.want(want)
				other := c.spawn(t.TempDir(), guarantee)
				until(t, "two tasks and two standbys that have caught up", func() bool {
					kept, ok := in.kept()
					return len(in.stateful()) == 2 && len(kept) == 2 && ok
				})
				c.write(c.lines, 2000, text(2, 200, want)...)
				c.want(want)
				before := in.replayed()
				other.kill()
				c.write(c.lines, 3000, text(3, 100, want)...)
				until(t, "all tasks", func() bool { return len(in.stateful()) == 4 })
				if guarantee == "exactly" {
					c.want(want)
				}
				c.wantExactly(g)
				if n := in.replayed() - before; n > 50 {
					t.Errorf("restored %d records of tasks with standbys", n)
				}
			})
		})
	}
}

// TestTasksMoveWarm: a third instance comes without any state. What moves to it has been kept up there before,
// and went on elsewhere until then.
func TestTasksMoveWarm(t *testing.T) {
	onGuarantees(t, func(t *testing.T, c *cluster, g app.Guarantee) {
		want := map[string]int64{}
		var ins []*instance
		for i := range 3 {
			in := c.start(t.TempDir(), scaled(g, nil))
			ins = append(ins, in)
			until(t, "a task on the new instance, and nothing on the move", func() bool {
				all := 0
				for _, x := range ins {
					all += len(x.stateful())
				}
				return len(in.stateful()) > 0 && all == 4
			})
			c.write(c.lines, int64(1000*i), text(uint64(i), 400, want)...)
			c.want(want)
		}
		c.wantExactly(g)
		for i, in := range ins[1:] {
			promoted := in.phases(app.UpdatePromoted)
			if len(promoted) == 0 {
				t.Errorf("instance %d: nothing was warm", i+1)
			}
			for _, e := range promoted {
				if e.Records < 50 {
					t.Errorf("instance %d: task %s warmed up with %d records", i+1, e.Task, e.Records)
				}
			}
			if n := in.replayed(); n > 100 {
				t.Errorf("instance %d restored %d records of tasks that had warmed up", i+1, n)
			}
		}
	})
}

// TestProbing: an instance that takes itself for caught up too soon tells so once; then only the leader's
// probes move its tasks.
func TestProbing(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		first := c.start(t.TempDir(), scaled(app.AtLeastOnce, func(cfg *app.Config) { cfg.ProbingInterval = 300 * time.Millisecond }))
		c.write(c.lines, 1000, text(1, 1000, want)...)
		c.want(want)
		second := c.start(t.TempDir(), scaled(app.AtLeastOnce, func(cfg *app.Config) { cfg.AcceptableLag = 1 << 40 }))
		until(t, "half of the tasks on the second instance", func() bool { return len(second.stateful()) == 2 && len(first.stateful()) == 2 })
		if n := second.replayed(); n > 100 {
			t.Errorf("restored %d records of tasks that had warmed up", n)
		}
	})
}

// TestWithoutWarmups: tasks move at once, and are restored where they go.
func TestWithoutWarmups(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		change := scaled(app.AtLeastOnce, func(cfg *app.Config) { cfg.MaxWarmups = -1 })
		first := c.start(t.TempDir(), change)
		c.write(c.lines, 1000, text(1, 500, want)...)
		c.want(want)
		second := c.start(t.TempDir(), change)
		until(t, "half of the tasks on the second instance", func() bool { return len(second.stateful()) == 2 && len(first.stateful()) == 2 })
		c.write(c.lines, 2000, text(2, 100, want)...)
		c.want(want)
	})
}

// TestStandbysInOtherZones: of three instances one is in a zone of its own; no task has both copies in the other.
func TestStandbysInOtherZones(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		zones := []string{"x", "x", "y"}
		var ins []*instance
		for _, zone := range zones {
			ins = append(ins, c.start(t.TempDir(), scaled(app.AtLeastOnce, func(cfg *app.Config) {
				cfg.Standbys, cfg.Tags, cfg.RackTags = 1, map[string]string{"zone": zone}, []string{"zone"}
			})))
		}
		c.write(c.lines, 1000, text(1, 300, want)...)
		c.want(want)
		until(t, "every task in both zones", func() bool {
			in := map[string]map[string]bool{}
			for i, x := range ins {
				kept, _ := x.kept()
				for _, task := range append(x.stateful(), kept...) {
					if in[task] == nil {
						in[task] = map[string]bool{}
					}
					in[task][zones[i]] = true
				}
			}
			for _, z := range in {
				if len(z) != 2 {
					return false
				}
			}
			return len(in) == 4
		})
	})
}

// TestStaticRestartMovesNothing: a static member is away for less than the session timeout.
func TestStaticRestartMovesNothing(t *testing.T) {
	onGuarantees(t, func(t *testing.T, c *cluster, g app.Guarantee) {
		want := map[string]int64{}
		dir := t.TempDir()
		static := func(name string) func(*app.Config) {
			return scaled(g, func(cfg *app.Config) { cfg.Instance, cfg.SessionTimeout = name, 20*time.Second })
		}
		first := c.start(t.TempDir(), static("one"))
		c.write(c.lines, 1000, text(1, 300, want)...)
		c.want(want)
		second := c.start(dir, static("two"))
		until(t, "half of the tasks on each", func() bool { return len(second.stateful()) == 2 && len(first.stateful()) == 2 })
		had := second.stateful()
		for round := range 2 {
			if err := second.stop(); err != nil {
				t.Fatal(err)
			}
			second = c.start(dir, static("two"))
			c.write(c.lines, int64(2000+1000*round), text(uint64(2+round), 100, want)...)
			until(t, "the tasks on the restarted instance", func() bool { return slices.Equal(second.stateful(), had) })
			c.want(want)
			if n := second.replayed(); n > 20 {
				t.Errorf("restored %d records", n)
			}
		}
		c.wantExactly(g)
		if n := len(first.phases(app.RestoreStart)); n > 0 {
			t.Errorf("%d stores were restored on the instance that stayed", n)
		}

		// It comes back without its state: it keeps its tasks, but asks the group again, which now knows its process.
		if err := second.stop(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		second = c.start(dir, static("two"))
		c.write(c.lines, 9000, text(9, 100, want)...)
		c.want(want)
		until(t, "half of the tasks on each", func() bool { return len(second.stateful()) == 2 && len(first.stateful()) == 2 })
		c.wantExactly(g)
	})
}

// TestRollingRestartMovesNoState restarts three instances, one after another, each way that is meant for it.
func TestRollingRestartMovesNoState(t *testing.T) {
	for name, change := range map[string]func(i int, cfg *app.Config){
		"static":   func(i int, cfg *app.Config) { cfg.Instance = string(rune('a' + i)) },
		"stay":     func(_ int, cfg *app.Config) { cfg.StayOnClose = true },
		"standbys": func(_ int, cfg *app.Config) { cfg.Standbys = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			onGuarantees(t, func(t *testing.T, c *cluster, g app.Guarantee) { rolling(t, c, g, change) })
		})
	}
}

func rolling(t *testing.T, c *cluster, g app.Guarantee, change func(int, *app.Config)) {
	want := map[string]int64{}
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	ins := make([]*instance, 3)
	copies := 0
	start := func(i int) {
		ins[i] = c.start(dirs[i], scaled(g, func(cfg *app.Config) {
			change(i, cfg)
			copies = cfg.Standbys
		}))
	}
	// Settled is only a group in which no rebalance goes on: the embedded broker, unlike Kafka, throws out members that
	// wait in one for a dead member for longer than a session.
	settled := func() bool {
		all, standbys := 0, 0
		for _, in := range ins {
			n := len(in.stateful())
			kept, ok := in.kept()
			if n < 1 || n > 2 || !ok {
				return false
			}
			all, standbys = all+len(in.app.Metrics().Tasks), standbys+len(kept)
		}
		return all == 8 && standbys == 4*copies // no warm-ups
	}
	for i := range ins {
		start(i)
	}
	until(t, "tasks on all instances", settled)
	c.write(c.lines, 1000, text(1, 600, want)...)
	c.want(want)
	until(t, "standbys that have caught up", settled)
	var records int64
	for i := range ins {
		others := int64(0)
		for _, in := range ins {
			if in != ins[i] {
				others -= in.replayed()
			}
		}
		if err := ins[i].stop(); err != nil {
			t.Fatal(err)
		}
		start(i)
		c.write(c.lines, int64(2000+1000*i), text(uint64(2+i), 50, want)...)
		until(t, "tasks on all instances", settled)
		c.want(want)
		for _, in := range ins {
			if in != ins[i] {
				others += in.replayed()
			}
		}
		records += others + ins[i].replayed()
	}
	c.wantExactly(g)
	if records > 300 { // of some 2000 in the changelogs for each restart
		t.Errorf("restored %d records in all", records)
	}
	t.Logf("restored %d records in all", records)
}

// inMemory is the word count with its counts in memory.
func (c *cluster) inMemory() *topology.Topology {
	topo := c.wordCount()
	for _, sub := range topo.Subtopologies {
		for _, s := range sub.Stores {
			s.Persistent = false
		}
	}
	return topo
}

// TestStateInMemoryIsHandedOver: what a standby has in memory is what the task begins with, and the other way round.
func TestStateInMemoryIsHandedOver(t *testing.T) {
	onGuarantees(t, func(t *testing.T, c *cluster, g app.Guarantee) {
		want := map[string]int64{}
		change := scaled(g, func(cfg *app.Config) { cfg.Topology, cfg.Standbys = c.inMemory(), 1 })
		first := c.start(t.TempDir(), change)
		c.write(c.lines, 1000, text(1, 500, want)...)
		c.want(want)
		second := c.start(t.TempDir(), change)
		awaitHalves(t, first, second)
		if n := second.replayed(); n > 100 {
			t.Errorf("restored %d records of tasks that had warmed up", n)
		}
		for _, e := range first.phases(app.UpdateStart) {
			if e.End-e.Position > 50 {
				t.Errorf("task %s was given up and is read again from %d of %d", e.Task, e.Position, e.End)
			}
		}
		c.write(c.lines, 2000, text(2, 100, want)...)
		c.want(want)
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		c.write(c.lines, 3000, text(3, 100, want)...)
		c.want(want)
		c.wantExactly(g)
		if n := second.replayed(); n > 150 {
			t.Errorf("restored %d records of tasks with standbys", n)
		}
	})
}

func TestTagsRefused(t *testing.T) {
	topo, err := wordCount("x")
	if err != nil {
		t.Fatal(err)
	}
	cfg := app.Config{
		Application: "x", Topology: topo, Brokers: []string{"localhost:1"}, Standbys: 33, AcceptableLag: -1, ProbingInterval: -1,
		Tags:     map[string]string{"": "a", "zone": "", strings.Repeat("n", 21): "a", "d": "a", "e": "a", "f": strings.Repeat("v", 31)},
		RackTags: []string{"d", "rack", "d"},
	}
	err = cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		"Standbys is 33", "AcceptableLag is negative", "ProbingInterval is negative", "Tags has 6 entries", `tag "" with value "a"`, `tag "zone" with value ""`,
		`tag "nnnnnnnnnnnnnnnnnnnnn"`, `tag "f"`, `RackTags names "rack", which is not among Tags`, `RackTags names "d" twice`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
	ok := app.Config{
		Application: "x", Topology: topo, Brokers: []string{"localhost:1"}, Standbys: 2, MaxWarmups: -1,
		Tags: map[string]string{"zone": "a"}, RackTags: []string{"zone"},
	}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
}
