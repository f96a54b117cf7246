package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestOpenTransactionsWithABrokerDown: what the other brokers know is told, with the error.
func TestOpenTransactionsWithABrokerDown(t *testing.T) {
	e := newFake(t, kfake.NumBrokers(3))
	topic := e.topic(t, 1)
	const n = 12
	prefix := e.name(t, "tx")
	for i := range n {
		c := e.client(t, ClientConfig{TransactionalID: fmt.Sprintf("%s-%d", prefix, i)})
		if err := c.Begin(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := produce(t, c, Output{Topic: topic, Partition: 0, Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var down atomic.Value
	down.Store("")
	cfg := e.cfg
	cfg.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == down.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	all, err := e.admin.OpenTransactions(t.Context(), prefix)
	if err != nil || len(all) != n {
		t.Fatalf("%d of %d transactions, %v", len(all), n, err)
	}
	for _, address := range e.fake.ListenAddrs() {
		down.Store(address)
		cfg.Brokers = e.fake.ListenAddrs()
		a, err := Connect(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		some, err := a.OpenTransactions(t.Context(), prefix)
		a.Close()
		if !errors.Is(err, Unreachable) {
			t.Errorf("without %s: error %v, want one of kind %v", address, err, Unreachable)
		}
		if len(some) == 0 { // on a real cluster a third is missing; in process every broker knows all
			t.Errorf("without %s nothing is told", address)
		}
	}
}
