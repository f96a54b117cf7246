package parity

import "github.com/leatstream/leat/stream"

func (b *builder) joinForeign(op *Op) error {
	l, err := b.tableFrom(op.In)
	if err != nil {
		return err
	}
	r, err := b.tableFrom(op.Other)
	if err != nil {
		return err
	}
	m, err := mapperOf(op.FK)
	if err != nil {
		return err
	}
	store, err := b.optionalStoreOf(op.Store)
	if err != nil {
		return err
	}
	// A null key is no key, so there is nothing more to say about it.
	foreign := func(k, v Text) (Text, bool) { return m(k, v), true }
	switch op.Type {
	case "inner":
		b.tables[op.ID] = stream.JoinByForeignKey(l, r, foreign, innerSides, store, op.named()...)
	case "left":
		b.tables[op.ID] = stream.LeftJoinByForeignKey(l, r, foreign, leftSides, store, op.named()...)
	default:
		return notYet("foreign-key join", op.Type)
	}
	return nil
}
