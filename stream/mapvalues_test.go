package stream_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func TestMapValues(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.MapValues(s, strings.ToUpper), out)
		stream.To(stream.MapValuesWithKey(s, func(k, v string) string { return k + v }), out2)
	})
	p.pipe("k=a@5", "k@6")
	wants(p, out, "k=A@5 k@6") // the null is kept without a call: "k" below has no key in it
	wants(p, out2, "k=ka@5 k@6")
}

func TestTryMapValues(t *testing.T) {
	p := run(t, skipErrors, func(b *stream.Builder) {
		s := stream.TryMapValues(stream.From(b, in), func(_ context.Context, v string) (int64, error) {
			return strconv.ParseInt(v, 10, 64)
		})
		stream.To(s, nums)
		stream.To(stream.TryMapValuesWithKey(s, func(_ context.Context, k string, v int64) (string, error) {
			if v < 0 {
				return "", errors.New("negative")
			}
			return k + strconv.FormatInt(v, 10), nil
		}), out)
	})
	p.pipe("a=1", "b=x", "c=-2")
	wants(p, nums, "a=1 c=-2")
	wants(p, out, "a=a1")
}

// TestMapValuesOptional shows nulls of a type that can hold them: functions get and return them.
func TestMapValuesOptional(t *testing.T) {
	type text = record.Optional[string]
	texts := stream.NewTopic("in", serde.String, serde.Optional(serde.String))
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.MapValues(stream.From(b, texts), func(v text) text {
			if !v.Valid {
				return record.Some("was null")
			}
			return text{}
		})
		stream.To(s, stream.NewTopic("out", serde.String, serde.Optional(serde.String)))
	})
	p.pipe("a", "b=x")
	wants(p, out, "a=was null b")
}
