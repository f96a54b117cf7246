package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// GracePeriod lets a join of a stream with a table hold each record back until records d later have come, so
// that the table can take in what is of its time, and join it then, in the order of time. The table must keep a
// history of at least d ([Store.WithHistory]). A record that is d late already is joined at once. Records with a
// null key are dropped, in a left join too.
//
// Source: KIP-923.
func GracePeriod(d time.Duration) Option {
	return Option{optGrace, func(o *options) error {
		o.grace = &d
		switch {
		case d < 0:
			return errors.New("the grace period must not be negative")
		case d%time.Millisecond != 0:
			return fmt.Errorf("the grace period is %v; times count in whole milliseconds", d)
		}
		return nil
	}}
}

const optGrace optionKind = "GracePeriod"

// planHeld describes the store of the records that a join holds back.
func planHeld[K comparable, V any](c *call, node string, keys serde.Serde[K], values serde.Serde[V]) *plan.Store {
	if keys == nil || values == nil {
		c.fail("node %q holds records back and has no serde for %s; pass the options Keys and Values", node, missing(keys == nil, values == nil, typeOf[K](), typeOf[V]()))
	}
	needKey[K](c, node)
	return &plan.Store{Keys: typeOf[K](), Values: typeOf[V](), Store: topology.Store{
		Name: node + "-Buffer", Kind: changelog.KeyValue, Persistent: true, Logged: true, Caller: c.at,
		New: func(env statestore.Env) (statestore.Store, error) {
			return statestore.NewTimeOrdered(env, keys, values)
		},
	}}
}

// checkHistory reports tables that do not know what they were a grace period ago. It is called when the graph is
// written.
func (c *call) checkHistory(w *plan.Writer, node string, stores []string) {
	for _, name := range stores {
		switch s := w.Store(name); {
		case s == nil || s.Kind != changelog.Versioned:
			w.Fail(c.at, fmt.Errorf("node %q has a grace period of %v, but the table's store %q keeps no history; make it WithHistory of at least as long", node, *c.options.grace, name))
		case s.Retention < c.options.grace.Milliseconds():
			w.Fail(c.at, fmt.Errorf("node %q has a grace period of %v, but the table's store %q keeps a history of %d ms only; keep it at least as long", node, *c.options.grace, name, s.Retention))
		}
	}
}

// holder holds records back before they are joined.
type holder[K comparable, L, R, V any] struct {
	*rowJoiner[K, L, K, R, V]
	recaller processor.Recaller
	store    statestore.TimeOrdered[K, L]
	grace    int64
}

func newHolder[K comparable, L, R, V any](sc *topology.Scope, j *rowJoiner[K, L, K, R, V], store string, grace time.Duration) (any, error) {
	st, err := topology.StoreOf[statestore.TimeOrdered[K, L]](sc, store)
	h := &holder[K, L, R, V]{rowJoiner: j, store: st, grace: grace.Milliseconds()}
	h.recaller, _ = sc.Task.(processor.Recaller)
	return h, err
}

// Process implements processor.Receiver.
func (h *holder[K, L, R, V]) Process(r record.Record[K, L]) {
	if dropNull(h.join.node, r.Null) {
		return
	}
	if r.Timestamp < h.store.Observed()-h.grace {
		h.rowJoiner.Process(r)
		return
	}
	origin := statestore.Origin{Offset: -1, Timestamp: r.Timestamp, Headers: r.Headers}
	if src, ok := h.join.task.Source(); ok {
		origin.TopicPartition, origin.Offset = src.TopicPartition, src.Offset
	} else {
		origin.Partition = -1
	}
	now := h.join.task.WallClock()
	h.store.Put(statestore.Held[K, L]{Key: r.Key, Value: r.Value, Origin: origin}, now)
	for held := range h.store.Evict(h.store.Observed()-h.grace, now) {
		h.release(&held)
		if h.join.task.Failed() {
			return
		}
	}
}

// release joins a record as if it was the one in process.
func (h *holder[K, L, R, V]) release(held *statestore.Held[K, L]) {
	o := &held.Origin
	if h.recaller != nil {
		before := h.recaller.Recall(processor.Origin{
			Source: processor.Source{TopicPartition: o.TopicPartition, Offset: o.Offset}, Known: o.Topic != "", Timestamp: o.Timestamp,
		})
		defer h.recaller.Recall(before)
	}
	h.rowJoiner.Process(record.Record[K, L]{Key: held.Key, Value: held.Value, Timestamp: o.Timestamp, Headers: o.Headers})
}
