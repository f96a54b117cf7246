package stream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func swap(k, v string) (string, string) { return v, k }

func TestMap(t *testing.T) {
	p := run(t, skipErrors, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.Map(s, swap), out)
		stream.To(stream.TryMap(s, func(_ context.Context, k, v string) (string, string, error) {
			if v == "b" {
				return "", "", errors.New("no b")
			}
			return v, k, nil
		}), out2)
	})
	p.pipe("a=b@3", "c=d")
	wants(p, out, "b=a@3 d=c")
	wants(p, out2, "d=c")
}

// TestMapToNull shows that a nil of a type that can be nil is Kafka's null.
func TestMapToNull(t *testing.T) {
	pointers := stream.NewTopic("out", serde.Pointer(serde.String), serde.Pointer(serde.String))
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.Map(stream.From(b, in), func(k, v string) (*string, *string) {
			if k == v {
				return nil, nil
			}
			return &k, &v
		}), pointers)
	})
	p.pipe("a=a", "a=b")
	wants(p, out, " a=b")
}
