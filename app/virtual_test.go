//go:build synctests

package app_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
)

// The tests of this file run instances and a broker in one bubble of testing/synctest: time passes only while
// everybody waits, so that sessions and transactions time out at once. They need franz-go's locks of that tag:
//
//	go test -tags synctests -run Virtual ./app
//	go test -tags synctests -run Virtual ./app -seed 17 -seeds 1

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of TestVirtual")
	seeds     = flag.Uint64("seeds", 20, "how many seeds TestVirtual runs")
)

// wire is an instance's way to the brokers, which can be cut.
type wire struct {
	to func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	cut := w.cut
	w.mu.Unlock()
	if cut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the wire is cut")}
	}
	c, err := w.to(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = true
	return c, nil
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for c := range w.conns {
		c.Close()
		delete(w.conns, c)
	}
}

// TestVirtual runs three instances exactly once through a schedule that is drawn from a seed: they are stopped and
// started, with and without their state, and cut off for longer than the session and the transaction timeout;
// leaders and coordinators move; the broker refuses steps of commits. Each word's outputs must be 1, 2, 3 … and
// its last count that of the input.
//
// A seed fixes the schedule, not the order of goroutines: one that failed may pass the next time.
func TestVirtual(t *testing.T) {
	void := uint64(0)
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		var dirs [3]string // outside of the bubble: removing them is not its business
		for i := range dirs {
			dirs[i] = t.TempDir()
		}
		begin := time.Now()
		synctest.Test(t, func(t *testing.T) {
			if !virtual(t, seed, dirs) {
				t.Logf("seed %d: the group does not come to rest", seed)
				void++
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d failed", seed)
		}
		t.Logf("seed %d: %v", seed, time.Since(begin).Round(time.Millisecond))
	}
	if void > 1+*seeds/4 {
		t.Errorf("%d of %d runs did not come to rest", void, *seeds)
	}
}

// virtualCluster starts an embedded broker on a network within the test's bubble.
func virtualCluster(t *testing.T, nodes int) (*cluster, *embedded.Broker) {
	t.Helper()
	var n embedded.Network
	b, err := embedded.Start(embedded.Config{Network: &n, Nodes: nodes, Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return clusterAt(t, kafka.Config{Brokers: []string{b.Addr()}, Dialer: n.Dial}), b
}

// virtual runs one schedule. It returns false if the embedded broker's group was stuck, so that nothing is shown.
func virtual(t *testing.T, seed uint64, dirs [3]string) bool {
	r := rand.New(rand.NewPCG(seed, 5))
	c, b := virtualCluster(t, 3)
	var wires [3]*wire
	var running [3]*instance
	start := func(i int) {
		wires[i] = &wire{to: c.cfg.Dialer, conns: make(map[net.Conn]bool)}
		running[i] = c.start(dirs[i], func(cfg *app.Config) {
			cfg.Guarantee, cfg.Dial, cfg.Workers = app.ExactlyOnce, wires[i].dial, 1+int(seed)%2
			// The embedded broker says that a log that has been emptied was truncated when its leader moves.
			cfg.RepartitionPurgeInterval = -1
			cfg.SessionTimeout, cfg.TransactionTimeout, cfg.StopTimeout = 6*time.Second, 5*time.Second, 10*time.Second
			cfg.Standbys = int(seed) % 3 % 2
		})
	}
	stop := func(i int, in *instance) {
		// The embedded broker lets members wait for ones that died while they joined, and who waits for the answer
		// to a join does not leave before.
		if err := in.stop(); err != nil && !strings.Contains(err.Error(), "leave the group") {
			t.Errorf("instance %d: %v", i, err)
		}
	}
	for i := range running {
		start(i)
	}
	want := map[string]int64{}
	for round := range 12 {
		c.write(c.lines, int64(1000*round), text(seed*1000+uint64(round), 30, want)...)
		time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
		i := r.IntN(len(running))
		switch r.IntN(6) {
		case 0:
			stop(i, running[i])
			if r.IntN(3) == 0 {
				if err := os.RemoveAll(dirs[i]); err != nil {
					t.Fatal(err)
				}
			}
			start(i)
		case 1: // a zombie
			if !c.settled(running[:]) {
				return false
			}
			wires[i].set(true)
			time.Sleep(time.Duration(r.IntN(15000)) * time.Millisecond)
			wires[i].set(false)
		case 2:
			wires[i].set(false) // connections break
		case 3:
			b.MoveLeaders()
		case 4:
			b.MoveCoordinators()
		case 5:
			f := []embedded.Fault{
				{Request: "EndTxn", Error: "INVALID_PRODUCER_EPOCH"},
				{Request: "EndTxn", Error: "COORDINATOR_NOT_AVAILABLE"},
				{Request: "TxnOffsetCommit", Error: "ILLEGAL_GENERATION"},
				{Request: "TxnOffsetCommit", Error: "UNKNOWN_MEMBER_ID"},
				{Request: "Produce", Error: "NOT_LEADER_FOR_PARTITION"},
				{Request: "Produce", Error: "INVALID_PRODUCER_EPOCH"},
				{Request: "Heartbeat", Error: "UNKNOWN_MEMBER_ID"},
			}[r.IntN(7)]
			f.Count = 1 + r.IntN(3)
			if _, _, err := b.Fault(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !c.settled(running[:]) {
		return false
	}
	c.want(want)
	for word, counts := range c.history(c.counts) {
		for i, n := range counts {
			if n != int64(i+1) {
				t.Fatalf("word %q: output %d says %d; all of them: %v", word, i+1, n, counts)
			}
		}
	}
	for i, in := range running {
		stop(i, in)
	}
	return true
}

// settled waits until all instances run, and returns false if they never do: the embedded broker does not drop members
// that leave it in the middle of joining, and then lets all others wait for them.
func (c *cluster) settled(ins []*instance) bool {
	c.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		done := true
		for _, in := range ins {
			if in.app.State() == app.Error {
				c.t.Fatal("an instance ended by itself: ", in.wait())
			}
			done = done && in.app.State() == app.Running
		}
		if done || time.Now().After(deadline) {
			return done
		}
	}
}
