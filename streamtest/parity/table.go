package parity

import "github.com/leatstream/leat/stream"

func (b *builder) table(op *Op) error {
	store, err := b.optionalStoreOf(op.Store)
	if err != nil {
		return err
	}
	b.tables[op.ID] = stream.TableFrom(b.program, topicOf(op.Topic), store, skipInvalid)
	return nil
}

func (b *builder) filterTable(op *Op) error {
	p, err := predicateOf(op.Fn)
	if err != nil {
		return err
	}
	store, err := b.optionalStoreOf(op.Store)
	if err != nil {
		return err
	}
	if op.Op == "filter-not" {
		b.tables[op.ID] = stream.FilterTableNot(b.tables[op.In], p, store, op.named()...)
	} else {
		b.tables[op.ID] = stream.FilterTable(b.tables[op.In], p, store, op.named()...)
	}
	return nil
}

func (b *builder) mapTable(op *Op) error {
	m, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	store, err := b.optionalStoreOf(op.Store)
	if err != nil {
		return err
	}
	b.tables[op.ID] = stream.MapTableWithKey(b.tables[op.In], m, store, op.named()...)
	return nil
}

func (b *builder) toTable(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	store, err := b.optionalStoreOf(op.Store)
	if err != nil {
		return err
	}
	b.tables[op.ID] = stream.ToTable(in, store, op.regrouping()...)
	return nil
}

// toStream goes through toStream's key mapper, which is a selectKey.
func (b *builder) toStream(op *Op) error {
	if _, ok := b.windowed[op.In]; ok {
		b.windowsToStream(op)
		return nil
	}
	t, err := b.tableFrom(op.In)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.SelectKey(stream.ToStream(t), func(k, _ Text) Text { return k })
	return nil
}

// optionalStoreOf is storeOf for operators that keep no state unless they are asked to.
func (b *builder) optionalStoreOf(st *Store) (*stream.Store[Text, Text], error) {
	if st == nil {
		return nil, nil
	}
	return b.storeOf(st)
}
