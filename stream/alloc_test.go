package stream

import (
	"iter"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// stateless is a chain of every operator without state but Process, between int64 keys and values so that no
// serde allocates.
func stateless(b *Builder) {
	numbers := NewTopic("numbers", serde.Int64, serde.Int64)
	s := From(b, numbers)
	s = Filter(s, func(_, v int64) bool { return v > 0 })
	s = MapValues(s, func(v int64) int64 { return v + 1 })
	s = SelectKey(s, func(_, v int64) int64 { return v % 7 })
	s = Map(s, func(k, v int64) (int64, int64) { return k + 1, v })
	s = FlatMapValues(s, threeTimes(0))
	s = Peek(s, func(_, _ int64) {})
	split := Split(s)
	s = Merge(split.Branch(func(_, v int64) bool { return v > 5 }), split.Default())
	To(s, NewTopic("out", serde.Int64, serde.Int64))
}

// threeTimes returns a function whose result is made beforehand: the user's closure is not what is measured.
func threeTimes(v int64) func(int64) iter.Seq[int64] {
	seq := func(yield func(int64) bool) {
		for range 3 {
			if !yield(v) {
				return
			}
		}
	}
	return func(int64) iter.Seq[int64] { return seq }
}

func counting(b *Builder) {
	s := From(b, NewTopic("numbers", serde.Int64, serde.Int64))
	counts := Count(GroupByKey(s), NewStore("counts", serde.Int64, serde.Int64))
	doubled := MapTable(counts, func(n int64) int64 { return 2 * n }, nil)
	To(ToStream(doubled), NewTopic("out", serde.Int64, serde.Int64))
}

func raw() *record.Raw {
	eight := []byte{0, 0, 0, 0, 0, 0, 0, 9}
	return &record.Raw{Key: eight, Value: eight}
}

// TestNoAllocations: the way of a record from its source to the sinks allocates nothing. The arena's chunks,
// of 64 KiB each, are the outputs' bytes; a record has too few to count.
func TestNoAllocations(t *testing.T) {
	for name, describe := range map[string]func(*Builder){"stateless": stateless, "counting": counting} {
		t.Run(name, func(t *testing.T) {
			task, heads := bare(t, 0, describe)
			r := raw()
			if n := testing.AllocsPerRun(1000, func() { feed(t, heads["numbers"], r) }); n != 0 {
				t.Errorf("%v allocations a record, want 0", n)
			}
			if task.sent == 0 {
				t.Error("nothing came out")
			}
		})
	}
}

func BenchmarkStateless(b *testing.B) { benchmark(b, stateless) }
func BenchmarkCount(b *testing.B)     { benchmark(b, counting) }

func BenchmarkFlatMapWords(b *testing.B) {
	lines := NewTopic("lines", serde.Bytes, serde.String)
	_, heads := bare(b, 0, func(b *Builder) {
		To(FlatMapValues(From(b, lines), strings.FieldsSeq), NewTopic("words", serde.Bytes, serde.String))
	})
	r := &record.Raw{Value: []byte("to be or not to be that is the question")}
	b.ReportAllocs()
	for b.Loop() {
		feed(b, heads["lines"], r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func benchmark(b *testing.B, describe func(*Builder)) {
	_, heads := bare(b, 0, describe)
	head := heads["numbers"]
	r := raw()
	b.ReportAllocs()
	for b.Loop() {
		feed(b, head, r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
