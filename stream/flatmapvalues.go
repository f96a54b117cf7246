package stream

import (
	"context"
	"iter"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// FlatMapValues replaces each value by any number of them, in order and under the same key; nil is none. All
// of a record's results are made before the first is passed on. A null value whose type cannot hold null
// stays, without a call of f.
//
//	words := stream.FlatMapValues(lines, strings.FieldsSeq)
func FlatMapValues[K, V, V2 any](s Stream[K, V], f func(value V) iter.Seq[V2], opts ...Option) Stream[K, V2] {
	return flatMapValuesStream(s.b.begin("FlatMapValues", opts, optName), s, plainValue[K](f))
}

// FlatMapValuesWithKey is [FlatMapValues] with a function that also sees the key.
func FlatMapValuesWithKey[K, V, V2 any](s Stream[K, V], f func(key K, value V) iter.Seq[V2], opts ...Option) Stream[K, V2] {
	return flatMapValuesStream(s.b.begin("FlatMapValuesWithKey", opts, optName), s, plain(f))
}

// TryFlatMapValues is [FlatMapValues] with a function that can fail.
func TryFlatMapValues[K, V, V2 any](s Stream[K, V], f func(ctx context.Context, value V) (iter.Seq[V2], error), opts ...Option) Stream[K, V2] {
	return flatMapValuesStream(s.b.begin("TryFlatMapValues", opts, optName), s, tryValue[K](f))
}

// TryFlatMapValuesWithKey is [FlatMapValuesWithKey] with a function that can fail.
func TryFlatMapValuesWithKey[K, V, V2 any](s Stream[K, V], f func(ctx context.Context, key K, value V) (iter.Seq[V2], error), opts ...Option) Stream[K, V2] {
	return flatMapValuesStream(s.b.begin("TryFlatMapValuesWithKey", opts, optName), s, f)
}

func flatMapValuesStream[K, V, V2 any](c *call, s Stream[K, V], f func(context.Context, K, V) (iter.Seq[V2], error)) Stream[K, V2] {
	name := c.name("KSTREAM-FLATMAPVALUES-")
	c.needFunc(name, "mapper", f == nil)
	return chain(c, s, name, &plan.Node{ValueChanging: true}, func(n node, out *processor.Outlet[K, V2]) (processor.Receiver[K, V], error) {
		m := &flatMapValues[K, V, V2]{node: n, f: f, out: out, takesNull: record.NullnessOf[V]().CanBeNull(), null: record.NullnessOf[V2]()}
		m.yield = func(v V2) bool {
			m.made = append(m.made, v)
			return true
		}
		return m, nil
	})
}

type flatMapValues[K, V, V2 any] struct {
	node
	f   func(context.Context, K, V) (iter.Seq[V2], error)
	out *processor.Outlet[K, V2]
	// yield appends to made. It is made once: one of a range loop would be allocated for each record.
	yield     func(V2) bool
	made      []V2
	takesNull bool
	null      record.Nullness[V2]
}

// Process implements processor.Receiver.
func (m *flatMapValues[K, V, V2]) Process(r record.Record[K, V]) {
	if r.Null.Value() && !m.takesNull {
		m.out.Forward(record.Record[K, V2]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, Null: r.Null})
		return
	}
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
		out := record.WithValue(r, m.made[i])
		if m.null.IsNull(&m.made[i]) {
			out.Null |= record.NullValue
		}
		m.out.Forward(out)
	}
	clear(m.made)
	m.made = m.made[:0]
}

func (m *flatMapValues[K, V, V2]) try(k K, v V) (err error) {
	defer topology.Recover(&err)
	seq, err := m.f(m.task.Context(), k, v)
	if err == nil && seq != nil {
		seq(m.yield)
	}
	return err
}
