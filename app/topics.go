package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// prepareTopics finds out how many partitions the source topics have, works out the layout, and creates the
// internal topics that are missing. Those that exist are checked. ids are the ids of all internal topics.
func prepareTopics(ctx context.Context, cfg *Config, admin *kafka.Admin) (l *layout, ids map[string][16]byte, err error) {
	names := sourceTopics(cfg.Topology)
	found, err := admin.Topics(ctx, names...)
	if err != nil {
		return nil, nil, fmt.Errorf("look up the source topics: %w", err)
	}
	var missing []string
	external := make(map[string]int32, len(names))
	for _, n := range names {
		if found[n].Missing {
			missing = append(missing, n)
		}
		external[n] = found[n].Partitions
	}
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("source topics %q do not exist; create them before the application starts", missing)
	}
	if l, err = newLayout(cfg.Application, cfg.Topology, external); err != nil {
		return nil, nil, err
	}
	specs := internalTopics(cfg, l)
	wanted := slices.Collect(maps.Keys(specs))
	existing, err := admin.Topics(ctx, wanted...)
	if err != nil {
		return nil, nil, fmt.Errorf("look up the internal topics: %w", err)
	}
	if err := checkTopics(ctx, admin, specs, existing); err != nil {
		return nil, nil, err
	}
	var create []kafka.TopicSpec
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		if s := specs[name]; existing[name].Missing {
			create = append(create, kafka.TopicSpec{Name: name, Partitions: s.Partitions, Replication: cfg.Replication, Configs: s.Config()})
		}
	}
	if err := admin.CreateTopics(ctx, create...); err != nil {
		return nil, nil, fmt.Errorf("create the internal topics: %w", err)
	}
	// Another instance may have created one meanwhile, after its own idea.
	if existing, err = admin.AwaitTopics(ctx, wanted...); err != nil {
		return nil, nil, fmt.Errorf("look up the internal topics: %w", err)
	}
	if err := checkTopics(ctx, admin, specs, existing); err != nil {
		return nil, nil, err
	}
	ids = make(map[string][16]byte, len(existing))
	for name, t := range existing {
		ids[name] = t.ID
	}
	return l, ids, nil
}

// internalTopics returns the repartition and changelog topics as they should be.
func internalTopics(cfg *Config, l *layout) map[string]changelog.Internal {
	specs := make(map[string]changelog.Internal)
	for name, r := range l.internal {
		specs[name] = changelog.Internal{
			Name: name, Use: changelog.RepartitionData, Partitions: l.partitions[name], App: cfg.TopicConfig, Store: r.Config,
		}
	}
	for _, sub := range l.subs {
		for _, s := range sub.Stores {
			topic, ok := s.Changelog()
			if !ok || s.Source != "" {
				continue
			}
			name := topic.For(cfg.Application)
			specs[name] = changelog.Internal{
				Name: name, Use: s.Kind.Changelog(), Partitions: l.size(sub), App: cfg.TopicConfig, Store: s.Config,
				Retention: milliseconds(s.Retention),
			}
		}
	}
	return specs
}

// checkTopics compares the internal topics that exist with what they should be.
func checkTopics(ctx context.Context, admin *kafka.Admin, specs map[string]changelog.Internal, existing map[string]kafka.Topic) error {
	var errs []error
	var names []string
	for name, t := range existing {
		if !t.Missing {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	configs, err := admin.AwaitTopicConfigs(ctx, names...)
	if err != nil && !errors.Is(err, kafka.Unauthorized) { // without the right to see them they go unchecked
		return fmt.Errorf("read the settings of the internal topics: %w", err)
	}
	for _, name := range names {
		errs = append(errs, specs[name].Check(changelog.Existing{Partitions: existing[name].Partitions, Config: configs[name]}))
	}
	return errors.Join(errs...)
}

// changelogOf returns the changelog partition of a task's store and whether it has one.
func (l *layout) changelogOf(s *topology.Store, partition int32) (record.TopicPartition, bool) {
	topic, ok := s.Changelog()
	return record.TopicPartition{Topic: topic.For(l.application), Partition: partition}, ok
}

// milliseconds returns a retention as a duration, the longest there is if the window never closes.
func milliseconds(ms int64) time.Duration {
	if ms > int64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
