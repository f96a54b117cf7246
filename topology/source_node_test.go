package topology_test

import (
	"errors"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

type source = topology.SourceConfig[string, int32]

func head(t testing.TB, c source, child any) topology.Head {
	t.Helper()
	c.Key, c.Value = serde.String, serde.Int32
	part := make1(t, new(fakeTask), topology.Node{Name: "source", Topics: topics([]string{"in"}), New: topology.NewSource(c)}, child)
	return part.(topology.SourceNode).NewHead()
}

func raw(key, value []byte, timestamp int64) *record.Raw {
	return &record.Raw{TopicPartition: record.TopicPartition{Topic: "in"}, Key: key, Value: value, Timestamp: timestamp}
}

var seven = []byte{0, 0, 0, 7}

func TestSourceDecodes(t *testing.T) {
	for name, c := range map[string]struct {
		r    *record.Raw
		want string
	}{
		"both":       {raw([]byte("k"), seven, 5), "k=7@5"},
		"null key":   {raw(nil, seven, 5), "=7@5 null-key"},
		"empty key":  {raw([]byte{}, seven, 5), "=7@5"},
		"null value": {raw([]byte("k"), nil, 0), "k=0@0 null-value"},
	} {
		t.Run(name, func(t *testing.T) {
			out := new(catcher[string, int32])
			h := head(t, source{}, out)
			if ts, err := h.Decode(c.r, -1); ts != c.r.Timestamp || err != nil {
				t.Fatalf("Decode = %d, %v", ts, err)
			}
			h.Process()
			if out.String() != c.want {
				t.Errorf("got %s, want %s", out, c.want)
			}
		})
	}
}

func TestSourceHeadForgetsTheRecordBefore(t *testing.T) {
	out := new(catcher[string, int32])
	h := head(t, source{}, out)
	for _, r := range []*record.Raw{raw([]byte("k"), seven, 1), raw(nil, nil, 2), raw([]byte("l"), seven, 3)} {
		if _, err := h.Decode(r, -1); err != nil {
			t.Fatal(err)
		}
		h.Process()
	}
	if got, want := out.String(), "k=7@1; =0@2 null-key null-value; l=7@3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSourceRefusesBytes(t *testing.T) {
	h := head(t, source{}, new(catcher[string, int32]))
	for part, r := range map[string]*record.Raw{
		"key":   raw([]byte{0xff}, seven, 5),
		"value": raw([]byte("k"), []byte{1, 2}, 5),
	} {
		_, err := h.Decode(r, -1)
		var bad *topology.DecodeError
		if !errors.As(err, &bad) || bad.Part != part {
			t.Errorf("%s: error %v, want a DecodeError of the %s", part, err, part)
		}
	}
}

func TestSourceTimestamps(t *testing.T) {
	type extractor = func(record.Record[string, int32], *record.Raw, int64) int64
	fromValue := func(r record.Record[string, int32], _ *record.Raw, _ int64) int64 { return int64(r.Value) }
	minusOne := func(record.Record[string, int32], *record.Raw, int64) int64 { return -1 }
	panics := func(record.Record[string, int32], *record.Raw, int64) int64 { panic(errBoom) }
	for name, c := range map[string]struct {
		extract   extractor
		policy    topology.TimestampPolicy
		timestamp int64
		partition int64
		want      int64
		err       string
	}{
		"kafka's":                       {timestamp: 5, want: 5},
		"extracted":                     {extract: fromValue, timestamp: 5, want: 7},
		"negative fails":                {timestamp: -1, err: "extract timestamp (-1): it is negative"},
		"extracted negative fails":      {extract: minusOne, timestamp: 5, err: "extract timestamp (-1): it is negative"},
		"negative is skipped":           {policy: topology.SkipInvalidTimestamp, timestamp: -3, want: topology.Skipped},
		"extracted negative is skipped": {extract: minusOne, policy: topology.SkipInvalidTimestamp, want: topology.Skipped},
		"partition time":                {policy: topology.UsePartitionTime, timestamp: -1, partition: 9, want: 9},
		"partition time of zero":        {policy: topology.UsePartitionTime, timestamp: -1, partition: 0, want: 0},
		"partition time unknown":        {policy: topology.UsePartitionTime, timestamp: -1, partition: -1, err: "no earlier record"},
		"panic":                         {extract: panics, timestamp: 5, err: "extract timestamp (5): panic: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			out := new(catcher[string, int32])
			h := head(t, source{Timestamp: c.extract, InvalidTimestamp: c.policy}, out)
			ts, err := h.Decode(raw([]byte("k"), seven, c.timestamp), c.partition)
			if c.err != "" {
				wantErr(t, err, c.err)
				var bad *topology.TimestampError
				if !errors.As(err, &bad) {
					t.Errorf("error is a %T, want a TimestampError", err)
				}
				return
			}
			if ts != c.want || err != nil {
				t.Fatalf("Decode = %d, %v; want %d", ts, err, c.want)
			}
			if h.Process(); c.want >= 0 && out.got[0].Timestamp != c.want {
				t.Errorf("record has timestamp %d, want %d", out.got[0].Timestamp, c.want)
			}
		})
	}
}

// boundSerde tells which topic it was bound to.
type boundSerde struct {
	serde.Serde[string]
	topic string
}

func (s boundSerde) Decode([]byte) (string, error) { return s.topic, nil }

func (s boundSerde) ForTopic(topic string, isKey bool) serde.Serde[string] {
	if isKey {
		topic += " key"
	}
	return boundSerde{topic: topic}
}

func TestSourceBindsSerdesToTopics(t *testing.T) {
	out := new(catcher[string, string])
	n := topology.Node{Name: "source", Topics: topics([]string{"a", "*b"}), New: topology.NewSource(topology.SourceConfig[string, string]{Key: boundSerde{}, Value: boundSerde{}})}
	src := make1(t, new(fakeTask), n, out).(topology.SourceNode)
	for _, topic := range []string{"a", "app-b", "c"} {
		h := src.NewHead()
		if _, err := h.Decode(&record.Raw{TopicPartition: record.TopicPartition{Topic: topic}, Key: []byte{}, Value: []byte{}}, -1); err != nil {
			t.Fatal(err)
		}
		h.Process()
	}
	if got, want := out.String(), "a key=a@0; app-b key=app-b@0; c key=c@0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSourceNeedsSerdes(t *testing.T) {
	_, err := topology.NewSource(topology.SourceConfig[string, string]{Key: serde.String})(topology.NewScope(new(fakeTask), &topology.Node{Name: "s"}, nil))
	wantErr(t, err, `source "s" has no serde`)
}

func TestChildOfAnotherType(t *testing.T) {
	n := &topology.Node{Name: "s", Children: []string{"c"}}
	_, err := topology.NewSource(topology.SourceConfig[string, string]{Key: serde.String, Value: serde.String})(topology.NewScope(new(fakeTask), n, []any{new(catcher[string, int64])}))
	wantErr(t, err, `node "s" sends records of string and string, which its child "c"`)
}

// path is a source, a processor and a sink, connected.
func path(tb testing.TB, task processor.Task) topology.Head {
	n := func(name string, f func(*topology.Scope) (any, error), topic ...string) topology.Node {
		return topology.Node{Name: name, New: f, Topics: topics(topic)}
	}
	sink := make1(tb, task, n("sink", topology.NewSink(topology.SinkConfig[int64, *int32]{Key: serde.Int64, Value: serde.Pointer(serde.Int32)}), "out"))
	pass := make1(tb, task, n("pass", topology.NewProcessor(processor.Func(
		func(ctx *processor.Context[int64, *int32], r record.Record[int64, int32]) error {
			ctx.Forward(record.WithValue(r, &answer))
			return nil
		}))), sink)
	if err := pass.(topology.Initializer).Init(); err != nil {
		tb.Fatal(err)
	}
	src := make1(tb, task, n("source", topology.NewSource(topology.SourceConfig[int64, int32]{
		Key: serde.Int64, Value: serde.Int32,
		Timestamp: func(_ record.Record[int64, int32], src *record.Raw, _ int64) int64 { return src.Timestamp + 1 },
	}), "in"), pass)
	return src.(topology.SourceNode).NewHead()
}

var answer int32 = 42

// TestNoAllocation shows that a record's way from its bytes to its bytes allocates nothing of leat's own: what is
// left is one chunk of the arena in thousands of records.
func TestNoAllocation(t *testing.T) {
	task := &fakeTask{drop: func(processor.Output) {}}
	h := path(t, task)
	r := raw([]byte{0, 0, 0, 0, 0, 0, 0, 1}, seven, 5)
	got := testing.AllocsPerRun(10_000, func() {
		if _, err := h.Decode(r, -1); err != nil {
			t.Fatal(err)
		}
		h.Process()
	})
	if got != 0 {
		t.Errorf("%v allocations a record, want 0", got)
	}
	if task.failed != nil {
		t.Fatal(task.failed)
	}
}

func BenchmarkSourceToSink(b *testing.B) {
	sent := 0
	h := path(b, &fakeTask{drop: func(processor.Output) { sent++ }})
	r := raw([]byte{0, 0, 0, 0, 0, 0, 0, 1}, seven, 5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Decode(r, -1); err != nil {
			b.Fatal(err)
		}
		h.Process()
	}
	if sent != b.N {
		b.Fatalf("%d of %d records reached the sink", sent, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
