package kafkatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Origin says where a cluster comes from.
type Origin string

const (
	// Environment is a cluster that was there before: LEAT_BROKERS names it. It is never stopped.
	Environment Origin = "environment"
	// Container is a broker in a Docker container.
	Container Origin = "container"
	// Jars is one process a broker, run by the machine's Java from Maven Central's jars.
	Jars Origin = "jars"
)

// readyTimeout bounds the wait for a started broker to answer; 8 to 10 seconds are usual, a busy machine takes
// many times that.
const readyTimeout = 5 * time.Minute

// Config says which cluster to start. The zero value is one broker of the first origin there is.
type Config struct {
	// Origin is the only origin to try. Empty means Environment, Container and Jars in this order.
	Origin Origin
	// Nodes is the number of brokers, 1 if zero. Containers have one; an existing cluster has what it has.
	Nodes int
	// Partitions is the number of partitions of topics created without a count, 4 if zero. An existing cluster
	// keeps its own setting.
	Partitions int
	// Port is the port of the first broker on the loopback address. With [Jars] each broker takes three ports in a
	// row: for clients, for the controllers' quorum and for the other brokers. Zero means any free ports.
	Port int
	// Properties are settings of the brokers, by their names in server.properties, over this package's own. Only
	// with [Jars].
	Properties map[string]string
	// Options are further options of the brokers' Java. Only with [Jars].
	Options []string
}

// Cluster is a running Kafka cluster. Its methods may be called from several goroutines.
type Cluster struct {
	origin  Origin
	brokers []string
	stop    func() error
	mu      sync.Mutex // Guards the nodes' processes.
	nodes   []*node    // Of Jars only.
}

// Start finds or starts a cluster and returns when all its brokers answer. The caller stops it. The error of
// each origin that was tried is in the returned one, with what to install.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg.Nodes, cfg.Partitions = cmp.Or(cfg.Nodes, 1), cmp.Or(cfg.Partitions, 4)
	starters := []struct {
		origin Origin
		start  func(context.Context, Config) (*Cluster, error)
	}{
		{Environment, fromEnvironment},
		{Container, startContainer},
		{Jars, startJars},
	}
	var errs []error
	for _, s := range starters {
		if cfg.Origin != "" && cfg.Origin != s.origin {
			continue
		}
		c, err := s.start(ctx, cfg)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		// A broker that somebody names and that does not answer is a mistake to report; starting another one
		// in its place would hide it.
		if s.origin == Environment && os.Getenv("LEAT_BROKERS") != "" {
			break
		}
	}
	if len(errs) == 0 {
		return nil, fmt.Errorf("start kafka: unknown origin %q: want %q, %q or %q", cfg.Origin, Environment, Container, Jars)
	}
	return nil, fmt.Errorf("start kafka: %w", errors.Join(errs...))
}

// Brokers returns the addresses of the brokers, to be used as seeds. The caller may keep the slice.
func (c *Cluster) Brokers() []string { return slices.Clone(c.brokers) }

// Origin says where the cluster comes from.
func (c *Cluster) Origin() Origin { return c.origin }

// Stop ends the cluster and removes its data; a cluster of the environment is left alone. Further calls do
// nothing.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stop()
}

func fromEnvironment(ctx context.Context, _ Config) (*Cluster, error) {
	var brokers []string
	for b := range strings.SplitSeq(os.Getenv("LEAT_BROKERS"), ",") {
		if b = strings.TrimSpace(b); b != "" {
			brokers = append(brokers, b)
		}
	}
	if len(brokers) == 0 {
		return nil, errors.New("environment: LEAT_BROKERS is not set: set it to host:port of a running cluster")
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := waitReady(ctx, brokers, 1, nil); err != nil {
		return nil, fmt.Errorf("environment: LEAT_BROKERS=%s: %w", strings.Join(brokers, ","), err)
	}
	return &Cluster{origin: Environment, brokers: brokers, stop: func() error { return nil }}, nil
}

// waitReady returns when nodes brokers have joined the cluster and answer. failed, if not nil, is asked between
// two attempts and ends the wait. Open ports prove nothing: Docker's proxy accepts before the broker listens.
func waitReady(ctx context.Context, brokers []string, nodes int, failed func() error) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RetryTimeout(2*time.Second))
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	defer cl.Close()
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		meta, err := metadata(try, cl)
		cancel()
		if err == nil && len(meta.Brokers) >= nodes {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%d of %d brokers have joined", len(meta.Brokers), nodes)
		}
		if failed != nil {
			if ferr := failed(); ferr != nil {
				return ferr
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w: %w", strings.Join(brokers, ","), context.Cause(ctx), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// metadata asks a broker for the cluster's brokers and the given topics. kadm's functions would answer from the
// client's cache, in which a broker that joins later never appears.
func metadata(ctx context.Context, cl *kgo.Client, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, t := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = new(t)
		req.Topics = append(req.Topics, rt)
	}
	return req.RequestWith(ctx, cl)
}
