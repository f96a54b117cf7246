package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// repartitionName is what W6 calls its grouping.
const repartitionName = "by-hash"

// repartitionTopic is the topic of that grouping.
func repartitionTopic(id string) string { return id + "-" + repartitionName + "-repartition" }

// kept lets windowed changelogs keep their records: event times lie in the past, and the broker would drop them.
var kept = map[string]string{"retention.ms": never}

// build returns the topology of a workload that reads the topics in and writes to out. first is told of each
// input record.
func build(workload string, in []string, out string, first *firstRecord) (*topology.Topology, error) {
	b := stream.New()
	text := func(name string) stream.Topic[string, string] {
		return stream.NewTopic(name, serde.String, serde.String)
	}
	counted := stream.NewTopic(out, serde.String, serde.Int64)
	counts := stream.NewStore("counts", serde.String, serde.Int64)
	seen := stream.Timestamp(first.time)
	input := stream.From(b, text(in[0]), seen)
	switch workload {
	case "W1":
		upper := stream.MapValues(input, upperFirst)
		stream.To(stream.Filter(upper, func(_, v string) bool { return v[1] != '0' }), text(out))
	case "W2", "W7":
		stream.To(stream.ToStream(stream.Count(stream.GroupByKey(input), counts)), counted)
	case "W3":
		windows := window.Tumbling(10 * time.Second).Grace(5 * time.Second)
		table := stream.CountWindows(stream.WindowedBy(stream.GroupByKey(input), windows), counts.ChangelogConfig(kept))
		stream.To(stream.ToStream(table), stream.NewTopic(out, window.Keys(serde.String, windows.Size()), serde.Int64))
	case "W4":
		table := stream.TableFrom(b, text(in[1]), stream.NewStore("table", serde.String, serde.String), seen)
		stream.To(stream.JoinTable(input, table, pair), text(out))
	case "W5":
		right := stream.From(b, text(in[1]), seen)
		within := stream.Within(2 * time.Second).WithGrace(5 * time.Second)
		joined := stream.Join(input, right, within, pair, stream.Named("join"), stream.KeptIn(stream.JoinStores{Name: "join", ChangelogConfig: kept}))
		stream.To(joined, text(out))
	case "W6":
		hashed := stream.SelectKey(input, func(_, v string) string { return hashKey(v) })
		stream.To(stream.ToStream(stream.Count(stream.GroupByKey(hashed, stream.Named(repartitionName)), counts)), counted)
	case "keep":
		latest := stream.NewStore("kept", serde.String, serde.String)
		stream.Reduce(stream.GroupByKey(input), func(_, v string) string { return v }, latest)
	case "latency":
		timed := stream.NewStore("timed", serde.String, countWithTimeSerde)
		table := stream.Aggregate(stream.GroupByKey(input), func() countWithTime { return countWithTime{} }, addWithTime, timed)
		stream.To(stream.ToStream(table), stream.NewTopic(out, serde.String, countWithTimeSerde))
	default:
		return nil, usagef("leat does not run %s", workload)
	}
	return b.Build()
}

func upperFirst(v string) string {
	if c := v[0]; c >= 'a' && c <= 'z' {
		return string(c-32) + v[1:]
	}
	return v
}

func pair(left, right string) string { return left + "|" + right }

// countWithTime is the aggregate of the latency application: W2's count, and when the record was to be sent,
// in microseconds.
type countWithTime struct{ count, sent int64 }

// addWithTime counts a value and takes over the time that it begins with.
func addWithTime(key, value string, agg countWithTime) countWithTime {
	sent, err := strconv.ParseInt(value[:16], 10, 64)
	if err != nil {
		panic(fmt.Errorf("value of key %s: %w", key, err))
	}
	return countWithTime{agg.count + 1, sent}
}

// countWithTimeSerde writes both numbers big-endian.
var countWithTimeSerde serde.Serde[countWithTime] = timedSerde{}

type timedSerde struct{}

func (timedSerde) Append(dst []byte, v countWithTime) ([]byte, error) {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, uint64(v.count)), uint64(v.sent)), nil
}

func (timedSerde) Decode(b []byte) (countWithTime, error) {
	if len(b) != 16 {
		return countWithTime{}, fmt.Errorf("decode count with time: %d bytes, not 16", len(b))
	}
	return countWithTime{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// time is the sources' timestamp function: it takes each record's own, and notes when the first one reached
// the application.
func (f *firstRecord) time(r record.Record[string, string], _ *record.Raw, _ int64) int64 {
	if !f.marked.Load() {
		f.mark()
	}
	return r.Timestamp
}
