package parity

import (
	"strconv"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
)

func (b *builder) groupByKey(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	b.grouped[op.ID] = stream.GroupByKey(in, op.regrouping()...)
	return nil
}

func (b *builder) groupBy(op *Op) error {
	if t, ok := b.tables[op.In]; ok {
		return groupTable(b, op, t, func(k Text) Text { return k })
	}
	if t, ok := b.windowed[op.In]; ok {
		return groupTable(b, op, t, textOf)
	}
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	m, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	b.grouped[op.ID] = stream.GroupBy(in, m, op.regrouping()...)
	return nil
}

func groupTable[K comparable](b *builder, op *Op, t stream.Table[K, Text], text func(K) Text) error {
	key, err := mapperOf(op.Key)
	if err != nil {
		return err
	}
	value, err := mapperOf(op.Value)
	if err != nil {
		return err
	}
	b.regrouped[op.ID] = stream.GroupTable(t, func(k K, v Text) (Text, Text) { return key(text(k), v), value(text(k), v) }, op.regrouping()...)
	return nil
}

func (b *builder) aggregate(op *Op) error {
	if op.Window != nil {
		return b.aggregateWindows(op)
	}
	agg, err := aggregateOf(op.Agg)
	if err != nil {
		return err
	}
	store, err := b.storeOf(op.Store)
	if err != nil {
		return err
	}
	initial := func() Text { return agg.initial }
	add := func(_, v, acc Text) Text { return agg.add(v, acc) }
	if g, ok := b.regrouped[op.In]; ok {
		if agg.subtract == nil {
			return notYet("subtractor of aggregate", op.Agg)
		}
		subtract := func(_, v, acc Text) Text { return agg.subtract(v, acc) }
		b.tables[op.ID] = stream.AggregateTable(g, initial, add, subtract, store, op.named()...)
		return nil
	}
	g, err := b.groupedFrom(op.In)
	if err != nil {
		return err
	}
	b.tables[op.ID] = stream.Aggregate(g, initial, add, store, op.named()...)
	return nil
}

func (b *builder) reduce(op *Op) error {
	if op.Window != nil {
		return b.reduceWindows(op)
	}
	add, err := reducerOf(op.Fn)
	if err != nil {
		return err
	}
	store, err := b.storeOf(op.Store)
	if err != nil {
		return err
	}
	if g, ok := b.regrouped[op.In]; ok {
		subtract, err := reducerOf(op.Remove)
		if err != nil {
			return err
		}
		b.tables[op.ID] = stream.ReduceTable(g, add, subtract, store, op.named()...)
		return nil
	}
	g, err := b.groupedFrom(op.In)
	if err != nil {
		return err
	}
	b.tables[op.ID] = stream.Reduce(g, add, store, op.named()...)
	return nil
}

// count is the built-in count, then a table of its decimal strings.
func (b *builder) count(op *Op) error {
	if op.Window != nil {
		return b.countWindows(op)
	}
	store, err := b.countsOf(op.Store)
	if err != nil {
		return err
	}
	var counts stream.Table[Text, int64]
	if g, ok := b.regrouped[op.In]; ok {
		counts = stream.CountTable(g, store, op.named()...)
	} else {
		g, err := b.groupedFrom(op.In)
		if err != nil {
			return err
		}
		counts = stream.Count(g, store, op.named()...)
	}
	b.tables[op.ID] = stream.MapTable(counts, func(n int64) Text { return record.Some(strconv.FormatInt(n, 10)) }, nil, stream.Values[Text](textSerde{}))
	return nil
}
