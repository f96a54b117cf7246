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
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
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
	// Nodes is how many brokers the cluster has. Only the first one listens on Addr. Default 1.
	Nodes int
	// Network, if set, is what the brokers listen on in place of the machine's network. Their addresses mean
	// something to its Dial alone, and Addr does not apply.
	Network *Network
}

// Network is a network inside the process, without sockets, so that a broker and what talks to it can run in
// one bubble of testing/synctest. The zero value is ready. Its methods may be called concurrently.
type Network struct{ virtual kfake.VirtualNetwork }

// Dial opens a connection to a broker on the network. It fits app.Config.Dial.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return n.virtual.DialContext(ctx, network, address)
}

// Broker is a running broker. Its methods may be called concurrently.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// Start runs a broker until it is closed.
func Start(cfg Config) (*Broker, error) {
	if cfg.Partitions < 0 {
		return nil, fmt.Errorf("embedded broker: partitions: %d is negative", cfg.Partitions)
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = 4
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Nodes == 0 {
		cfg.Nodes = 1
	}
	if cfg.Network != nil {
		return startVirtual(cfg)
	}
	// Listening before the broker starts gives a plain error for an address that is taken.
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	first := l
	opts := []kfake.Opt{
		kfake.NumBrokers(cfg.Nodes),
		kfake.DefaultNumPartitions(cfg.Partitions),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			if l := first; l != nil {
				first = nil
				return l, nil
			}
			return net.Listen(network, address) //nolint:noctx // kfake's signature
		}),
	}
	if cfg.Dir != "" {
		opts = append(opts, kfake.DataDir(cfg.Dir))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("embedded broker: start: %w", err)
	}
	return &Broker{cluster: c, addr: l.Addr().String(), dial: new(net.Dialer).DialContext}, nil
}

// startVirtual is Start on a network inside the process.
func startVirtual(cfg Config) (*Broker, error) {
	ports := make([]int, cfg.Nodes)
	for i := range ports {
		ports[i] = 9092 + i
	}
	opts := []kfake.Opt{
		kfake.Ports(ports...), kfake.DefaultNumPartitions(cfg.Partitions), kfake.ListenFn(cfg.Network.virtual.Listen),
	}
	if cfg.Dir != "" {
		opts = append(opts, kfake.DataDir(cfg.Dir))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: start: %w", err)
	}
	return &Broker{cluster: c, addr: c.ListenAddrs()[0], dial: cfg.Network.Dial}, nil
}

// Addr returns the address to give to clients, "host:port".
func (b *Broker) Addr() string { return b.addr }

// CreateTopic creates a topic; partitions 0 means the broker's default. A topic that exists already with as
// many partitions, or with any number when partitions is 0, is left as it is; with another number it is an
// error.
func (b *Broker) CreateTopic(name string, partitions int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.Dialer(b.dial))
	if err != nil {
		return fmt.Errorf("embedded broker: create topic %q: %w", name, err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	count := int32(partitions)
	if partitions == 0 {
		count = -1
	}
	_, err = adm.CreateTopic(ctx, count, 1, nil, name)
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		if err != nil {
			return fmt.Errorf("embedded broker: create topic %q: %w", name, err)
		}
		return nil
	}
	topics, err := adm.ListTopics(ctx, name)
	if err != nil {
		return fmt.Errorf("embedded broker: create topic %q: %w", name, err)
	}
	if has := len(topics[name].Partitions); partitions != 0 && has != partitions {
		return fmt.Errorf("embedded broker: create topic %q: it exists with %d partitions, not %d", name, has, partitions)
	}
	return nil
}

// Compact compacts the topics whose cleanup policy says so, and deletes what is older or larger than their
// retention allows, now instead of some time.
func (b *Broker) Compact() { b.cluster.Compact() }

// Close stops the broker and its connections. With a Dir, what was acknowledged is on disk when it returns.
// A second Close does nothing.
func (b *Broker) Close() { b.cluster.Close() }
