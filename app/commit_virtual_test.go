//go:build synctests

package app_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// far is a connection to a broker that is so far away, in nanoseconds.
type far struct {
	net.Conn
	away *atomic.Int64
}

func (f far) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	time.Sleep(time.Duration(f.away.Load()))
	return n, err
}

// dialFar dials brokers that are so far away.
func (c *cluster) dialFar(away *atomic.Int64) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := c.cfg.Dialer(ctx, network, address)
		return far{conn, away}, err
	}
}

// trickle writes a record of each number's key to the input, so far apart, until it is stopped.
func (c *cluster) trickle(apart time.Duration, key func(i int) string) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case <-time.After(apart):
				c.put(c.lines, 0, key(i), "w")
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}

// copying is a topology that writes its input as it is.
func (c *cluster) copying() *topology.Topology {
	c.t.Helper()
	return c.mapping(func(v string) string { return v })
}

// mapping is a topology that writes what becomes of its input.
func (c *cluster) mapping(f func(value string) string) *topology.Topology {
	c.t.Helper()
	s := stream.New()
	lines := stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String))
	stream.To(stream.MapValues(lines, f), stream.NewTopic(c.counts, serde.String, serde.String))
	topo, err := s.Build()
	if err != nil {
		c.t.Fatal(err)
	}
	return topo
}

// TestVirtualCatchingUp: a worker that waits for the next answer while it catches up does not commit for having
// nothing to do, and when it has caught up it does at once.
func TestVirtualCatchingUp(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(time.Second) }) // until the last read has come home
				c, _ := virtualCluster(t, 1)
				value := strings.Repeat("v", 10_000)
				const records = 2000 // ten answers and more
				var away atomic.Int64
				away.Store(int64(30 * time.Millisecond))
				var kv []string
				for i := range records {
					kv = append(kv, fmt.Sprint(i), value)
				}
				c.write(c.lines, 0, kv...)
				in := c.start(dir, func(cfg *app.Config) {
					cfg.Topology, cfg.Guarantee, cfg.Workers, cfg.CommitInterval = c.copying(), g, 1, 9*time.Second
					cfg.Dial = c.dialFar(&away)
				})
				begin := time.Now()
				c.awaitProcessed(c.lines)
				took := time.Since(begin)
				if took < 300*time.Millisecond || took > 8*time.Second {
					t.Fatalf("all was committed after %v, want some answers, and less than the interval", took)
				}
				if m := in.app.Metrics().Commit; m.Count > 2 {
					t.Errorf("%d commits, want one at the end", m.Count)
				}
				if err := in.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestVirtualSteadyRecords: while records come one by one, exactly once each is committed at the floor, for readers
// wait for it; at least once that waits for a pause, or the interval.
func TestVirtualSteadyRecords(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c, _ := virtualCluster(t, 1)
				in := c.start(dir, func(cfg *app.Config) {
					cfg.Topology, cfg.Guarantee, cfg.Workers, cfg.CommitInterval = c.copying(), g, 1, 5*time.Second
				})
				commits := func() uint64 { return in.app.Metrics().Commit.Count }
				c.write(c.lines, 0, "first", "v")
				c.awaitProcessed(c.lines)
				before := commits()
				for i := range 500 { // a second and a half
					c.write(c.lines, int64(i), fmt.Sprint(i), "v")
					time.Sleep(3 * time.Millisecond)
				}
				steady := commits() - before
				if g == app.ExactlyOnce && steady < 50 || g == app.AtLeastOnce && steady > 1 {
					t.Errorf("%d commits in a second and a half", steady)
				}
				begin := time.Now()
				c.awaitProcessed(c.lines)
				if took := time.Since(begin); took > time.Second {
					t.Errorf("the last record was committed %v after it came", took)
				}
				if err := in.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestVirtualSlowCommit: one commit that took long does not put off the next.
func TestVirtualSlowCommit(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Second) }) // until the last read has come home
		c, _ := virtualCluster(t, 1)
		var away atomic.Int64
		in := c.start(dir, func(cfg *app.Config) {
			cfg.Topology, cfg.Guarantee, cfg.Workers, cfg.CommitInterval = c.copying(), app.ExactlyOnce, 1, 5*time.Second
			cfg.Dial = c.dialFar(&away)
		})
		commits := func() uint64 { return in.app.Metrics().Commit.Count }
		stop := c.trickle(3*time.Millisecond, func(i int) string { return fmt.Sprint(i) })
		time.Sleep(2 * time.Second)
		away.Store(int64(200 * time.Millisecond))
		time.Sleep(50 * time.Millisecond) // within a commit
		away.Store(0)
		for before := commits(); commits() == before; time.Sleep(time.Millisecond) {
		}
		before := commits()
		time.Sleep(300 * time.Millisecond)
		if n := commits() - before; n < 10 {
			t.Errorf("%d commits in 300 ms after one that took 200, want one after each floor", n)
		}
		stop()
		if err := in.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestVirtualProcessingGoesOn: while the broker takes its time for a transaction, records are processed on.
func TestVirtualProcessingGoesOn(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Second) }) // until the last read has come home
		c, _ := virtualCluster(t, 1)
		var away atomic.Int64
		slow := c.mapping(func(v string) string {
			time.Sleep(5 * time.Millisecond)
			return v
		})
		var kv []string
		for i := range 5000 { // 25 seconds
			kv = append(kv, fmt.Sprint(i), "v")
		}
		c.write(c.lines, 0, kv...)
		in := c.start(dir, func(cfg *app.Config) {
			cfg.Topology, cfg.Guarantee, cfg.Workers, cfg.CommitInterval = slow, app.ExactlyOnce, 1, 50*time.Millisecond
			cfg.Dial = c.dialFar(&away)
		})
		processed := func() (n int64) {
			for _, m := range in.app.Metrics().Tasks {
				n += m.RecordsIn
			}
			return n
		}
		time.Sleep(3 * time.Second)
		away.Store(int64(100 * time.Millisecond)) // several times that for a commit: outputs, offsets, end
		time.Sleep(time.Second)
		before, last, at := in.app.Metrics().Commit, processed(), time.Now()
		var worst time.Duration
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if n := processed(); n > last {
				worst = max(worst, time.Since(at))
				last, at = n, time.Now()
			}
		}
		after := in.app.Metrics().Commit
		commit := (after.Sum - before.Sum) / float64(after.Count-before.Count)
		if worst.Seconds() > commit*3/4 {
			t.Errorf("%d commits of %.3f s; nothing was processed for %v", after.Count-before.Count, commit, worst)
		}
		away.Store(0)
		if err := in.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestVirtualCommitInterval: with a record cache, which waits for the interval, commits are no further apart than that,
// whenever records come.
func TestVirtualCommitInterval(t *testing.T) {
	for name, g := range guarantees {
		for _, interval := range []time.Duration{150 * time.Millisecond, time.Second} {
			t.Run(fmt.Sprint(name, interval), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					c, _ := virtualCluster(t, 1)
					s := stream.New()
					words := stream.FlatMapValues(stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String)), strings.FieldsSeq)
					counts := stream.Count(stream.GroupByKey(words), stream.NewStore("counts", serde.String, serde.Int64))
					stream.To(stream.ToStream(counts), stream.NewTopic(c.counts, serde.String, serde.Int64))
					topo, err := s.Build()
					if err != nil {
						t.Fatal(err)
					}
					in := c.start(dir, func(cfg *app.Config) {
						cfg.Topology, cfg.Guarantee, cfg.CommitInterval, cfg.RecordCache, cfg.Workers = topo, g, interval, 1<<20, 1
					})
					stop := c.trickle(67*time.Millisecond, func(i int) string { return fmt.Sprint(i % 3) })
					time.Sleep(5 * time.Second)
					last, at := in.app.Metrics().Commit.Count, time.Now()
					var worst time.Duration
					gaps := 0
					for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
						if m := in.app.Metrics().Commit.Count; m != last {
							if gap := time.Since(at); gaps > 0 {
								worst = max(worst, gap)
							}
							gaps++
							last, at = m, time.Now()
						}
					}
					stop()
					if gaps < 10 || worst > interval+20*time.Millisecond {
						t.Errorf("%d commits; one came %v after the one before, the interval is %v", gaps, worst, interval)
					}
					if err := in.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
