package app

import (
	"context"
	"errors"
	"strings"

	"github.com/leatstream/leat/internal/kafka"
)

// fenceDead ends the transactions that instances which are no longer in the group have left open, so that
// the new owners of their tasks need not wait until they time out: readers of committed data stop at an open
// transaction, and the broker does not tell offsets that are part of one.
//
// The ids of this instance's own transactions name its process, those of others theirs; what names none of
// the processes that the last assignment knows belongs to nobody. An instance that has joined since is
// fenced by mistake if its first transaction is open already; it recovers as from any fence.
func (in *instance) fenceDead(ctx context.Context) {
	live := in.group.live.Load()
	if in.cfg.Guarantee != ExactlyOnce || live == nil {
		return
	}
	prefix := in.cfg.Application + "-"
	open, err := in.admin.OpenTransactions(ctx, prefix)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, kafka.Unauthorized) {
			in.log.Warn("look for transactions of dead instances", "err", err)
		}
		return
	}
	for _, id := range open {
		process, ok := processOf(prefix, id)
		if !ok || process == in.state.process || live.Has(process) {
			continue
		}
		if err := in.admin.Fence(ctx, id); err != nil {
			in.log.Warn("end the transaction of a dead instance", "transactional_id", id, "err", err)
			continue
		}
		in.log.Info("ended the transaction of a dead instance", "transactional_id", id)
	}
}

// processOf returns the process that a transactional id of the application names.
func processOf(prefix, id string) (string, bool) {
	rest, ok := strings.CutPrefix(id, prefix)
	i := strings.LastIndexByte(rest, '-')
	if !ok || i <= 0 {
		return "", false
	}
	return rest[:i], true
}

// fenceOwn ends what this state directory's previous process left open.
func (in *instance) fenceOwn(ctx context.Context) error {
	if in.cfg.Guarantee != ExactlyOnce || in.state.db == nil {
		return nil
	}
	open, err := in.admin.OpenTransactions(ctx, in.cfg.Application+"-"+in.state.process+"-")
	if errors.Is(err, kafka.Unauthorized) { // then every id that there can be
		open = nil
		for w := range in.cfg.Workers {
			open = append(open, transactionalID(in.cfg.Application, in.state.process, w))
		}
	} else if err != nil {
		return err
	}
	for _, id := range open {
		if err := in.admin.Fence(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
