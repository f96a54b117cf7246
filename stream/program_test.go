package stream_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/task"
)

// The tests of the operators run programs on these topics in the test driver.
var (
	in   = stream.NewTopic("in", serde.String, serde.String)
	in2  = stream.NewTopic("in2", serde.String, serde.String)
	out  = stream.NewTopic("out", serde.String, serde.String)
	out2 = stream.NewTopic("out2", serde.String, serde.String)
	nums = stream.NewTopic("nums", serde.String, serde.Int64)
)

// program is a program under test.
type program struct {
	*streamtest.Driver
	t *testing.T
}

func run(t *testing.T, cfg streamtest.Config, describe func(*stream.Builder)) *program {
	t.Helper()
	b := stream.New()
	describe(b)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return &program{streamtest.New(t, top, cfg), t}
}

var skipErrors = streamtest.Config{Processing: task.ErrorPolicy{Then: task.Skip}}

// pipe writes records of the form key=value@timestamp to "in": no "=" is a null value, an empty key a null
// key, no "@" timestamp 0.
func (p *program) pipe(records ...string) *program {
	p.t.Helper()
	p.pipeTo(in, records...)
	return p
}

func (p *program) pipeTo(topic stream.Topic[string, string], records ...string) {
	p.t.Helper()
	for _, r := range records {
		streamtest.Input(p.Driver, topic).PipeRecord(parse(p.t, r))
	}
}

func parse(t *testing.T, s string) record.Record[string, string] {
	t.Helper()
	var r record.Record[string, string]
	if text, at, ok := strings.Cut(s, "@"); ok {
		s = text
		if _, err := fmt.Sscan(at, &r.Timestamp); err != nil {
			t.Fatal(err)
		}
	}
	key, value, ok := strings.Cut(s, "=")
	if r.Key, r.Value = key, value; !ok {
		r.Null |= record.NullValue
	}
	if key == "" {
		r.Null |= record.NullKey
	}
	return r
}

// wants compares what was written to a topic, in the form of pipe, all in one line.
func wants[V any](p *program, topic stream.Topic[string, V], want string) {
	p.t.Helper()
	compare(p, topic.Name(), streamtest.Output(p.Driver, topic), want)
}

// compare is wants for what has not been read of a topic.
func compare[V any](p *program, name string, o *streamtest.OutputTopic[string, V], want string) {
	p.t.Helper()
	var got []string
	for _, r := range o.ReadAll() {
		s := r.Key
		if r.Null.Key() != (r.Key == "") {
			p.t.Errorf("key %q of %s is null: %v", r.Key, name, r.Null.Key())
		}
		if !r.Null.Value() {
			s += fmt.Sprintf("=%v", r.Value)
		}
		if r.Timestamp != 0 {
			s += fmt.Sprintf("@%d", r.Timestamp)
		}
		got = append(got, s)
	}
	if s := strings.Join(got, " "); s != want {
		p.t.Errorf("%s:\n got %s\nwant %s", name, s, want)
	}
}
