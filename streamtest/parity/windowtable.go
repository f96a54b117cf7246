package parity

import (
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream"
)

// Tables of windows and sessions take the operations of tables that need no store, whose keys would need another
// serde than the language's strings. Functions see a key as to-stream shows it.

// textOf is a windowed key as a string.
func textOf(k windowedText) Text {
	return record.Some(fmt.Sprintf("%s@%d/%d", show(k.Key), k.Start, k.End))
}

func (op *Op) withoutStore() error {
	if op.Store != nil {
		return notYet("store of windowed keys for", op.Op)
	}
	return nil
}

func (b *builder) filterWindows(op *Op) error {
	p, err := predicateOf(op.Fn)
	if err != nil {
		return err
	}
	if err := op.withoutStore(); err != nil {
		return err
	}
	keep := func(k windowedText, v Text) bool { return p(textOf(k), v) }
	if op.Op == "filter-not" {
		b.windowed[op.ID] = stream.FilterTableNot(b.windowed[op.In], keep, nil, op.named()...)
	} else {
		b.windowed[op.ID] = stream.FilterTable(b.windowed[op.In], keep, nil, op.named()...)
	}
	return nil
}

func (b *builder) mapWindows(op *Op) error {
	m, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	if err := op.withoutStore(); err != nil {
		return err
	}
	opts := append(op.named(), stream.Values[Text](textSerde{}))
	b.windowed[op.ID] = stream.MapTableWithKey(b.windowed[op.In], func(k windowedText, v Text) Text { return m(textOf(k), v) }, nil, opts...)
	return nil
}

func (b *builder) joinWindows(op *Op) error {
	if err := op.withoutStore(); err != nil {
		return err
	}
	return joinTables(op, b.windowed, nil)
}
