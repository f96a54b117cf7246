package app

import (
	"context"
	"errors"
	"slices"
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
	if err != nil && ctx.Err() == nil && !errors.Is(err, kafka.Unauthorized) {
		in.log.Warn("look for transactions of dead instances; what is not found ends by its timeout", "err", err)
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

// checkTransactions looks whether the cluster can do what exactly once takes.
func (in *instance) checkTransactions(ctx context.Context) error {
	if in.cfg.Guarantee != ExactlyOnce {
		return nil
	}
	var t kafka.Transactions
	err := in.retry(ctx, "ask what the cluster offers", func() (err error) {
		t, err = in.admin.Transactions(ctx)
		return err
	})
	switch {
	case err != nil:
		return err
	case !t.Fenced:
		return errors.New("exactly once needs brokers of version 2.5 or later: this one takes the commits of members that have lost their tasks; upgrade it, or use AtLeastOnce")
	case t.Version < 2:
		in.log.Warn("the cluster's transaction.version is below 2, so that a request that comes very late can end up in a later transaction; raise it with kafka-features upgrade where the brokers are of version 4.0 or later",
			"transaction_version", t.Version)
	}
	return nil
}

// processOf returns the process that a transactional id of the application names. A process's name has no
// hyphen, so an id of another application, whose own id begins with this one's and a hyphen, names none.
func processOf(prefix, id string) (string, bool) {
	rest, ok := strings.CutPrefix(id, prefix)
	i := strings.LastIndexByte(rest, '-')
	if !ok || i <= 0 || strings.IndexByte(rest, '-') != i {
		return "", false
	}
	return rest[:i], true
}

// fenceOwn ends what this state directory's previous process left open. If not every broker tells what is open,
// because one is down or this application may not ask, it ends every transaction that there can be with as many
// workers as there are now.
func (in *instance) fenceOwn(ctx context.Context) error {
	if in.cfg.Guarantee != ExactlyOnce || in.state.db == nil {
		return nil
	}
	open, err := in.admin.OpenTransactions(ctx, in.cfg.Application+"-"+in.state.process+"-")
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		for w := range in.cfg.Workers {
			if id := transactionalID(in.cfg.Application, in.state.process, w); !slices.Contains(open, id) {
				open = append(open, id)
			}
		}
	}
	for _, id := range open {
		err := in.retry(ctx, "end the previous process's transaction", func() error { return in.admin.Fence(ctx, id) })
		if err != nil {
			return err
		}
	}
	return nil
}
