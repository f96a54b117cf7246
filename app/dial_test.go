package app_test

import (
	"context"
	"net"
	"testing"

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
