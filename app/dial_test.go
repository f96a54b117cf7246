package app_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
)

// TestDial runs an application whose only broker has an address that means something to Dial alone, as behind
// a tunnel.
func TestDial(t *testing.T) {
	const tunnel = "broker.invalid:9092"
	b, err := embedded.Start(embedded.Config{Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c := newCluster(t, b.Addr())
	c.write(c.lines, 1, "a", "one two one")
	in := c.start(t.TempDir(), func(cfg *app.Config) {
		cfg.Brokers = []string{tunnel}
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == tunnel {
				address = b.Addr()
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	c.awaitProcessed(c.lines) // then there is a repartition topic
	c.awaitProcessed(c.words())
	if err := in.stop(); err != nil {
		t.Fatal(err)
	}
	if got := c.read(c.counts); got["one"] != 2 || got["two"] != 1 {
		t.Errorf("counts %v", got)
	}
}

// TestConnectTimeout: no broker answers, and Run says so after as long as it was told to wait.
func TestConnectTimeout(t *testing.T) {
	b, err := embedded.Start(embedded.Config{Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c := newCluster(t, b.Addr())
	c.start(t.TempDir(), func(cfg *app.Config) {
		cfg.ConnectTimeout = 300 * time.Millisecond
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("the tunnel is closed")
		}
	}).fails(b.Addr(), "no broker answered within 300ms", "the tunnel is closed")
}
