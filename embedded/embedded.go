// Package embedded runs a small Kafka broker inside the process, so that a leat application can be tried
// and tested with nothing else installed. It is reached over TCP on the loopback interface, through the
// same client code and the same protocol as any other cluster.
//
// It is franz-go's kfake: produce, fetch, transactions, consumer groups, compaction and the usual admin
// requests work as Kafka's do. It is not a Kafka to keep data in: there is one copy of it, in memory unless
// [Config.Dir] is set, nothing is deleted by itself from memory before the broker is closed, nothing is
// replicated, and there is no authentication. Use it for demonstrations, examples and tests.
package embedded

import (
	"github.com/twmb/franz-go/pkg/kfake"
)

// Config says how to run a broker. The zero value is a broker in memory on a free port.
type Config struct {
	// Partitions is how many partitions a topic gets when its creator does not say. Default 4.
	Partitions int
	// Dir keeps topics, records, groups and transactions over a restart in this directory, which is
	// created if needed. Empty means in memory only.
	Dir string
	// Addr is the address to listen on, "host:port". Default a free port of 127.0.0.1.
	Addr string
}

// Broker is a running broker. Its methods may be called concurrently.
type Broker struct {
	c *kfake.Cluster
}

// Start runs a broker until it is closed.
func Start(cfg Config) (*Broker, error) { panic("draft") }

// Addr returns the address to give to clients, "host:port".
func (b *Broker) Addr() string { panic("draft") }

// CreateTopic creates a topic; partitions 0 means the broker's default. A topic that exists already with as
// many partitions is left as it is; with another number it is an error.
func (b *Broker) CreateTopic(name string, partitions int) error { panic("draft") }

// Close stops the broker and its connections. With a Dir, what was acknowledged is on disk when it returns.
func (b *Broker) Close() error { panic("draft") }
