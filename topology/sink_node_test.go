package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

type sinkConfig = topology.SinkConfig[string, *int32]

func sink(t *testing.T, task *fakeTask, topic string, c sinkConfig) processor.Receiver[string, *int32] {
	t.Helper()
	c.Key, c.Value = serde.String, serde.Pointer(serde.Int32)
	n := topology.Node{Name: "sink", New: topology.NewSink(c)}
	if topic != "" {
		n.Topics = topics([]string{topic})
	}
	return make1(t, task, n).(processor.Receiver[string, *int32])
}

func text(out []processor.Output) string {
	var lines []string
	for _, o := range out {
		part := func(b []byte) string {
			if b == nil {
				return "null"
			}
			return fmt.Sprintf("%q", b)
		}
		l := fmt.Sprintf("%s[%d] %s=%s@%d", o.Topic, o.Partition, part(o.Key), part(o.Value), o.Timestamp)
		if o.PartitionKey != nil {
			l += " by " + part(o.PartitionKey)
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n")
}

func TestSinkWrites(t *testing.T) {
	v := int32(7)
	rec := func(key string, value *int32, null record.Null) record.Record[string, *int32] {
		return record.Record[string, *int32]{Key: key, Value: value, Timestamp: 5, Null: null}
	}
	for name, c := range map[string]struct {
		topic  string
		config sinkConfig
		r      record.Record[string, *int32]
		want   string
	}{
		"both":            {"out", sinkConfig{}, rec("k", &v, 0), `out[-1] "k"="\x00\x00\x00\a"@5`},
		"internal":        {"*out", sinkConfig{}, rec("k", &v, 0), `app-out[-1] "k"="\x00\x00\x00\a"@5`},
		"empty key":       {"out", sinkConfig{}, rec("", &v, 0), `out[-1] ""="\x00\x00\x00\a"@5`},
		"null key":        {"out", sinkConfig{}, rec("", &v, record.NullKey), `out[-1] null="\x00\x00\x00\a"@5`},
		"tombstone":       {"out", sinkConfig{}, rec("k", nil, record.NullValue), `out[-1] "k"=null@5`},
		"unmarked nil":    {"out", sinkConfig{}, rec("k", nil, 0), `out[-1] "k"=null@5`},
		"topic by record": {"", sinkConfig{Topic: func(r record.Record[string, *int32], s processor.Source) string { return r.Key + "-" + s.Topic }}, rec("k", &v, 0), `k-in[-1] "k"="\x00\x00\x00\a"@5`},
		"partition":       {"out", sinkConfig{Partition: func(_ string, v *int32, n int32) int32 { return *v % n }}, rec("k", &v, 0), `out[3] "k"="\x00\x00\x00\a"@5`},
		"no partition":    {"out", sinkConfig{Partition: func(string, *int32, int32) int32 { return -7 }}, rec("k", &v, 0), `out[-1] "k"="\x00\x00\x00\a"@5`},
		"partition key":   {"out", sinkConfig{PartitionKey: func(dst []byte, key string) ([]byte, error) { return append(dst, key[0]), nil }}, rec("key", &v, 0), `out[-1] "key"="\x00\x00\x00\a"@5 by "k"`},
	} {
		t.Run(name, func(t *testing.T) {
			task := &fakeTask{source: processor.Source{TopicPartition: record.TopicPartition{Topic: "in"}}}
			sink(t, task, c.topic, c.config).Process(c.r)
			if got := text(task.sent); got != c.want || task.failed != nil {
				t.Errorf("sent %s (failed: %v), want %s", got, task.failed, c.want)
			}
		})
	}
}

func TestSinkRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		topic  string
		config sinkConfig
		key    string
		want   string
	}{
		"key":                {"out", sinkConfig{}, "\xff", `serialize key for topic "out": string of 1 bytes is not valid UTF-8`},
		"no topic":           {"", sinkConfig{Topic: func(record.Record[string, *int32], processor.Source) string { return "" }}, "k", "choose topic: the function returned an empty name"},
		"panic":              {"", sinkConfig{Topic: func(record.Record[string, *int32], processor.Source) string { panic("no luck") }}, "k", "panic: no luck"},
		"partition too high": {"out", sinkConfig{Partition: func(string, *int32, int32) int32 { return 4 }}, "k", "the function returned 4, the topic has 4 partitions"},
		"unknown topic":      {"new", sinkConfig{Partition: func(string, *int32, int32) int32 { return 4 }}, "k", "its number of partitions is not known"},
		"partition key":      {"out", sinkConfig{PartitionKey: func(dst []byte, _ string) ([]byte, error) { return dst, errBoom }}, "k", "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			task := &fakeTask{skip: true, retries: 1}
			sink(t, task, c.topic, c.config).Process(record.New[string, *int32](c.key, nil, 0))
			if len(task.refused) != 2 || !strings.Contains(task.refused[1], c.want) || len(task.sent) != 0 {
				t.Errorf("refused %q, sent %s; want two tries with %q", task.refused, text(task.sent), c.want)
			}
		})
	}
}

func TestSinkIsSetUpWrong(t *testing.T) {
	choose := func(record.Record[string, string], processor.Source) string { return "out" }
	type config = topology.SinkConfig[string, string]
	for want, c := range map[string]struct {
		topics []string
		config config
	}{
		`sink "k" has no serde`: {[]string{"out"}, config{Key: serde.String}},
		"it has 0 topics":       {nil, config{Key: serde.String, Value: serde.String}},
		"it has 1 topics":       {[]string{"out"}, config{Key: serde.String, Value: serde.String, Topic: choose}},
	} {
		_, err := topology.NewSink(c.config)(topology.NewScope(new(fakeTask), &topology.Node{Name: "k", Topics: topics(c.topics)}, nil))
		wantErr(t, err, want)
	}
}
