package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// teller passes to a Handler what franz-go's callbacks say, without what is empty, one call at a time. After
// revokeAll it is silent.
type teller struct {
	mu      sync.Mutex
	handler Handler
	owned   map[record.TopicPartition]bool
	silent  bool
}

func (t *teller) assigned(ctx context.Context, cl *kgo.Client, added map[string][]int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.silent {
		return
	}
	if tps := flatten(added); len(tps) > 0 {
		for _, tp := range tps {
			t.owned[tp] = true
		}
		t.handler.Assigned(ctx, tps)
	}
	_, generation := cl.GroupMetadata()
	t.handler.Complete(generation)
}

func (t *teller) revoked(ctx context.Context, _ *kgo.Client, revoked map[string][]int32) {
	t.take(ctx, flatten(revoked), t.handler.Revoked)
}

func (t *teller) lost(ctx context.Context, _ *kgo.Client, lost map[string][]int32) {
	t.take(ctx, flatten(lost), t.handler.Lost)
}

func (t *teller) take(ctx context.Context, tps []record.TopicPartition, tell func(context.Context, []record.TopicPartition)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.silent || len(tps) == 0 {
		return
	}
	for _, tp := range tps {
		delete(t.owned, tp)
	}
	tell(ctx, tps)
}

// revokeAll takes everything away from the Handler and then is silent.
func (t *teller) revokeAll(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.owned) > 0 {
		t.handler.Revoked(ctx, slices.SortedFunc(maps.Keys(t.owned), comparePartitions))
	}
	t.silent = true
}

func (t *teller) assignmentData(userdata []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.silent {
		t.handler.AssignmentData(userdata)
	}
}

// OnGroupManageError implements kgo.HookGroupManageError. What every rebalance and close does is no failure.
func (t *teller) OnGroupManageError(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, kerr.RebalanceInProgress) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.silent {
		t.handler.Failed(classify("group membership", "", -1, err))
	}
}

// flatten lists partitions in order.
func flatten(m map[string][]int32) []record.TopicPartition {
	var tps []record.TopicPartition
	for t, ps := range m {
		for _, p := range ps {
			tps = append(tps, record.TopicPartition{Topic: t, Partition: p})
		}
	}
	slices.SortFunc(tps, comparePartitions)
	return tps
}
