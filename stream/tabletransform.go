package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

// TableTransformer makes the function that computes the values of a transformed table. It is called for each task
// by the table's node and, if the table is not kept, by each node that looks rows up in it, so that no two nodes
// share what it makes. ctx gives stores ([Uses]), the time and metadata of the record in process, and schedules
// punctuators; forwarding with it ends the task.
//
// The function gets no value for a deletion, and for a row that is looked up and not there; no value as a result
// deletes. In a row that is looked up, ctx tells its time, and no topic or offset.
type TableTransformer[K comparable, V, V2 any] func(ctx *processor.Context[K, V2]) (func(key K, value record.Optional[V]) (record.Optional[V2], error), error)

// TransformTable is the table of the values that a function with stores of its own makes of the values of another,
// deletions included. With a nil store it is not kept; what it holds is then computed from the table before
// whenever it is asked for, so a function that counts its calls, or depends on them, wants a store with a name.
// Options: [Named], [Uses], and the serde of the new values, [Values], for what is done with the table.
//
// Source: KIP-292; org.apache.kafka.streams.kstream.KTable.transformValues.
func TransformTable[K comparable, V, V2 any](t Table[K, V], transformer TableTransformer[K, V, V2], store *Store[K, V2], opts ...Option) Table[K, V2] {
	c := t.b.begin("TransformTable", opts, optName, optUses, optValues)
	values := firstSerde(typed[serde.Serde[V2]](c, t.name, optValues, c.options.values), inherit[V2](t.values))
	d := derivation[K, V, V2]{prefix: "KTABLE-TRANSFORMVALUES-", values: values, takesNull: true}
	if transformer != nil {
		d.open = func(sc *topology.Scope) (derivedMapper[K, V, V2], error) { return openTransformer(sc, transformer) }
	}
	for _, st := range c.options.uses {
		d.uses = append(d.uses, st.Name())
	}
	out := derive(c, t, d, store)
	for _, st := range c.options.uses {
		if p := st.unmade(c, out.name); p != nil {
			c.b.plan.Use(out.name, p, c.at)
		}
	}
	return out
}

func openTransformer[K comparable, V, V2 any](sc *topology.Scope, transformer TableTransformer[K, V, V2]) (f derivedMapper[K, V, V2], err error) {
	n := newNode(sc)
	out := new(processor.Outlet[K, V2])
	out.Add("", noForward[K, V2]{n})
	ctx := processor.NewContext(sc.Task, n.name, out)
	transform, err := callTransformer(ctx, transformer)
	if err != nil {
		return nil, fmt.Errorf("make the transformer of node %q: %w", n.name, err)
	}
	return func(_ context.Context, k K, v record.Optional[V]) (record.Optional[V2], error) {
		v2, err := transform(k, v)
		if forward := ctx.TakeError(); err == nil {
			err = forward
		}
		return v2, err
	}, nil
}

func callTransformer[K comparable, V, V2 any](ctx *processor.Context[K, V2], transformer TableTransformer[K, V, V2]) (f func(K, record.Optional[V]) (record.Optional[V2], error), err error) {
	defer topology.Recover(&err)
	if f, err = transformer(ctx); err == nil && f == nil {
		err = errors.New("it returned no function")
	}
	return f, err
}

// noForward ends the task: a table has one update for each of the table before.
type noForward[K, V any] struct{ node }

// Process implements processor.Receiver.
func (n noForward[K, V]) Process(record.Record[K, V]) {
	n.task.Fail(n.name, errors.New("forward from the transformer of a table; return the value, or use ToStream and Process"))
}
