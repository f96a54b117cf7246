package stream_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

// badInput is one mistake in what a program asks for.
type badInput struct {
	describe func(b *stream.Builder, here func())
	want     string
}

func badInputs() map[string]badInput {
	bad := stream.NewTopic("a b", serde.String, serde.String)
	grouped := func(b *stream.Builder) stream.Grouped[string, string] { return stream.GroupByKey(stream.From(b, in)) }
	windowed := func(w window.Windows, want string, opts ...stream.Option) badInput {
		return badInput{func(b *stream.Builder, here func()) {
			g := grouped(b)
			here()
			stream.WindowedBy(g, w, opts...)
		}, want}
	}
	kept := func(w window.Windows, s *stream.Store[string, int64], want string) badInput {
		return badInput{func(b *stream.Builder, here func()) {
			g := stream.WindowedBy(grouped(b), w)
			here()
			stream.CountWindows(g, s)
		}, want}
	}
	joined := func(w stream.JoinWindow, want string) badInput {
		return badInput{func(b *stream.Builder, here func()) {
			l, r := stream.From(b, in), stream.From(b, in2)
			here()
			stream.Join(l, r, w, concat)
		}, want}
	}
	late := func(table *stream.Store[string, string], grace time.Duration, want string) badInput {
		return badInput{func(b *stream.Builder, here func()) {
			s, t := stream.From(b, in), stream.ToTable(stream.From(b, in2), table)
			here()
			stream.JoinTable(s, t, concat, stream.GracePeriod(grace))
		}, want}
	}
	suppressed := func(wait time.Duration, buffer stream.Buffer, want string) badInput {
		return badInput{func(b *stream.Builder, here func()) {
			t := stream.ToTable(stream.From(b, in), nil)
			here()
			stream.SuppressUntilTimeLimit(t, wait, buffer)
		}, want}
	}
	numbers := func(name string) *stream.Store[string, int64] {
		return stream.NewStore(name, serde.String, serde.Int64)
	}
	return map[string]badInput{
		"topic of a source": {func(b *stream.Builder, here func()) { here(); stream.From(b, bad) }, `the name of topic "a b" holds ' '`},
		"topic of a table": {func(b *stream.Builder, here func()) {
			here()
			stream.Changes(stream.TableFrom(b, stream.NewTopic("c d", serde.String, serde.String), nil))
		}, `the name of topic "c d" holds ' '`},
		"topic of a global table": {func(b *stream.Builder, here func()) {
			here()
			stream.GlobalTableFrom(b, stream.NewTopic("e f", serde.String, serde.String), nil)
		}, `the name of topic "e f" holds ' '`},
		"topic of a sink": {func(b *stream.Builder, here func()) { s := stream.From(b, in); here(); stream.To(s, bad) }, `sink "KSTREAM-SINK-`},
		"name of a node": {func(b *stream.Builder, here func()) {
			s := stream.From(b, in)
			here()
			stream.Filter(s, short, stream.Named("g h"))
		}, `option Named of Filter: name has characters`},
		"name of a topic": {func(b *stream.Builder, here func()) {
			s := stream.From(b, in)
			here()
			stream.Repartition(s, stream.Named(strings.Repeat("x", 250)))
		}, `option Named of Repartition: name is longer`},
		"name of join stores": {func(b *stream.Builder, here func()) {
			l, r := stream.From(b, in), stream.From(b, in2)
			here()
			stream.Join(l, r, stream.Within(ms(1)), concat, stream.KeptIn(stream.JoinStores{Name: "i/j"}))
		}, `option KeptIn of Join: name has characters`},
		"name of a store": {func(b *stream.Builder, here func()) { g := grouped(b); here(); stream.Count(g, numbers("k/l")) }, `the name of store "k/l" holds '/'`},

		"no window size":               windowed(window.Tumbling(0).Grace(ms(1)), `window size 0s: must be at least a millisecond`),
		"negative window size":         windowed(window.Hopping(-ms(5), -ms(6)), `window size -5ms: must be at least`),
		"negative advance":             windowed(window.Hopping(ms(5), -ms(1)), `advance -1ms: must be at least`),
		"advance above the size":       windowed(window.Hopping(ms(5), ms(6)), `advance 6ms: is above the window size 5ms`),
		"fractions of a millisecond":   windowed(window.Tumbling(ms(5)+1), `window size 5.000001ms: times count in whole milliseconds`),
		"negative grace":               windowed(window.Tumbling(ms(5)).Grace(-ms(1)), `grace period -1ms: must not be negative`),
		"negative difference":          windowed(window.Sliding(-ms(1)), `time difference -1ms of sliding windows: must not be negative`),
		"windows of no kind":           windowed(window.Windows{}, `the windows are of no kind`),
		"start before the epoch":       windowed(window.Unlimited(time.UnixMilli(-1)), `must not be before the Unix epoch`),
		"grace of the endless":         windowed(window.Unlimited(time.UnixMilli(1)).Grace(ms(1)), `it never closes; leave Grace out`),
		"closing of the endless":       windowed(window.Unlimited(time.UnixMilli(1)), `an unlimited window never closes; leave EmitOnClose out`, stream.EmitOnClose()),
		"no gap":                       {func(b *stream.Builder, here func()) { g := grouped(b); here(); stream.SessionsBy(g, window.Session(0)) }, `session gap 0s: must be at least a millisecond`},
		"grace beyond retention":       kept(window.Tumbling(ms(5)).Grace(ms(10)), numbers("m").Retention(ms(14)), `store "m" of node "KSTREAM-AGGREGATE-`),
		"retention of sliding windows": kept(window.Sliding(ms(5)).Grace(ms(10)), numbers("n").Retention(ms(19)), `need at least 20 ms`),
		"retention of the endless":     kept(window.Unlimited(time.UnixMilli(1)), numbers("o").Retention(time.Hour), `unlimited windows are kept for ever`),
		"fraction of a retention":      kept(window.Tumbling(ms(5)), numbers("p").Retention(ms(14)+1), `times count in whole milliseconds`),
		"grace beyond the retention of sessions": {func(b *stream.Builder, here func()) {
			g := stream.SessionsBy(grouped(b), window.Session(ms(5)).Grace(ms(10)))
			here()
			stream.CountSessions(g, numbers("q").Retention(ms(14)))
		}, `need at least 15 ms`},
		"windows and a history": kept(window.Tumbling(ms(5)), numbers("r").WithHistory(time.Hour), `cannot keep a history of them, too`),

		"join window that cannot match": joined(stream.JoinWindow{Before: -ms(5), After: ms(4)}, `no record can match`),
		"join window with fractions":    joined(stream.JoinWindow{Before: ms(5), After: 1}, `After is 1ns; times count in whole milliseconds`),
		"join window with no grace":     joined(stream.Within(ms(5)).WithGrace(-ms(1)), `the window's Grace is -1ms; it must not be negative`),
		"grace without a history":       late(stream.NewStore("s", serde.String, serde.String), ms(5), `store "s" keeps no history`),
		"history shorter than grace":    late(stream.NewStore("t", serde.String, serde.String).WithHistory(ms(4)), ms(5), `keeps a history of 4 ms only`),
		"negative join grace":           late(stream.NewStore("u", serde.String, serde.String).WithHistory(ms(4)), -ms(5), `the grace period must not be negative`),
		"no history": {func(b *stream.Builder, here func()) {
			s := stream.From(b, in)
			here()
			stream.ToTable(s, stream.NewStore("v", serde.String, serde.String).WithHistory(0))
		}, `keeps a history of 0s; it must be at least a millisecond`},
		"partition counts": {func(b *stream.Builder, here func()) {
			l := stream.Repartition(stream.From(b, in), stream.Named("three"), stream.Partitions(3))
			r := stream.Repartition(stream.From(b, in2), stream.Named("four"), stream.Partitions(4))
			here()
			stream.Join(l, r, stream.Within(ms(5)), concat)
		}, `must be co-partitioned but have 3 and 4 partitions`},

		"suppression of no windows": {func(b *stream.Builder, here func()) {
			t := stream.TableFrom(b, stream.NewTopic("windows", window.Keys(serde.String, 5), serde.String), nil)
			here()
			stream.SuppressUntilWindowCloses(t, stream.Buffer{})
		}, `which is not a windowed aggregation`},
		"suppression that is final early": {func(b *stream.Builder, here func()) {
			t := stream.CountWindows(stream.WindowedBy(grouped(b), window.Tumbling(ms(5))), nil)
			here()
			stream.SuppressUntilWindowCloses(t, stream.Buffer{MaxRecords: 1, EmitEarly: true})
		}, `EmitEarly would send on results that are not final`},
		"suppression of versions": {func(b *stream.Builder, here func()) {
			t := stream.ToTable(stream.From(b, in), stream.NewStore("w", serde.String, serde.String).WithHistory(ms(4)))
			here()
			stream.SuppressUntilTimeLimit(t, ms(5), stream.Buffer{})
		}, `suppresses a versioned table`},
		"negative suppression":  suppressed(-ms(1), stream.Buffer{}, `for -1ms: the time must not be negative`),
		"negative records":      suppressed(ms(1), stream.Buffer{MaxRecords: -1}, `MaxRecords is -1`),
		"negative bytes":        suppressed(ms(1), stream.Buffer{MaxBytes: -1}, `MaxBytes is -1`),
		"early without a bound": suppressed(ms(1), stream.Buffer{EmitEarly: true}, `EmitEarly has no meaning without a bound`),
		"fraction of a wait":    suppressed(1, stream.Buffer{}, `for 1ns: times count in whole milliseconds`),
		"transformer that is none": {func(b *stream.Builder, here func()) {
			t := stream.TableFrom(b, in, nil)
			here()
			stream.TransformTable[string, string, string](t, nil, nil)
		}, `has no function`},
		"global store that is none": {func(b *stream.Builder, here func()) {
			here()
			stream.GlobalStoreFrom[string, string, string, string](b, stream.NewTopic("x", serde.String, serde.String), nil, noUpdate)
		}, `fills no store`},
		"global store without a name": {func(b *stream.Builder, here func()) {
			here()
			stream.GlobalStoreFrom(b, stream.NewTopic("y", serde.String, serde.String), numbers(""), noUpdate)
		}, `uses a store without a name`},
		"windows of a processor": {func(b *stream.Builder, here func()) {
			s := stream.From(b, in)
			here()
			stream.Process(s, newCounter, stream.Uses(numbers("z").OfWindows(0, ms(5))))
		}, `keeps windows of 0s`},
	}
}

func noUpdate() processor.Processor[string, string, struct{}, struct{}] { return nil }

// TestBadInput wants each mistake reported once, with the line that made it.
func TestBadInput(t *testing.T) {
	cases := badInputs()
	lines := map[string]string{}
	all := stream.New()
	describe := func(b *stream.Builder, name string) {
		cases[name].describe(b, func() {
			_, _, n, _ := runtime.Caller(1)
			lines[name] = fmt.Sprintf("stream/badinput_test.go:%d: ", n)
		})
	}
	for name := range cases {
		describe(all, name)
	}
	_, together := all.Build()
	for name, c := range cases {
		b := stream.New()
		describe(b, name)
		_, err := b.Build()
		if err == nil {
			t.Errorf("%s: built", name)
			continue
		}
		found := 0
		for e := range strings.Lines(err.Error()) {
			var at int
			if _, scan := fmt.Sscanf(e, "stream/badinput_test.go:%d: ", &at); scan != nil {
				t.Errorf("%s: %q does not begin with a line", name, e)
			}
			if strings.Contains(e, c.want) {
				found++
				if !strings.HasPrefix(e, lines[name]) && !strings.HasPrefix(e, after(lines[name])) {
					t.Errorf("%s: reported at the wrong line (want %s or the next): %s", name, lines[name], e)
				}
			}
		}
		if found != 1 {
			t.Errorf("%s: reported %d times, want once: %q in\n%v", name, found, c.want, err)
		}
		if !strings.Contains(together.Error(), c.want) {
			t.Errorf("%s: not among the mistakes of one program", name)
		}
	}
}

// after is the next line: where the call that follows here() is.
func after(line string) string {
	var n int
	fmt.Sscanf(line, "stream/badinput_test.go:%d: ", &n) //nolint:errcheck // it is made above
	return fmt.Sprintf("stream/badinput_test.go:%d: ", n+1)
}
