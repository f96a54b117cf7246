package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
)

func short(_, v string) bool { return len(v) < 2 }

func TestFilter(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.From(b, in)
		stream.To(stream.Filter(s, short), out)
		stream.To(stream.FilterNot(s, short), out2)
	})
	p.pipe("a=1@5", "b=22@6", "c@7", "=3@8")
	wants(p, out, "a=1@5 c@7 =3@8") // a null value is the empty string to the predicate and stays null
	wants(p, out2, "b=22@6")
}

// TestFunctionErrors holds for every operator: they call the user's functions in one way.
func TestFunctionErrors(t *testing.T) {
	boom := errors.New("boom")
	describe := func(f func(string) (bool, error)) func(*stream.Builder) {
		return func(b *stream.Builder) {
			stream.To(stream.TryFilter(stream.From(b, in), func(_ context.Context, _, v string) (bool, error) { return f(v) }), out)
		}
	}
	failsOn1 := func(v string) (bool, error) {
		if v == "1" {
			return true, boom
		}
		return true, nil
	}
	t.Run("skip", func(t *testing.T) {
		p := run(t, skipErrors, describe(failsOn1))
		p.pipe("a=1", "b=2")
		wants(p, out, "b=2")
		if n := p.Dropped(processor.DropProcessing); n != 1 {
			t.Errorf("dropped %d records, want 1", n)
		}
	})
	t.Run("fail", func(t *testing.T) {
		p := run(t, streamtest.Config{}, describe(failsOn1))
		err := streamtest.Input(p.Driver, in).TryPipe(parse(t, "a=1"))
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), `"KSTREAM-FILTER-0000000001"`) {
			t.Errorf("got error %v, want boom at the node", err)
		}
	})
	t.Run("retry", func(t *testing.T) {
		tries := 0
		p := run(t, streamtest.Config{Processing: task.ErrorPolicy{Retries: 2}}, describe(func(string) (bool, error) {
			if tries++; tries < 3 {
				return false, boom
			}
			return true, nil
		}))
		p.pipe("a=1")
		wants(p, out, "a=1")
	})
	t.Run("panic", func(t *testing.T) {
		p := run(t, skipErrors, describe(func(v string) (bool, error) {
			if v == "1" {
				panic("no ones")
			}
			return true, nil
		}))
		p.pipe("a=1", "b=2")
		wants(p, out, "b=2")
	})
}
