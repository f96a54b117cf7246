//go:build synctests

package app_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// far is a connection to a broker that is so far away.
type far struct {
	net.Conn
	away time.Duration
}

func (c far) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	time.Sleep(c.away)
	return n, err
}

// TestVirtualCatchingUp: a worker that waits for the next answer while it catches up does not commit for having
// nothing to do, and when it has caught up it does at once.
func TestVirtualCatchingUp(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(time.Second) }) // until the last read has come home
				var n embedded.Network
				b, err := embedded.Start(embedded.Config{Network: &n, Partitions: partitions})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				c := clusterAt(t, kafka.Config{Brokers: []string{b.Addr()}, Dialer: n.Dial})
				value := strings.Repeat("v", 10_000)
				const records = 2000 // ten answers and more
				var kv []string
				for i := range records {
					kv = append(kv, fmt.Sprint(i), value)
				}
				c.write(c.lines, 0, kv...)
				s := stream.New()
				stream.To(stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String)), stream.NewTopic(c.counts, serde.String, serde.String))
				topo, err := s.Build()
				if err != nil {
					t.Fatal(err)
				}
				in := c.start(dir, func(cfg *app.Config) {
					cfg.Topology, cfg.Guarantee, cfg.Workers, cfg.CommitInterval = topo, g, 1, 9*time.Second
					cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := n.Dial(ctx, network, address)
						return far{conn, 30 * time.Millisecond}, err
					}
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
