package stream

import (
	"context"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// JoinByForeignKey is the table of the left rows whose foreign key is the key of a right row, with what join
// makes of the two values. foreign returns a left row's foreign key; false says that it has none. An update of
// a right row updates the result for every left row that refers to it.
//
// The two tables need not have equal numbers of partitions: a left row subscribes to its right row through one
// internal topic and is answered through another. Answers that a later update of the left row has made stale
// are dropped and counted. Deletions can come out of keys that were never in the result, and a right value
// whose serde writes no bytes counts as none.
//
// Both tables are kept. With a nil store the result is not, unless something below needs it. foreign and join
// must answer alike for equal arguments. Options: [Named], [ForeignPartitionBy], [AnswerPartitionBy].
//
// Source: KIP-213, KIP-1104.
func JoinByForeignKey[K comparable, L any, KR comparable, R, V any](l Table[K, L], r Table[KR, R], foreign func(key K, value L) (KR, bool), join func(left L, right R) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return joinForeign(l.b.begin("JoinByForeignKey", opts, foreignOptions...), l, r, plainForeign(foreign), inner[K](join), false, store)
}

// LeftJoinByForeignKey is the table of all left rows; right is nil for those without a foreign key, or whose
// foreign key is not the key of a right row. See [JoinByForeignKey].
func LeftJoinByForeignKey[K comparable, L any, KR comparable, R, V any](l Table[K, L], r Table[KR, R], foreign func(key K, value L) (KR, bool), join func(left L, right *R) V, store *Store[K, V], opts ...Option) Table[K, V] {
	return joinForeign(l.b.begin("LeftJoinByForeignKey", opts, foreignOptions...), l, r, plainForeign(foreign), left[K](join), true, store)
}

// TryJoinByForeignKey is [JoinByForeignKey] with functions that can fail.
func TryJoinByForeignKey[K comparable, L any, KR comparable, R, V any](l Table[K, L], r Table[KR, R], foreign func(ctx context.Context, key K, value L) (KR, bool, error), join func(ctx context.Context, key K, left L, right R) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return joinForeign(l.b.begin("TryJoinByForeignKey", opts, foreignOptions...), l, r, tryForeign(foreign), tryInner(join), false, store)
}

// TryLeftJoinByForeignKey is [LeftJoinByForeignKey] with functions that can fail.
func TryLeftJoinByForeignKey[K comparable, L any, KR comparable, R, V any](l Table[K, L], r Table[KR, R], foreign func(ctx context.Context, key K, value L) (KR, bool, error), join func(ctx context.Context, key K, left L, right *R) (V, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return joinForeign(l.b.begin("TryLeftJoinByForeignKey", opts, foreignOptions...), l, r, tryForeign(foreign), tryLeft(join), true, store)
}

const (
	optForeignPartition optionKind = "ForeignPartitionBy"
	optAnswerPartition  optionKind = "AnswerPartitionBy"
)

var foreignOptions = []optionKind{optName, optForeignPartition, optAnswerPartition}

// ForeignPartitionBy chooses the partition that the subscriptions of a foreign-key join go to, of partitions in
// all. It must be the one that the right table's topic has the key in. Without it that is the key's hash.
func ForeignPartitionBy[K any](f func(key K, partitions int32) int32) Option {
	return Option{optForeignPartition, func(o *options) error { o.foreignPartition = f; return nil }}
}

// AnswerPartitionBy chooses the partition that the answers of a foreign-key join go to, of partitions in all. It
// must be the one that the left table's topic has the key in. Without it an answer goes back to the partition
// that its subscription came from.
func AnswerPartitionBy[K any](f func(key K, partitions int32) int32) Option {
	return Option{optAnswerPartition, func(o *options) error { o.answerPartition = f; return nil }}
}

func plainForeign[K, L, KR any](f func(K, L) (KR, bool)) func(context.Context, K, L) (record.Optional[KR], error) {
	if f == nil {
		return nil
	}
	null := record.NullnessOf[KR]()
	return func(_ context.Context, k K, l L) (record.Optional[KR], error) {
		fk, ok := f(k, l)
		return record.Optional[KR]{Value: fk, Valid: ok && !null.IsNull(&fk)}, nil
	}
}

func tryForeign[K, L, KR any](f func(context.Context, K, L) (KR, bool, error)) func(context.Context, K, L) (record.Optional[KR], error) {
	if f == nil {
		return nil
	}
	null := record.NullnessOf[KR]()
	return func(ctx context.Context, k K, l L) (record.Optional[KR], error) {
		fk, ok, err := f(ctx, k, l)
		return record.Optional[KR]{Value: fk, Valid: ok && !null.IsNull(&fk)}, err
	}
}

// foreignJoin is the description of a foreign-key join while its nodes are made.
type foreignJoin[K comparable, L any, KR comparable, R, V any] struct {
	c        *call
	l        Table[K, L]
	r        Table[KR, R]
	foreign  func(context.Context, K, L) (record.Optional[KR], error)
	joiner   joiner[K, L, R, V]
	leftJoin bool

	// The names use up numbers in this order.
	subscriptionTopic, send, subscriptionSink, subscriptionSource string
	store, receive, lookup, foreignUpdate                         string
	answerTopic, answerSink, answerSource, resolve, result        string
}

func joinForeign[K comparable, L any, KR comparable, R, V any](c *call, l Table[K, L], r Table[KR, R], foreign func(context.Context, K, L) (record.Optional[KR], error), f joiner[K, L, R, V], leftJoin bool, store *Store[K, V]) Table[K, V] {
	r.sendOldValues(true)
	l.sendOldValues(true)
	const kind = "KTABLE-FK-JOIN-"
	j := &foreignJoin[K, L, KR, R, V]{
		c: c, l: l, r: r, foreign: foreign, joiner: f, leftJoin: leftJoin,
		subscriptionTopic:  c.suffixed("-subscription-registration", kind+"SUBSCRIPTION-REGISTRATION-") + "-topic",
		send:               c.suffixed("-subscription-registration-processor", kind+"SUBSCRIPTION-REGISTRATION-"),
		subscriptionSink:   c.suffixed("-subscription-registration-sink", "KTABLE-SINK-"),
		subscriptionSource: c.suffixed("-subscription-registration-source", "KTABLE-SOURCE-"),
		store:              c.suffixed("-subscription-store", kind+"SUBSCRIPTION-STATE-STORE-"),
		receive:            c.suffixed("-subscription-receive", kind+"SUBSCRIPTION-PROCESSOR-"),
		lookup:             c.suffixed("-subscription-join-foreign", kind+"SUBSCRIPTION-PROCESSOR-"),
		foreignUpdate:      c.suffixed("-foreign-join-subscription", kind+"SUBSCRIPTION-PROCESSOR-"),
		answerTopic:        c.suffixed("-subscription-response", kind+"SUBSCRIPTION-RESPONSE-") + "-topic",
		answerSink:         c.suffixed("-subscription-response-sink", "KTABLE-SINK-"),
		answerSource:       c.suffixed("-subscription-response-source", "KTABLE-SOURCE-"),
		resolve:            c.suffixed("-subscription-response-resolver", kind+"SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-"),
		result:             c.suffixed("-result", kind+"OUTPUT-"),
	}
	m := materialize(store)
	m.named(c, kind+"OUTPUT-")
	m.serdes(l.keys, ofSides[V](l.values, r.values))
	j.check()
	u := &sourceUpkeep[K, V]{c: c, name: j.result, m: m, needed: m.queryable}
	result := &plan.Node{Name: j.result, Output: changesOf[K, V](), Versioned: m.versioned(), Write: func(w *plan.Writer, parents []string) {
		processorNode(c, j.result, u.make, u.store())(w, parents)
	}}
	c.b.plan.Add(result, j.add())
	return Table[K, V]{&table[K, V]{
		b: c.b, name: j.result, node: result, keys: m.store.keys, values: m.store.values,
		sources: unite(l.sources, []string{j.answerSource}), upkeep: u,
	}}
}

func (j *foreignJoin[K, L, KR, R, V]) check() {
	c := j.c
	c.sameBuilder(j.result, j.r.b)
	c.needFunc(j.result, "function that returns the foreign key", j.foreign == nil)
	c.needFunc(j.result, "function", j.joiner == nil)
	needKey[K](c, j.result)
	needKey[KR](c, j.result)
	if j.l.keys == nil || j.l.values == nil {
		c.fail("node %q joins by a foreign key, but the left table has no serde for %s; give the operator that makes the table the store or option with it", j.result, missing(j.l.keys == nil, j.l.values == nil, typeOf[K](), typeOf[L]()))
	}
	if j.r.keys == nil || j.r.values == nil {
		c.fail("node %q joins by a foreign key, but the right table has no serde for %s; give the operator that makes the table the store or option with it", j.result, missing(j.r.keys == nil, j.r.values == nil, typeOf[KR](), typeOf[R]()))
	}
}

// add adds the nodes to the plan in the order that decides the order of the topology, and returns the last.
func (j *foreignJoin[K, L, KR, R, V]) add() *plan.Node {
	c := j.c
	p := c.b.plan
	subscriptionSerde := subscriptions[K]{j.l.keys}
	answerSerde := answers[R]{j.r.values}
	subscriberSerde := subscribers[KR, K]{j.r.keys, j.l.keys}

	sendDropsLate := new(bool)
	send := &plan.Node{Name: j.send, Write: processorNode(c, j.send, j.newSend(sendDropsLate)), OnVersioned: func(string) { *sendDropsLate = true }}
	p.Add(send, j.l.node)
	sink := &plan.Node{Name: j.subscriptionSink, Write: internalSink(c, j.subscriptionSink, j.subscriptionTopic, topology.SinkConfig[KR, subscription[K]]{
		Key: j.r.keys, Value: subscriptionSerde, Partition: j.foreignPartition(),
	})}
	p.Add(sink, send)
	source := &plan.Node{Name: j.subscriptionSource, Write: internalSource(c, j.subscriptionSource, j.subscriptionTopic, topology.SourceConfig[KR, subscription[K]]{Key: j.r.keys, Value: subscriptionSerde})}
	p.Add(source, sink)
	p.Copartition(c.at, unite(j.r.sources, []string{j.subscriptionSource})...)

	st := (&Store[subscriber[KR, K], subscription[K]]{name: j.store, keys: subscriberSerde, values: subscriptionSerde, uncached: true}).plan(c, j.receive, true)
	receive := &plan.Node{Name: j.receive, Write: processorNode(c, j.receive, j.newReceive, st)}
	p.Add(receive, source)
	right := j.r.upkeep.view()
	lookup := &plan.Node{Name: j.lookup, Write: func(w *plan.Writer, parents []string) {
		processorNode(c, j.lookup, j.newLookup(right))(w, parents)
		connect(w, j.lookup, right.stores)
	}}
	p.Add(lookup, receive)
	updateDropsLate := new(bool)
	update := &plan.Node{Name: j.foreignUpdate, Write: processorNode(c, j.foreignUpdate, j.newForeignUpdate(subscriberSerde, updateDropsLate), st), OnVersioned: func(string) { *updateDropsLate = true }}
	p.Add(update, j.r.node)

	answerSink := &plan.Node{Name: j.answerSink, Write: internalSink(c, j.answerSink, j.answerTopic, topology.SinkConfig[K, answer[R]]{
		Key: j.l.keys, Value: answerSerde, Partition: j.answerPartition(),
	})}
	p.Add(answerSink, lookup)
	p.Add(answerSink, update)
	answerSource := &plan.Node{Name: j.answerSource, Write: internalSource(c, j.answerSource, j.answerTopic, topology.SourceConfig[K, answer[R]]{Key: j.l.keys, Value: answerSerde})}
	p.Add(answerSource, answerSink)
	p.Copartition(c.at, unite(j.l.sources, []string{j.answerSource})...)

	left := j.l.upkeep.view()
	resolve := &plan.Node{Name: j.resolve, Write: func(w *plan.Writer, parents []string) {
		processorNode(c, j.resolve, j.newResolve(left))(w, parents)
		connect(w, j.resolve, left.stores)
	}}
	p.Add(resolve, answerSource)
	return resolve
}

func (j *foreignJoin[K, L, KR, R, V]) foreignPartition() func(KR, subscription[K], int32) int32 {
	f := typed[func(KR, int32) int32](j.c, j.result, optForeignPartition, j.c.options.foreignPartition)
	if f == nil {
		return nil
	}
	return func(key KR, s subscription[K], partitions int32) int32 {
		if s.noForeign {
			return -1 // there is no key to choose by
		}
		return f(key, partitions)
	}
}

func (j *foreignJoin[K, L, KR, R, V]) answerPartition() func(K, answer[R], int32) int32 {
	f := typed[func(K, int32) int32](j.c, j.result, optAnswerPartition, j.c.options.answerPartition)
	if f == nil {
		return func(_ K, a answer[R], _ int32) int32 { return a.partition }
	}
	return func(key K, _ answer[R], partitions int32) int32 { return f(key, partitions) }
}

// internalSink returns what adds an internal topic and the sink that writes it.
func internalSink[K, V any](c *call, name, topic string, config topology.SinkConfig[K, V]) func(*plan.Writer, []string) {
	return func(w *plan.Writer, parents []string) {
		t := topology.Topic{Name: topic, Internal: true}
		w.AddRepartition(topology.Repartition{Topic: t, Caller: c.at})
		w.AddSink(topology.Node{Name: name, Topics: []topology.Topic{t}, New: topology.NewSink(config), Caller: c.at}, parents...)
	}
}

// internalSource returns what adds the source of an internal topic.
func internalSource[K, V any](c *call, name, topic string, config topology.SourceConfig[K, V]) func(*plan.Writer, []string) {
	return func(w *plan.Writer, _ []string) {
		w.AddSource(topology.Node{Name: name, Topics: []topology.Topic{{Name: topic, Internal: true}}, New: topology.NewSource(config), Caller: c.at})
	}
}

func (j *foreignJoin[K, L, KR, R, V]) newSend(dropsLate *bool) func(*topology.Scope, *processor.Outlet[KR, subscription[K]]) (any, error) {
	return func(sc *topology.Scope, out *processor.Outlet[KR, subscription[K]]) (any, error) {
		n := newNode(sc)
		topic := sc.Task.Application() + "-" + j.subscriptionTopic
		return &sendSubscriptions[K, L, KR]{
			node: n, out: out, foreign: function[K, L, record.Optional[KR]]{n, j.foreign},
			hash: newHasher(n, j.l.values, topic), same: sameForeign[KR]{node: n, keys: serde.For(j.r.keys, topic+"-fk", true)},
			leftJoin: j.leftJoin, dropsLate: *dropsLate,
		}, nil
	}
}

func (j *foreignJoin[K, L, KR, R, V]) newReceive(sc *topology.Scope, out *processor.Outlet[KR, subscription[K]]) (any, error) {
	st, err := topology.StoreOf[statestore.Timestamped[subscriber[KR, K], subscription[K]]](sc, j.store)
	return &receiveSubscriptions[K, KR]{node: newNode(sc), store: st, out: out}, err
}

func (j *foreignJoin[K, L, KR, R, V]) newLookup(right view[KR, R]) func(*topology.Scope, *processor.Outlet[K, answer[R]]) (any, error) {
	return func(sc *topology.Scope, out *processor.Outlet[K, answer[R]]) (any, error) {
		g, err := right.openSent(sc)
		return &answerSubscriptions[K, KR, R]{right: g, out: out}, err
	}
}

func (j *foreignJoin[K, L, KR, R, V]) newForeignUpdate(keys subscribers[KR, K], dropsLate *bool) func(*topology.Scope, *processor.Outlet[K, answer[R]]) (any, error) {
	return func(sc *topology.Scope, out *processor.Outlet[K, answer[R]]) (any, error) {
		st, err := topology.StoreOf[statestore.Timestamped[subscriber[KR, K], subscription[K]]](sc, j.store)
		return &tellSubscribers[K, KR, R]{node: newNode(sc), store: st, keys: keys, out: out, dropsLate: *dropsLate}, err
	}
}

func (j *foreignJoin[K, L, KR, R, V]) newResolve(left view[K, L]) func(*topology.Scope, *processor.Outlet[K, V]) (any, error) {
	return func(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
		n := newNode(sc)
		g, err := left.openSent(sc)
		return &resolveAnswers[K, L, R, V]{
			node: n, left: g, hash: newHasher(n, j.l.values, sc.Task.Application()+"-"+j.subscriptionTopic),
			join: newJoin(n, j.joiner), leftJoin: j.leftJoin, out: out,
		}, err
	}
}
