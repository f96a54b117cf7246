package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// resetOffset returns where to begin on a partition without a committed offset, as its source says.
func (in *instance) resetOffset(ctx context.Context, sub *topology.Subtopology, tp record.TopicPartition, why error) (int64, error) {
	reset := in.cfg.Reset
	for _, n := range sub.Sources() {
		for _, topic := range n.Topics {
			if topic.For(in.cfg.Application) != tp.Topic {
				continue
			}
			if n.Reset != topology.ResetDefault {
				reset = n.Reset
			}
			if topic.Internal {
				reset = topology.ResetEarliest
			}
		}
	}
	var at map[record.TopicPartition]int64
	err := in.retry(ctx, "look up offsets", func() (err error) {
		switch reset {
		case topology.ResetLatest:
			at, err = in.admin.EndOffsets(ctx, []record.TopicPartition{tp})
		case topology.ResetNone:
			if why == nil {
				why = errors.New("no offset has been committed")
			}
			return fmt.Errorf("%s[%d]: %w, and the source's offset reset is none; commit an offset for group %q or set a reset", tp.Topic, tp.Partition, why, in.cfg.Application)
		default:
			at, err = in.admin.StartOffsets(ctx, []record.TopicPartition{tp})
		}
		return err
	})
	return at[tp], err
}

// retry calls f until it succeeds, its error is not one that time may cure, or the task timeout has passed.
func (in *instance) retry(ctx context.Context, what string, f func() error) error {
	deadline := time.Now().Add(in.cfg.TaskTimeout)
	for wait := commitRetry; ; wait = min(2*wait, time.Second) {
		err := f()
		if err == nil {
			return nil
		}
		passing := errors.Is(err, kafka.Retriable) || errors.Is(err, kafka.Unreachable)
		if !passing || ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", what, err)
		}
		in.log.Warn("trying again", "operation", what, "err", err)
		pause(ctx, wait)
	}
}
