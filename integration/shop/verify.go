package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/examples/shop"
)

// services are what each service reads.
var services = map[string][]string{
	"shop-orders":     {shop.Checkouts.Name()},
	"shop-payments":   {shop.Orders.Name()},
	"shop-fulfilment": {shop.Orders.Name(), shop.Payments.Name(), shop.Customers.Name(), "shop-fulfilment-sales-repartition"},
}

// awaitServices waits until the services have committed everything. A service commits what it has read together with
// what it writes because of that, so where all have come to the ends that are seen later, nothing is on its way.
func awaitServices(ctx context.Context, admin *kadm.Client) error {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		committed := make(map[string]kadm.OffsetResponses)
		for group := range services {
			offsets, err := admin.FetchOffsets(ctx, group)
			if err != nil {
				return err
			}
			committed[group] = offsets
		}
		left, err := behind(ctx, admin, committed)
		if left == 0 || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d records are not processed: %w", left, ctx.Err())
		case <-look.C:
		}
	}
}

// behind returns how many offsets there are beyond what is committed.
func behind(ctx context.Context, admin *kadm.Client, committed map[string]kadm.OffsetResponses) (left int64, err error) {
	for group, topics := range services {
		ends, err := admin.ListEndOffsets(ctx, topics...)
		if err != nil {
			return 0, err
		}
		if err := ends.Error(); err != nil {
			return 0, err
		}
		ends.Each(func(end kadm.ListedOffset) {
			at, _ := committed[group].Lookup(end.Topic, end.Partition)
			left += max(0, end.Offset-max(0, at.At))
		})
	}
	return left, nil
}

// readTotals reads the last total of each minute of the customers that are wanted.
func readTotals(ctx context.Context, brokers []string, admin *kadm.Client, wanted map[string]bool) (totals, error) {
	ends, err := admin.ListCommittedOffsets(ctx, shop.Totals.Name())
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(shop.Totals.Name()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	got := make(totals)
	next := make(map[int32]int64)
	complete := func() bool {
		done := true
		ends.Each(func(end kadm.ListedOffset) { done = done && next[end.Partition] >= end.Offset })
		return done
	}
	for !complete() {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for r := range fetches.RecordsAll() {
			next[r.Partition] = r.Offset + 1
			if r.Attrs.IsControl() {
				continue
			}
			k, err := shop.Totals.Keys().Decode(r.Key)
			if err != nil {
				return nil, err
			}
			if wanted[k.Key] {
				if got[k], err = shop.Totals.Values().Decode(r.Value); err != nil {
					return nil, err
				}
			}
		}
	}
	return got, nil
}

// compare returns an error if the totals are not what they ought to be.
func compare(got, want totals) error {
	all := maps.Clone(want)
	maps.Copy(all, got)
	wrong, example := 0, ""
	for k := range all {
		if got[k] != want[k] {
			wrong++
			example = fmt.Sprintf("%s at %s has %+v, want %+v", k.Key, time.UnixMilli(k.Start).Format("15:04"), got[k], want[k])
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d totals are wrong; %s", wrong, len(all), example)
	}
	return nil
}
