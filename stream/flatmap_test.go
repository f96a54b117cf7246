package stream_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func TestFlatMapValues(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.FlatMapValues(s, strings.FieldsSeq), out)
		stream.To(stream.FlatMapValuesWithKey(s, func(k, v string) iter.Seq[string] {
			if v == "" {
				return nil
			}
			return strings.SplitSeq(v, k)
		}), out2)
	})
	p.pipe("a=1 2 3@4", "b=", "c@5", " =x y")
	wants(p, out, "a=1@4 a=2@4 a=3@4 c@5  =x  =y")
	wants(p, out2, "a=1 2 3@4 c@5  =x  =y")
}

func TestFlatMap(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.FlatMap(stream.From(b, in), func(k, v string) iter.Seq2[string, string] {
			return func(yield func(string, string) bool) {
				for part := range strings.FieldsSeq(v) {
					if !yield(part, k) {
						return
					}
				}
			}
		}), out)
	})
	p.pipe("a=1 2@4", "b", "c=3")
	wants(p, out, "1=a@4 2=a@4 3=c")
}

// TestFlatMapIsAllOrNothing: what comes before a failure does not go out, also not with the next record.
func TestFlatMapIsAllOrNothing(t *testing.T) {
	until := func(v string) iter.Seq[string] {
		return func(yield func(string) bool) {
			for part := range strings.FieldsSeq(v) {
				if part == "!" {
					panic("bad part")
				}
				yield(part)
			}
		}
	}
	p := run(t, skipErrors, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.TryFlatMapValues(s, func(_ context.Context, v string) (iter.Seq[string], error) { return until(v), nil }), out)
		stream.To(stream.TryFlatMap(s, func(_ context.Context, k, v string) (iter.Seq2[string, string], error) {
			return func(yield func(string, string) bool) {
				for part := range until(v) {
					yield(part, k)
				}
			}, nil
		}), out2)
	})
	p.pipe("a=1 2 ! 3", "b=4")
	wants(p, out, "b=4")
	wants(p, out2, "4=b")
}
