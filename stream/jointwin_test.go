package stream_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
)

// Each join against a slow twin that keeps everything it has seen in slices, on random records.

const joinSeeds = 1000

type joinEvent struct {
	right      bool
	key, value string // "" is null
	at         int64
	// pass is how far the wall clock goes before it, in milliseconds.
	pass int64
}

func (e joinEvent) String() string {
	side := "left"
	if e.right {
		side = "right"
	}
	return fmt.Sprintf("%s %s=%s@%d after %d ms", side, e.key, e.value, e.at, e.pass)
}

// joinEvents are records of few keys, with nulls and mostly, but not always, in the order of time.
func joinEvents(r *rand.Rand, n int) []joinEvent {
	out := make([]joinEvent, n)
	now := int64(1000)
	for i := range out {
		now += r.Int64N(200)
		e := &out[i]
		e.right = r.IntN(2) == 0
		e.at = now
		if r.IntN(4) == 0 {
			e.at = max(0, now-r.Int64N(1500))
		}
		if r.IntN(20) > 0 {
			e.key = string(rune('a' + r.IntN(3)))
		}
		if r.IntN(10) > 0 {
			e.value = fmt.Sprint(i)
		}
		if r.IntN(3) == 0 {
			e.pass = r.Int64N(1500)
		}
	}
	return out
}

func bothOf(l, r string) string           { return l + "|" + r }
func leftSide(l string, r *string) string { return l + "|" + show(r) }
func eitherSide(l, r *string) string      { return show(l) + "|" + show(r) }
func padded(v string) string {
	if v == "" {
		return "-"
	}
	return v
}

// joinTwin answers one joinEvent with the results that it makes, as key=value@time, key and value "" for null.
type joinTwin interface{ take(e joinEvent) []string }

// checkJoin runs every seed's events through a program and a twin.
func checkJoin(t *testing.T, describe func(r *rand.Rand, b *stream.Builder) joinTwin, optimize ...stream.Optimization) {
	t.Helper()
	for seed := range uint64(joinSeeds) {
		r := rand.New(rand.NewPCG(seed, 0))
		b := stream.New()
		tw := describe(r, b)
		top, err := b.Build(optimize...)
		if err != nil {
			t.Fatal(err)
		}
		if d := divergeJoin(t, top, tw, joinEvents(r, 30)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
	}
}

func divergeJoin(t *testing.T, top *topology.Topology, tw joinTwin, events []joinEvent) string {
	t.Helper()
	d, err := streamtest.Open(top, streamtest.Config{LogLast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	results := streamtest.Output(d, out)
	for i, e := range events {
		if e.pass > 0 {
			d.Advance(time.Duration(e.pass) * time.Millisecond)
		}
		topic := in
		if e.right {
			topic = in2
		}
		rec := record.New(e.key, e.value, e.at)
		if e.key == "" {
			rec.Null |= record.NullKey
		}
		if e.value == "" {
			rec.Null |= record.NullValue
		}
		streamtest.Input(d, topic).PipeRecord(rec)
		var got []string
		for _, r := range results.ReadAll() {
			value := r.Value
			if r.Null.Value() {
				value = ""
			}
			got = append(got, fmt.Sprintf("%s=%s@%d", r.Key, value, r.Timestamp))
		}
		if want := tw.take(e); !slices.Equal(got, want) {
			return fmt.Sprintf("event %d:\n got %q\nwant %q\nevents\n%v", i, got, want, events[:i+1])
		}
	}
	return ""
}

func joinResult(key, value string, at int64) string { return fmt.Sprintf("%s=%s@%d", key, value, at) }

// tablesTwin joins two tables.
type tablesTwin struct {
	needLeft, needRight bool
	rows                [2]map[string]joinEvent
}

func (w *tablesTwin) value(l, r string) string {
	if l == "" && (r == "" || w.needLeft) || r == "" && w.needRight {
		return ""
	}
	return padded(l) + "|" + padded(r)
}

func (w *tablesTwin) take(e joinEvent) []string {
	if e.key == "" {
		return nil
	}
	this, other, needOther := 0, 1, w.needRight
	if e.right {
		this, other, needOther = 1, 0, w.needLeft
	}
	old := w.rows[this][e.key]
	if w.rows[this][e.key] = e; e.value == "" {
		delete(w.rows[this], e.key)
	}
	partner, found := w.rows[other][e.key]
	at := e.at
	if found {
		at = max(at, partner.at)
	} else if needOther || e.value == "" && old.value == "" {
		return nil
	}
	l, r := e.value, partner.value
	if e.right {
		l, r = r, l
	}
	return []string{joinResult(e.key, w.value(l, r), at)}
}

func TestJoinTablesTwin(t *testing.T) {
	for _, kind := range []string{"inner", "left", "outer"} {
		t.Run(kind, func(t *testing.T) {
			checkJoin(t, func(r *rand.Rand, b *stream.Builder) joinTwin {
				left, right := stream.TableFrom(b, in, nil), stream.TableFrom(b, in2, nil)
				var store *stream.Store[string, string]
				if r.IntN(2) == 0 {
					store = stream.NewStore("joined", serde.String, serde.String)
				}
				w := &tablesTwin{rows: [2]map[string]joinEvent{{}, {}}}
				var joined stream.Table[string, string]
				switch kind {
				case "inner":
					w.needLeft, w.needRight = true, true
					joined = stream.JoinTables(left, right, bothOf, store)
				case "left":
					w.needLeft = true
					joined = stream.LeftJoinTables(left, right, leftSide, store)
				default:
					joined = stream.OuterJoinTables(left, right, eitherSide, store)
				}
				stream.To(stream.ToStream(joined), out)
				return w
			})
		})
	}
}

// rowTwin joins a stream with a table, which may be global, have a history, and be waited for.
type rowTwin struct {
	left, history, global bool
	grace                 int64 // -1 for none
	rows                  []joinEvent
	held                  []joinEvent
	observed              int64
}

func (w *rowTwin) join(e joinEvent) []string {
	row := joinEvent{}
	best := int64(-1)
	for _, r := range w.rows { // the last one counts among those of the same time
		if r.key == w.key(e) && (!w.history || r.at <= e.at && r.at >= best) {
			row, best = r, r.at
		}
	}
	if row.value == "" && !w.left {
		return nil
	}
	return []string{joinResult(e.key, e.value+"|"+padded(row.value), e.at)}
}

func (w *rowTwin) key(e joinEvent) string {
	if w.global {
		return string(rune('a' + len(e.value)%3))
	}
	return e.key
}

func (w *rowTwin) take(e joinEvent) []string {
	if e.right {
		if e.key != "" {
			w.rows = append(w.rows, e)
		}
		return nil
	}
	if e.value == "" || e.key == "" && !w.global && (!w.left || w.grace >= 0) {
		return nil
	}
	if w.grace < 0 || e.at < w.observed-w.grace {
		return w.join(e)
	}
	w.observed = max(w.observed, e.at)
	w.held = append(w.held, e)
	slices.SortStableFunc(w.held, func(a, b joinEvent) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key)) })
	var out []string
	for len(w.held) > 0 && w.held[0].at <= w.observed-w.grace {
		out = append(out, w.join(w.held[0])...)
		w.held = w.held[1:]
	}
	return out
}

func TestJoinTableTwin(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprintf("left %v", left), func(t *testing.T) {
			checkJoin(t, func(r *rand.Rand, b *stream.Builder) joinTwin {
				w := &rowTwin{left: left, grace: -1, observed: -1}
				store := stream.NewStore("rows", serde.String, serde.String)
				var opts []stream.Option
				if r.IntN(2) == 0 {
					w.history = true
					store = store.WithHistory(time.Hour)
					if r.IntN(2) == 0 {
						w.grace = r.Int64N(1000)
						opts = append(opts, stream.GracePeriod(time.Duration(w.grace)*time.Millisecond))
					}
				}
				s, rows := stream.From(b, in), stream.TableFrom(b, in2, store)
				if left {
					stream.To(stream.LeftJoinTable(s, rows, leftSide, opts...), out)
				} else {
					stream.To(stream.JoinTable(s, rows, bothOf, opts...), out)
				}
				return w
			})
		})
	}
}

func TestJoinGlobalTwin(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprintf("left %v", left), func(t *testing.T) {
			checkJoin(t, func(_ *rand.Rand, b *stream.Builder) joinTwin {
				g := stream.GlobalTableFrom(b, in2, refs)
				key := func(_, v string) string { return string(rune('a' + len(v)%3)) }
				if left {
					stream.To(stream.LeftJoinGlobal(stream.From(b, in), g, key, leftSide), out)
				} else {
					stream.To(stream.JoinGlobal(stream.From(b, in), g, key, bothOf), out)
				}
				return &rowTwin{left: left, global: true, grace: -1}
			})
		})
	}
}

// streamsTwin joins two streams.
type streamsTwin struct {
	before, after, grace int64
	keepLeft, keepRight  bool
	inMemory             bool
	clock, next          int64
	observed             [2]int64 // by each side's store
	kept                 [2][]joinEvent
	streamTime           int64
	waiting              []joinEvent
	// oldest is the time of the first that waits, as the join knows it.
	oldest int64
}

func (w *streamsTwin) retention() int64 { return w.before + w.after + w.grace }

func (w *streamsTwin) take(e joinEvent) (out []string) {
	w.clock += e.pass
	out = w.join(e)
	if e.key == "" || e.value == "" && !w.inMemory {
		return out
	}
	this := 0
	if e.right {
		this = 1
	}
	w.observed[this] = max(w.observed[this], e.at)
	if e.value != "" && e.at > w.observed[this]-w.retention() {
		w.kept[this] = append(w.kept[this], e)
	}
	return out
}

func (w *streamsTwin) padded(e joinEvent) string {
	if e.right {
		return joinResult(e.key, "-|"+e.value, e.at)
	}
	return joinResult(e.key, e.value+"|-", e.at)
}

func (w *streamsTwin) join(e joinEvent) (out []string) {
	before, after, other, keep := w.before, w.after, 1, w.keepLeft
	if e.right {
		before, after, other, keep = w.after, w.before, 0, w.keepRight
	}
	w.streamTime = max(w.streamTime, e.at)
	if e.value == "" || e.key == "" && !keep {
		return nil
	}
	if e.key == "" {
		return []string{w.padded(e)}
	}
	if e.at == w.streamTime {
		out = w.emit(after)
	}
	var matches []joinEvent
	for _, o := range w.kept[other] {
		if o.key == e.key && o.at >= max(0, e.at-before) && o.at <= max(0, e.at+after) && o.at > w.observed[other]-w.retention() {
			matches = append(matches, o)
		}
	}
	slices.SortStableFunc(matches, func(a, b joinEvent) int { return cmp.Compare(a.at, b.at) })
	for _, o := range matches {
		w.waiting = slices.DeleteFunc(w.waiting, func(x joinEvent) bool { return x.right == o.right && x.key == o.key && x.at == o.at })
		l, r := e.value, o.value
		if e.right {
			l, r = r, l
		}
		out = append(out, joinResult(e.key, l+"|"+r, max(e.at, o.at)))
	}
	switch {
	case len(matches) > 0 || !keep:
	case max(0, e.at+after) < w.streamTime:
		out = append(out, w.padded(e))
	default:
		w.waiting = append(w.waiting, e)
		w.oldest = min(w.oldest, e.at)
	}
	return out
}

// emit takes out the records whose window is over. Whether it looks at all goes by the oldest that waits, as far
// as the join knows it, and by this side's window; if it knows of none, the sum overflows, as in Kafka Streams.
func (w *streamsTwin) emit(after int64) (out []string) {
	over := w.oldest != math.MaxInt64 && w.oldest+after+w.grace < w.streamTime || w.oldest == math.MaxInt64 && after+w.grace > 0
	if !w.keepLeft || !over || w.clock < w.next {
		return nil
	}
	w.next = w.clock + 1000
	w.oldest = math.MaxInt64
	sorted := slices.Clone(w.waiting)
	slices.SortStableFunc(sorted, func(a, b joinEvent) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(sideOf(b.right), sideOf(a.right)), cmp.Compare(a.key, b.key))
	})
	open := map[bool]bool{}
	for _, x := range sorted {
		w.oldest = x.at // the last one looked at
		if len(open) == 2 {
			break
		}
		end := x.at + w.after + w.grace
		if x.right {
			end = x.at + w.before + w.grace
		}
		if end >= w.streamTime {
			open[x.right] = true
			continue
		}
		out = append(out, w.padded(x))
		w.waiting = slices.DeleteFunc(w.waiting, func(y joinEvent) bool { return y == x })
	}
	return out
}

func TestJoinTwin(t *testing.T) {
	for _, kind := range []string{"inner", "left", "outer"} {
		t.Run(kind, func(t *testing.T) {
			checkJoin(t, func(r *rand.Rand, b *stream.Builder) joinTwin {
				w := &streamsTwin{
					before: r.Int64N(600) - 100, after: 100 + r.Int64N(500), grace: r.Int64N(3) * 300, inMemory: r.IntN(2) == 0,
					observed: [2]int64{-1, -1}, streamTime: -1, oldest: math.MaxInt64,
				}
				if r.IntN(10) == 0 { // of one point, which keeps nothing
					w.before, w.grace = -w.after, 0
				}
				ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
				window := stream.JoinWindow{Before: ms(w.before), After: ms(w.after), Grace: ms(w.grace)}
				left, right := stream.From(b, in), stream.From(b, in2)
				kept := stream.KeptIn(stream.JoinStores{InMemory: w.inMemory})
				switch kind {
				case "inner":
					stream.To(stream.Join(left, right, window, bothOf, kept), out)
				case "left":
					w.keepLeft = true
					stream.To(stream.LeftJoin(left, right, window, leftSide, kept), out)
				default:
					w.keepLeft, w.keepRight = true, true
					stream.To(stream.OuterJoin(left, right, window, eitherSide, kept), out)
				}
				return w
			})
		})
	}
}

// A stream joined with itself over one store answers as over two, unless a record comes so late that a store
// would not keep it.
func TestSelfJoinTwin(t *testing.T) {
	checkJoin(t, func(r *rand.Rand, b *stream.Builder) joinTwin {
		window := stream.JoinWindow{
			Before: time.Duration(r.IntN(500)) * time.Millisecond, After: time.Duration(r.IntN(500)) * time.Millisecond, Grace: time.Hour,
		}
		stream.From(b, in2)
		s := stream.From(b, in)
		stream.To(stream.Join(s, s, window, bothOf), out)

		plain := stream.New()
		s = stream.From(plain, in)
		stream.To(stream.Join(s, s, window, bothOf), out)
		top, err := plain.Build()
		if err != nil {
			t.Fatal(err)
		}
		d := streamtest.New(t, top, streamtest.Config{})
		return &selfTwin{d, streamtest.Output(d, out)}
	}, stream.SingleStoreSelfJoin)
}

type selfTwin struct {
	d   *streamtest.Driver
	out *streamtest.OutputTopic[string, string]
}

func (w *selfTwin) take(e joinEvent) (out []string) {
	if e.right || e.key == "" || e.value == "" {
		return nil
	}
	streamtest.Input(w.d, in).Pipe(e.key, e.value, e.at)
	for _, r := range w.out.ReadAll() {
		out = append(out, joinResult(r.Key, r.Value, r.Timestamp))
	}
	return out
}

func sideOf(b bool) int {
	if b {
		return 1
	}
	return 0
}
