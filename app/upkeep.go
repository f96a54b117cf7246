package app

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

const cleanInterval = time.Minute

// upkeep is the goroutine that does what has time: it purges repartition topics, removes state that is no
// longer used and looks whether source topics have grown.
func (in *instance) upkeep(ctx context.Context) {
	clean := time.NewTicker(cleanInterval)
	defer clean.Stop()
	grow := time.NewTicker(growInterval)
	defer grow.Stop()
	var purge <-chan time.Time
	if d := in.cfg.RepartitionPurgeInterval; d > 0 && len(in.layout.internal) > 0 {
		t := time.NewTicker(d)
		defer t.Stop()
		purge = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-clean.C:
			in.state.clean()
		case <-grow.C:
			in.lookForPartitions(ctx)
		case <-purge:
			in.purge.run(ctx, in)
		}
	}
}

// purge deletes records from repartition topics that have been processed: nobody else reads them, and they
// have no retention.
type purge struct {
	mu     sync.Mutex
	upTo   map[record.TopicPartition]int64
	warned bool
}

// committed notes offsets that have been committed. Workers call it.
func (p *purge) committed(offsets map[record.TopicPartition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.upTo == nil {
		p.upTo = make(map[record.TopicPartition]int64)
	}
	maps.Copy(p.upTo, offsets)
}

func (p *purge) run(ctx context.Context, in *instance) {
	p.mu.Lock()
	before := make(map[record.TopicPartition]int64)
	for tp, next := range p.upTo {
		if in.layout.internal[tp.Topic] != nil {
			before[tp] = next
		}
	}
	clear(p.upTo)
	p.mu.Unlock()
	if len(before) == 0 {
		return
	}
	err := in.admin.DeleteRecords(ctx, before)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, kafka.Unauthorized) && p.warned:
	case errors.Is(err, kafka.Unauthorized):
		p.warned = true
		in.log.Warn("repartition topics cannot be purged and will grow; grant DELETE on topics that start with the application id", "err", err)
	default:
		in.log.Warn("purge repartition topics", "err", err)
	}
}
