package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/integration/kafkatest"
)

// cluster is three brokers of which one may fail at a time.
type cluster struct {
	*kafkatest.Cluster
	client *kgo.Client
	admin  *kadm.Client
}

// firstPort is below the range of outgoing connections, one of which could take the port of a broker that is down.
const firstPort = 23092

// freeRange returns the first of n ports in a row that nothing listens on right now.
func freeRange(n int) (int, error) {
	for first := firstPort; first < firstPort+100*n; first += n {
		free := true
		for port := first; port < first+n && free; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				l.Close()
			}
		}
		if free {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d ports in a row are free from %d on", n, firstPort)
}

// startCluster starts the brokers, on free ports if port is 0.
func startCluster(ctx context.Context, port int) (_ *cluster, err error) {
	if port == 0 {
		if port, err = freeRange(3 * brokers); err != nil {
			return nil, err
		}
	}
	c, err := kafkatest.Start(ctx, kafkatest.Config{
		Origin: kafkatest.Jars, Nodes: brokers, Partitions: partitions, Port: port,
		// Brokers are started so often that a compiler which is done soon does better than one that does well.
		Options: []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"},
		Properties: map[string]string{
			"min.insync.replicas":       "2",
			"broker.session.timeout.ms": "6000",
			"auto.create.topics.enable": "false",
			"log.cleaner.backoff.ms":    "5000",
			// A zombie's and a dead instance's transactions are looked for as often as they can time out.
			"transaction.abort.timed.out.transaction.cleanup.interval.ms": "2000",
		},
	})
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return &cluster{Cluster: c, client: client, admin: kadm.NewClient(client)}, nil
}

func (c *cluster) close() error {
	c.client.Close()
	return c.Stop()
}

func (c *cluster) createTopics(ctx context.Context) error {
	made, err := c.admin.CreateTopics(ctx, partitions, brokers, nil, inTopic, countsTopic, leftTopic, rightTopic, joinedTopic)
	if err != nil {
		return err
	}
	return made.Error()
}

// awaitWhole returns when every broker answers and says that all replicas of all partitions are in sync.
func (c *cluster) awaitWhole(ctx context.Context) error {
	for {
		missing, err := c.missing(ctx)
		if err == nil && missing == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for replicas to be in sync: %d are not: %w: %w", missing, ctx.Err(), err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// missing counts replicas that are not in sync. It asks each broker: for some seconds the others do not know that
// one is gone, and one that is killed and starts again at once may never have been gone for them, though it still
// starts. A client's own view would be older yet.
func (c *cluster) missing(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c.client.ForceMetadataRefresh()
	for node := range c.Nodes() {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = nil // all
		resp, err := c.client.Broker(node+1).Request(ctx, req)
		if err != nil {
			return 0, fmt.Errorf("broker %d: %w", node+1, err)
		}
		meta := resp.(*kmsg.MetadataResponse)
		n += brokers * (brokers - len(meta.Brokers))
		for _, t := range meta.Topics {
			for _, p := range t.Partitions {
				n += brokers - len(p.ISR)
			}
		}
	}
	return n, nil
}
