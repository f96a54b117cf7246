package parity

import (
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
)

// join is any of the joins: which one depends on what the two sides are.
func (b *builder) join(op *Op) error {
	_, leftTable := b.tables[op.In]
	_, rightTable := b.tables[op.Other]
	_, leftWindows := b.windowed[op.In]
	_, rightWindows := b.windowed[op.Other]
	_, global := b.globals[op.Other]
	switch {
	case op.FK != "":
		return b.joinForeign(op)
	case global:
		return b.joinGlobal(op)
	case leftTable && rightTable:
		store, err := b.optionalStoreOf(op.Store)
		if err != nil {
			return err
		}
		return joinTables(op, b.tables, store)
	case leftWindows && rightWindows:
		return b.joinWindows(op)
	case rightTable:
		return b.joinTable(op)
	}
	return b.joinStreams(op)
}

// sidesOf joins what there is of the two sides; null is "null".
func sidesOf(l, r *Text) Text {
	var left, right Text
	if l != nil {
		left = *l
	}
	if r != nil {
		right = *r
	}
	return record.Some(show(left) + "|" + show(right))
}

func innerSides(l, r Text) Text      { return sidesOf(&l, &r) }
func leftSides(l Text, r *Text) Text { return sidesOf(&l, r) }

func joinTables[K comparable](op *Op, tables map[string]stream.Table[K, Text], store *stream.Store[K, Text]) error {
	l, r := tables[op.In], tables[op.Other]
	switch op.Type {
	case "inner":
		tables[op.ID] = stream.JoinTables(l, r, innerSides, store, op.named()...)
	case "left":
		tables[op.ID] = stream.LeftJoinTables(l, r, leftSides, store, op.named()...)
	case "outer":
		tables[op.ID] = stream.OuterJoinTables(l, r, sidesOf, store, op.named()...)
	default:
		return notYet("join", op.Type)
	}
	return nil
}

func (b *builder) joinTable(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	opts := op.regrouping()
	if op.GraceMs != nil {
		opts = append(opts, stream.GracePeriod(millis(*op.GraceMs)))
	}
	t := b.tables[op.Other]
	switch op.Type {
	case "inner":
		b.streams[op.ID] = stream.JoinTable(in, t, innerSides, opts...)
	case "left":
		b.streams[op.ID] = stream.LeftJoinTable(in, t, leftSides, opts...)
	default:
		return notYet("join", op.Type)
	}
	return nil
}

func (b *builder) globalTable(op *Op) error {
	store, err := b.storeOf(op.Store)
	if err != nil {
		return err
	}
	b.globals[op.ID] = stream.GlobalTableFrom(b.program, topicOf(op.Topic), store, skipInvalid)
	return nil
}

func (b *builder) joinGlobal(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	key, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	switch op.Type {
	case "inner":
		b.streams[op.ID] = stream.JoinGlobal(in, b.globals[op.Other], key, innerSides, op.named()...)
	case "left":
		b.streams[op.ID] = stream.LeftJoinGlobal(in, b.globals[op.Other], key, leftSides, op.named()...)
	default:
		return notYet("join", op.Type)
	}
	return nil
}

func (b *builder) joinStreams(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	other, err := b.from(op.Other)
	if err != nil {
		return err
	}
	if op.BeforeMs == nil || op.AfterMs == nil || op.GraceMs == nil {
		return notYet("join", "of streams without a window")
	}
	w := stream.JoinWindow{Before: millis(*op.BeforeMs), After: millis(*op.AfterMs), Grace: millis(*op.GraceMs)}
	stores := stream.JoinStores{InMemory: true}
	if op.Store != nil {
		stores.Name = op.Store.Name
	}
	opts := append(op.regrouping(), stream.OtherValues[Text](textSerde{}), stream.KeptIn(stores))
	switch op.Type {
	case "inner":
		b.streams[op.ID] = stream.Join(in, other, w, innerSides, opts...)
	case "left":
		b.streams[op.ID] = stream.LeftJoin(in, other, w, leftSides, opts...)
	case "outer":
		b.streams[op.ID] = stream.OuterJoin(in, other, w, sidesOf, opts...)
	default:
		return notYet("join", op.Type)
	}
	return nil
}
