package parity

import (
	"iter"

	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// skipInvalid drops records with a negative timestamp, as the recorded Kafka Streams does.
var skipInvalid = stream.InvalidTimestamp(topology.SkipInvalidTimestamp)

func (b *builder) stream(op *Op) error {
	b.streams[op.ID] = stream.FromTopics(b.program, topicsOf(op.Topic), skipInvalid)
	return nil
}

func (b *builder) filter(op *Op) error {
	if _, ok := b.tables[op.In]; ok {
		return b.filterTable(op)
	}
	if _, ok := b.windowed[op.In]; ok {
		return b.filterWindows(op)
	}
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	p, err := predicateOf(op.Fn)
	if err != nil {
		return err
	}
	if op.Op == "filter-not" {
		b.streams[op.ID] = stream.FilterNot(in, p, op.named()...)
	} else {
		b.streams[op.ID] = stream.Filter(in, p, op.named()...)
	}
	return nil
}

func (b *builder) mapValues(op *Op) error {
	if _, ok := b.tables[op.In]; ok {
		return b.mapTable(op)
	}
	if _, ok := b.windowed[op.In]; ok {
		return b.mapWindows(op)
	}
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	m, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.MapValuesWithKey(in, m, op.named()...)
	return nil
}

func (b *builder) mapRecords(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	key, err := mapperOf(op.Key)
	if err != nil {
		return err
	}
	value, err := mapperOf(op.Value)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.Map(in, func(k, v Text) (Text, Text) { return key(k, v), value(k, v) })
	return nil
}

func (b *builder) selectKey(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	m, err := mapperOf(op.Fn)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.SelectKey(in, m)
	return nil
}

func (b *builder) flatMapValues(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	split, err := splitterOf(op.Fn)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.FlatMapValues(in, func(v Text) iter.Seq[Text] {
		return func(yield func(Text) bool) {
			for _, part := range split(v) {
				if !yield(part) {
					return
				}
			}
		}
	})
	return nil
}

func (b *builder) flatMap(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	split, err := splitterOf(op.Fn)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.FlatMap(in, func(k, v Text) iter.Seq2[Text, Text] {
		return func(yield func(Text, Text) bool) {
			for _, part := range split(v) {
				if !yield(part, k) {
					return
				}
			}
		}
	})
	return nil
}

func (b *builder) merge(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	other, err := b.from(op.Other)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.Merge(in, other)
	return nil
}

func (b *builder) branch(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	split := stream.Split(in)
	for _, br := range op.Branches {
		p, err := predicateOf(br.Fn)
		if err != nil {
			return err
		}
		b.streams[br.ID] = split.Branch(p)
	}
	if op.Default != "" {
		b.streams[op.Default] = split.Default()
	}
	return nil
}

func (b *builder) repartition(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	b.streams[op.ID] = stream.Repartition(in, op.regrouping()...)
	return nil
}

func (b *builder) to(op *Op) error {
	in, err := b.from(op.In)
	if err != nil {
		return err
	}
	stream.To(in, topicOf(op.Topic))
	return nil
}
