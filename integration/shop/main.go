// Command shop is the rest of the world to the services in examples/shop: their customers, and the accountant. It
// writes checkouts at a steady rate, waits until the services have worked them off, and compares their totals with
// what was bought. Its customers are its own, so that it can be run on a cluster again and again.
//
//	LEAT_BROKERS=host:port,… go run ./shop -checkouts 3000 -rate 300
//
// examples/shop/run.sh starts it together with the services, and kills some of them meanwhile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/examples/shop"
)

func main() {
	checkouts := flag.Int("checkouts", 3000, "number of checkouts")
	rate := flag.Float64("rate", 300, "checkouts a second")
	topics := flag.Bool("topics", false, "create the topics and do nothing else")
	patience := flag.Duration("patience", 2*time.Minute, "how long the services may take for what is left in the end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *topics, *checkouts, *rate, *patience); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, topicsOnly bool, checkouts int, rate float64, patience time.Duration) error {
	if !(rate > 0) || checkouts < 0 {
		return fmt.Errorf("-rate %v must be above 0, -checkouts %d not below", rate, checkouts)
	}
	brokers := os.Getenv("LEAT_BROKERS")
	if brokers == "" {
		return errors.New("LEAT_BROKERS is empty; give it host:port,… of a cluster, or start one: go run ./kafka -- go run ./shop")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.RecordDeliveryTimeout(time.Minute))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := createTopics(ctx, kadm.NewClient(client)); err != nil || topicsOnly {
		return err
	}
	begin := time.Now()
	f := newFeeder(client, begin)
	if err := f.run(ctx, checkouts, rate); err != nil {
		return err
	}
	fmt.Printf("%d checkouts in %.1f s: %d orders to be paid\n", checkouts, time.Since(begin).Seconds(), f.orders)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := awaitServices(waiting, kadm.NewClient(client)); err != nil {
		return fmt.Errorf("wait for the services: %w", err)
	}
	got, err := readTotals(waiting, strings.Split(brokers, ","), kadm.NewClient(client), f.customers)
	if err != nil {
		return fmt.Errorf("read the totals: %w", err)
	}
	if err := compare(got, f.totals); err != nil {
		return err
	}
	fmt.Printf("the totals agree after %.1f s: %d orders, none lost and none twice\n", time.Since(begin).Seconds(), f.orders)
	return nil
}

// createTopics makes the topics that the services share, unless they are there, and waits until they can be used.
func createTopics(ctx context.Context, admin *kadm.Client) error {
	compact := "compact"
	all := map[string]map[string]*string{
		shop.Checkouts.Name(): nil, shop.Orders.Name(): nil, shop.Payments.Name(): nil,
		shop.Customers.Name(): {"cleanup.policy": &compact}, shop.Totals.Name(): {"cleanup.policy": &compact},
	}
	for topic, configs := range all {
		if _, err := admin.CreateTopic(ctx, 4, -1, configs, topic); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		ends, err := admin.ListEndOffsets(ctx, slices.Collect(maps.Keys(all))...)
		if err == nil && ends.Error() == nil && len(ends) == len(all) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("create topics: %w", errors.Join(ctx.Err(), err, ends.Error()))
		case <-look.C:
		}
	}
}
