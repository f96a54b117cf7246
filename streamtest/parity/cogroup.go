package parity

import "github.com/leatstream/leat/stream"

func (b *builder) cogroup(op *Op) error {
	agg, err := aggregateOf(op.Agg)
	if err != nil {
		return err
	}
	c, err := b.cogroupedFrom(op)
	if err != nil {
		return err
	}
	initial := func() Text { return agg.initial }
	if op.Window == nil {
		store, err := b.storeOf(op.Store)
		if err != nil {
			return err
		}
		b.tables[op.ID] = stream.AggregateCogroup(c, initial, store, op.named()...)
		return nil
	}
	store, err := windowStoreOf(b, op, textSerde{}, func(v Text) *string { return &v.Value })
	if err != nil {
		return err
	}
	if op.inSessions() {
		if agg.merge == nil {
			return notYet("merger of aggregate", op.Agg)
		}
		merge := func(_, x, y Text) Text { return agg.merge(x, y) }
		b.windowed[op.ID] = stream.AggregateCogroupSessions(c, op.Window.sessions(), initial, merge, store, op.named()...)
		return nil
	}
	w, err := op.Window.windows()
	if err != nil {
		return err
	}
	b.windowed[op.ID] = stream.AggregateCogroupWindows(c, w, initial, store, op.named()...)
	return nil
}

func (b *builder) cogroupedFrom(op *Op) (c stream.Cogrouped[Text, Text], err error) {
	for i, p := range op.Parts {
		g, err := b.groupedFrom(p.In)
		if err != nil {
			return c, err
		}
		agg, err := aggregateOf(p.Agg)
		if err != nil {
			return c, err
		}
		add := func(_, v, acc Text) Text { return agg.add(v, acc) }
		if i == 0 {
			c = stream.Cogroup(g, add)
		} else {
			c = stream.AndCogroup(c, g, add)
		}
	}
	return c, nil
}
