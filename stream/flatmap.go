package stream

import (
	"context"
	"iter"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// FlatMap replaces each record by any number of them, in order; nil is none. All of a record's results are
// made before the first is passed on, so that a try that fails half-way leaves nothing behind. Grouping or
// joining what it returns goes through a repartition topic.
func FlatMap[K, V, K2, V2 any](s Stream[K, V], f func(key K, value V) iter.Seq2[K2, V2], opts ...Option) Stream[K2, V2] {
	return flatMapStream(s.b.begin("FlatMap", opts, optName), s, plain(f))
}

// TryFlatMap is [FlatMap] with a function that can fail.
func TryFlatMap[K, V, K2, V2 any](s Stream[K, V], f func(ctx context.Context, key K, value V) (iter.Seq2[K2, V2], error), opts ...Option) Stream[K2, V2] {
	return flatMapStream(s.b.begin("TryFlatMap", opts, optName), s, f)
}

func flatMapStream[K, V, K2, V2 any](c *call, s Stream[K, V], f func(context.Context, K, V) (iter.Seq2[K2, V2], error)) Stream[K2, V2] {
	name := c.name("KSTREAM-FLATMAP-")
	c.needFunc(name, "mapper", f == nil)
	return chain(c, s, name, &plan.Node{KeyChanging: true}, func(n node, out *processor.Outlet[K2, V2]) (processor.Receiver[K, V], error) {
		m := &flatMap[K, V, K2, V2]{node: n, f: f, out: out, nullKey: record.NullnessOf[K2](), nullValue: record.NullnessOf[V2]()}
		m.yield = func(k K2, v V2) bool {
			m.made = append(m.made, pair[K2, V2]{k, v})
			return true
		}
		return m, nil
	})
}

type flatMap[K, V, K2, V2 any] struct {
	node
	f   func(context.Context, K, V) (iter.Seq2[K2, V2], error)
	out *processor.Outlet[K2, V2]
	// yield appends to made. It is made once: one of a range loop would be allocated for each record.
	yield     func(K2, V2) bool
	made      []pair[K2, V2]
	nullKey   record.Nullness[K2]
	nullValue record.Nullness[V2]
}

// Process implements processor.Receiver.
func (m *flatMap[K, V, K2, V2]) Process(r record.Record[K, V]) {
	for tries := 1; ; tries++ {
		err := m.try(r.Key, r.Value)
		if err == nil {
			break
		}
		clear(m.made)
		m.made = m.made[:0]
		if !m.task.Refuse(m.name, err, tries) {
			return
		}
	}
	for i := range m.made {
		p := &m.made[i]
		m.out.Forward(record.Record[K2, V2]{
			Key: p.key, Value: p.value, Timestamp: r.Timestamp, Headers: r.Headers, Null: nulls(p, m.nullKey, m.nullValue),
		})
	}
	clear(m.made)
	m.made = m.made[:0]
}

func (m *flatMap[K, V, K2, V2]) try(k K, v V) (err error) {
	defer topology.Recover(&err)
	seq, err := m.f(m.task.Context(), k, v)
	if err == nil && seq != nil {
		seq(m.yield)
	}
	return err
}
