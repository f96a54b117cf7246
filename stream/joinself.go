package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// selfJoin returns what writes the node that joins a stream with itself over one store.
func selfJoin[K comparable, L, V any](c *call, name string, w span, f joiner[K, L, L, V], store *plan.Store) func(*plan.Writer, []string) {
	return processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		st, err := topology.StoreOf[statestore.JoinWindow[K, L]](sc, store.Name)
		return &selfJoiner[K, L, V]{join: newJoin(newNode(sc), f), span: w, store: st, out: out, streamTime: -1}, err
	}, store)
}

// selfJoiner joins each record, as both left and right, with those before it and with itself, in the order that
// an inner join of two streams has.
//
// Source: KIP-862.
type selfJoiner[K comparable, L, V any] struct {
	join       join[K, L, L, V]
	span       span
	store      statestore.JoinWindow[K, L]
	out        *processor.Outlet[K, V]
	streamTime int64
}

// Process implements processor.Receiver.
func (j *selfJoiner[K, L, V]) Process(r record.Record[K, L]) {
	if dropNull(j.join.node, r.Null) {
		return
	}
	j.streamTime = max(j.streamTime, r.Timestamp)
	// One that comes too late to be kept does not meet itself.
	self := r.Timestamp > j.streamTime-j.span.retention()+1
	from, to := j.span.around(r.Timestamp)
	for at, other := range j.store.Fetch(r.Key, from, to) {
		j.forward(r, both[L, L]{left: r.Value, right: other}, at)
	}
	from, to = j.span.reversed().around(r.Timestamp)
	for at, other := range j.store.Fetch(r.Key, from, to) {
		if self && at > r.Timestamp {
			self = false
			j.forward(r, both[L, L]{left: r.Value, right: r.Value}, r.Timestamp)
		}
		j.forward(r, both[L, L]{left: other, right: r.Value}, at)
	}
	if self {
		j.forward(r, both[L, L]{left: r.Value, right: r.Value}, r.Timestamp)
	}
}

func (j *selfJoiner[K, L, V]) forward(r record.Record[K, L], b both[L, L], at int64) {
	if v, null, ok := j.join.of(r.Key, b); ok {
		j.out.Forward(joined(r, v, null, max(r.Timestamp, at)))
	}
}
