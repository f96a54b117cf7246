package stream

import (
	"math"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// windowNode adds the node that keeps the records of one side.
func windowNode[K comparable, V any](c *call, s Stream[K, V], name string, store *plan.Store) *plan.Node {
	n := &plan.Node{Name: name, Output: recordsOf[K, V](), Write: processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		st, err := topology.StoreOf[statestore.JoinWindow[K, V]](sc, store.Name)
		return &joinKeeper[K, V]{out, st}, err
	}, store)}
	c.b.plan.Add(n, s.node)
	return n
}

// joinKeeper keeps each record for those of the other side, after it has been joined itself.
type joinKeeper[K comparable, V any] struct {
	out   *processor.Outlet[K, V]
	store statestore.JoinWindow[K, V]
}

// Process implements processor.Receiver.
func (k *joinKeeper[K, V]) Process(r record.Record[K, V]) {
	k.out.Forward(r)
	switch {
	case r.Null.Key():
	case r.Null.Value():
		k.store.PutNull(r.Key, r.Timestamp, r.Headers)
	default:
		k.store.Put(r.Key, r.Value, r.Timestamp, r.Headers)
	}
}

// writeSide returns what writes the node that joins the records of one side, This, with those that the other
// side's store has. keep tells that records without a partner appear, left which side it is.
func writeSide[K comparable, This, Other, V any](c *call, name string, w span, f joiner[K, This, Other, V], keep, isLeft bool, other, shared *plan.Store) func(*plan.Writer, []string) {
	return processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		n := &streamJoiner[K, This, Other, V]{join: newJoin(newNode(sc), f), span: w, out: out, keep: keep, left: isLeft}
		n.pair = n.with
		var err error
		if n.other, err = topology.StoreOf[statestore.JoinWindow[K, Other]](sc, other.Name); err != nil || shared == nil {
			return n, err
		}
		if isLeft {
			n.unmatched, err = leftOf[K, This, Other](sc, shared.Name)
		} else {
			n.unmatched, err = rightOf[K, This, Other](sc, shared.Name)
		}
		return n, err
	}, other, shared)
}

// streamJoiner joins the records of one side with those that the other side has kept.
type streamJoiner[K comparable, This, Other, V any] struct {
	join[K, This, Other, V]
	span  span
	other statestore.JoinWindow[K, Other]
	out   *processor.Outlet[K, V]
	keep  bool
	left  bool
	// unmatched is nil in inner joins.
	unmatched *sideOf[K, This, Other]

	// pair is the method with, made once; in is the record that it is called for, and matched tells that it was.
	pair    func(at int64, other Other) bool
	in      record.Record[K, This]
	matched bool
}

// Process implements processor.Receiver.
func (j *streamJoiner[K, This, Other, V]) Process(r record.Record[K, This]) {
	u := j.unmatched
	if u != nil {
		*u.streamTime = max(*u.streamTime, r.Timestamp)
	}
	if j.keep && r.Null.Key() && !r.Null.Value() {
		j.forward(r, r.Key, both[This, Other]{left: r.Value, noRight: true}, r.Timestamp)
		return
	}
	if dropNull(j.node, r.Null) {
		return
	}
	if u != nil && r.Timestamp == *u.streamTime { // late records show nothing new
		j.emitUnmatched(r)
	}
	from, to := j.span.around(r.Timestamp)
	j.in, j.matched = r, false
	j.other.Fetch(r.Key, from, to)(j.pair)
	if !j.keep || j.matched {
		return
	}
	if u == nil || to < *u.streamTime {
		j.forward(r, r.Key, both[This, Other]{left: r.Value, noRight: true}, r.Timestamp)
		return
	}
	*u.minTime = min(*u.minTime, r.Timestamp)
	u.wait(r.Key, r.Value, r.Timestamp)
}

// with joins the record in process with one of the other side.
func (j *streamJoiner[K, This, Other, V]) with(at int64, other Other) bool {
	j.matched = true
	if j.unmatched != nil {
		j.unmatched.matched(j.in.Key, at, j.in.Timestamp)
	}
	j.forward(j.in, j.in.Key, both[This, Other]{left: j.in.Value, right: other}, max(j.in.Timestamp, at))
	return true
}

// emitUnmatched forwards the records of both sides whose window and grace are over, with their own timestamps.
// The headers are those of the record that shows it.
func (j *streamJoiner[K, This, Other, V]) emitUnmatched(r record.Record[K, This]) {
	u := j.unmatched
	// The first check is by this side's window, as in Kafka Streams, whatever the sides of the records.
	// If none is known to wait, the sum overflows and the store is looked into all the same.
	if *u.minTime+j.span.after+j.span.grace >= *u.streamTime {
		return
	}
	now := j.task.WallClock()
	if now < *u.nextTime {
		return
	}
	*u.nextTime = now + j.task.EmitInterval()
	*u.minTime = math.MaxInt64
	var open [2]bool
	var last waiting[K]
	any := false
	for k, v := range u.all() {
		*u.minTime = k.time
		if open[0] && open[1] {
			break
		}
		after := j.span.after
		if k.left != j.left {
			after = j.span.before
		}
		if k.time+after+j.span.grace >= *u.streamTime {
			open[flag(k.left)] = true
			continue
		}
		j.forward(r, k.key, v, k.time)
		// A key is removed once all of its values are out.
		if any && last != k {
			u.remove(last, r.Timestamp)
		}
		last, any = k, true
	}
	if any {
		u.remove(last, r.Timestamp)
	}
}

func (j *streamJoiner[K, This, Other, V]) forward(r record.Record[K, This], key K, b both[This, Other], timestamp int64) {
	v, null, ok := j.of(key, b)
	if !ok {
		return
	}
	out := record.Record[K, V]{Key: key, Value: v, Timestamp: timestamp, Headers: r.Headers}
	if null {
		out.Null = record.NullValue
	}
	if r.Null.Key() {
		out.Null |= record.NullKey
	}
	j.out.Forward(out)
}
