package stream_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/leatstream/leat/stream"
)

func TestPeekAndForEach(t *testing.T) {
	var seen []string
	see := func(who string) func(k, v string) {
		return func(k, v string) { seen = append(seen, who+k+v) }
	}
	trySee := func(who string) func(context.Context, string, string) error {
		return func(_ context.Context, k, v string) error {
			if v == "2" {
				return errors.New("no twos")
			}
			see(who)(k, v)
			return nil
		}
	}
	p := run(t, skipErrors, func(b *stream.Builder) {
		s := stream.Peek(stream.From(b, in), see("peek "))
		stream.ForEach(s, see("each "))
		stream.TryForEach(s, trySee("try each "))
		stream.To(stream.TryPeek(s, trySee("try ")), out)
	})
	p.pipe("a=1", "b=2")
	wants(p, out, "a=1")
	want := []string{"peek a1", "each a1", "try each a1", "try a1", "peek b2", "each b2"}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
}
