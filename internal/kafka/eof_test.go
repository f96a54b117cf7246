package kafka

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// deaf is a connection that ends instead of the first answer.
type deaf struct{ net.Conn }

func (d deaf) Read([]byte) (int, error) {
	_ = d.Close()
	return 0, io.EOF
}

// TestConnectionEndsBeforeTheFirstAnswer: a broker that is killed ends connections that it has just accepted. What
// was to be written over them is written later.
func TestConnectionEndsBeforeTheFirstAnswer(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	var left atomic.Int32
	var mu sync.Mutex
	var conns []net.Conn
	cfg := e.cfg
	cfg.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && left.Add(-1) >= 0 {
			c = deaf{c}
		}
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, c)
		return c, err
	}
	c, err := NewClient(cfg, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, _, err := produce(t, c, Output{Topic: topic, Partition: 0, Value: []byte("before")}); err != nil {
		t.Fatal(err)
	}
	left.Store(4)
	mu.Lock()
	for _, open := range conns {
		if open != nil {
			_ = open.Close()
		}
	}
	mu.Unlock()
	if _, _, err := produce(t, c, Output{Topic: topic, Partition: 0, Value: []byte("after")}); err != nil {
		t.Error(err)
	}
	if left.Load() > 0 {
		t.Errorf("%d connections that were to end have not been made", left.Load())
	}
}
