package kafkatest

import (
	"context"
	"sync"
	"testing"
)

// shared is the cluster of this test binary. It is never stopped by hand: it ends with the process (see the
// package comment), because only the process knows when its last test has run.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Brokers returns the addresses of a real Kafka cluster that all tests of the binary share, and starts it on the
// first call. The test fails at once if there is none and none can be started.
func Brokers(tb testing.TB) []string {
	tb.Helper()
	shared.once.Do(func() {
		shared.cluster, shared.err = Start(context.Background(), Config{})
	})
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.cluster.Brokers()
}

// Run starts a cluster for one test alone, which may stop it, and stops it when the test ends.
func Run(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	c, err := Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}
