package parity

import "github.com/leatstream/leat/stream"

func (b *builder) process(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	handle, err := b.plainOf(op.Store)
	if err != nil {
		return err
	}
	supplier, err := supplierOf(op.Fn, func(ctx *textContext) (textStore, error) { return handle.KeyValue(ctx) })
	if err != nil {
		return err
	}
	var opts []stream.Option
	if op.Store != nil {
		opts = append(opts, stream.Uses(handle))
	}
	b.streams[op.ID] = stream.Process(in, supplier, opts...)
	return nil
}
