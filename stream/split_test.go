package stream_test

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

func TestSplit(t *testing.T) {
	rest := stream.NewTopic("rest", out.Keys(), out.Values())
	p := run(t, skipErrors, func(b *stream.Builder) {
		split := stream.Split(stream.From(b, in))
		stream.To(split.Branch(func(_, v string) bool { return v[0] == 'a' }), out)
		stream.To(split.Branch(func(_, v string) bool { return strings.Contains(v, "b") }), out2)
		stream.To(split.Default(), rest)
	})
	p.pipe("1=ab", "2=b", "3=c", "4") // the last makes the first predicate panic
	wants(p, out, "1=ab")
	wants(p, out2, "2=b")
	wants(p, rest, "3=c")
}

// A branch of a stream with new keys is joined with its own records, whatever the stream has been joined with before.
func TestSplitAfterJoin(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		rows := stream.TableFrom(b, in2, nil)
		keyed := stream.SelectKey(stream.From(b, in), func(_, v string) string { return v })
		stream.To(stream.JoinTable(keyed, rows, bothOf), out)
		stream.To(stream.JoinTable(stream.Split(keyed).Branch(short), rows, bothOf), out2)
	})
	p.pipeTo(in2, "x=1", "yy=2")
	p.pipe("k=x", "k=yy")
	wants(p, out, "x=x|1 yy=yy|2")
	wants(p, out2, "x=x|1")
}

func TestSplitWithoutDefault(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.Split(stream.From(b, in)).Branch(short), out)
	})
	p.pipe("1=a", "2=bb")
	wants(p, out, "1=a")
}

func TestMerge(t *testing.T) {
	p := run(t, streamtest.Config{}, func(b *stream.Builder) {
		stream.To(stream.Merge(stream.From(b, in), stream.From(b, in2)), out)
	})
	p.pipe("a=1")
	p.pipeTo(in2, "b=2")
	p.pipe("c=3")
	wants(p, out, "a=1 b=2 c=3")
}
