package stream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func valueAsKey(_, v string) string { return v }

func TestSelectKey(t *testing.T) {
	p := run(t, skipErrors, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.SelectKey(s, func(k, v string) string { return k + "!" }), out)
		stream.To(stream.TrySelectKey(s, func(_ context.Context, k, v string) (string, error) {
			if v == "" {
				return "", errors.New("no value")
			}
			return v, nil
		}), out2)
	})
	p.pipe("a=x@1", "b@2", "=y@3")
	wants(p, out, "a!=x@1 b!@2 !=y@3")
	wants(p, out2, "x=x@1 y=y@3")
}

func TestSelectKeyKeepsHeaders(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.SelectKey(stream.From(b, in), valueAsKey), out)
	})
	r := parse(t, "a=x")
	r.Headers = r.Headers.With("trace", []byte("7"))
	streamtest.Input(p.Driver, in).PipeRecord(r)
	got, ok := streamtest.Output(p.Driver, out).Read().Headers.Last("trace")
	if !ok || string(got) != "7" {
		t.Errorf("header is %q, %v", got, ok)
	}
}
