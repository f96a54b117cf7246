package task_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// TestTranscript replays the files of testdata. A file drives one task after another, each of one scripted
// processor (script_test.go) that is connected to the store "counts" and not to the store "other". Its commands:
//
//	task [topics=(a,b)] [reads=(a)] [partition=N] [idle=D] [every-update] [timestamps=skip|partition]
//	     [decode=skip|handler] [process=skip|handler] [retries=N] [backoff=D] [max-backoff=D]
//	                             makes a task and prints its inputs
//	resume TOPIC next=N [time=N]
//	offer TOPIC [position=N]    lines "OFFSET@TIME [KEY=]SCRIPT"
//	lag TOPIC=N…
//	step [now=N]                one step; run [now=N]: steps until no record is ready
//	punctuate now=N
//	prepare                     flushes; prints the offsets to commit
//	confirm at=N                the commit has been confirmed, the changelog's position is N
//	state                       what the store's backend holds
//	status                      times, queues, what is wanted
//	stop                        the instance's context ends
//
// Commands print what happened since the last: scripts that ran, waits, drops, outputs, an error.
func TestTranscript(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *script
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "task" {
				s = newScript(t, d)
				return s.happened()
			}
			return s.command(t, d)
		})
	})
}

// script is a task under test and the record of what it did.
type script struct {
	task    *task.Task
	backend statestore.Backend
	stop    context.CancelFunc
	inputs  map[string]int
	seen    []string
	err     error
}

func newScript(t *testing.T, d *datadriven.TestData) *script {
	t.Helper()
	s := &script{backend: statestore.NewMemory(), inputs: make(map[string]int)}
	topics, reads := []string{"a"}, []string(nil)
	var partition int
	cfg := task.Config{Application: "app", Persistent: s.backend, Memory: statestore.NewMemory(), Observer: s, Wait: s.wait}
	timestamps := topology.FailOnInvalidTimestamp
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "topics":
			topics = arg.Vals
		case "reads":
			reads = arg.Vals
		case "partition":
			arg.Scan(t, 0, &partition)
		case "idle":
			cfg.MaxIdle = duration(t, arg.Vals[0])
		case "every-update":
			cfg.EveryUpdate = true
		case "timestamps":
			timestamps = map[string]topology.TimestampPolicy{"skip": topology.SkipInvalidTimestamp, "partition": topology.UsePartitionTime}[arg.Vals[0]]
		case "decode":
			s.policy(&cfg.Deserialization, arg.Vals[0])
		case "process":
			s.policy(&cfg.Processing, arg.Vals[0])
		case "retries":
			arg.Scan(t, 0, &cfg.Processing.Retries)
		case "backoff":
			cfg.Processing.Backoff = duration(t, arg.Vals[0])
		case "max-backoff":
			cfg.Processing.MaxBackoff = duration(t, arg.Vals[0])
		default:
			d.Fatalf(t, "unknown argument %s", arg)
		}
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(t.Context())
	cfg.Context, cfg.Partition = ctx, int32(partition)
	cfg.Subtopology = scripted(t, s, topics, timestamps)
	if reads != nil {
		cfg.Reads = func(topic string) bool { return slices.Contains(reads, topic) }
	}
	var err error
	if s.task, err = task.New(cfg); err != nil {
		s.note("error: %v", err)
		return s
	}
	for i, tp := range s.task.Inputs() {
		s.inputs[tp.Topic] = i
		s.note("input %d: %s[%d]", i, tp.Topic, tp.Partition)
	}
	return s
}

// policy sets what becomes of a record in error; "handler" notes the error before it skips the record.
func (s *script) policy(p *task.ErrorPolicy, how string) {
	p.Then = task.Skip
	if how == "handler" {
		p.Then = task.Fail // does not count
		p.Handler = func(e task.RecordError) task.Action {
			s.note("handler: time=%d %v", e.Timestamp, e)
			return task.Skip
		}
	}
}

func (s *script) command(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	args := make(map[string]int64)
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 1 {
			n, err := strconv.ParseInt(arg.Vals[0], 10, 64)
			if err != nil {
				d.Fatalf(t, "argument %s: %v", arg, err)
			}
			args[arg.Key] = n
		}
	}
	switch d.Cmd {
	case "resume":
		at := int64(-1)
		if n, ok := args["time"]; ok {
			at = n
		}
		s.task.Resume(s.inputs[d.CmdArgs[0].Key], args["next"], at)
	case "offer":
		topic := d.CmdArgs[0].Key
		recs, position := parseRecords(t, d, s.task.Inputs()[s.inputs[topic]])
		if n, ok := args["position"]; ok {
			position = n
		}
		s.task.Offer(s.inputs[topic], recs, position)
	case "lag":
		for topic, n := range args {
			s.task.SetLag(s.inputs[topic], n)
		}
	case "step":
		if !s.task.Step(args["now"]) {
			s.note("no step")
		}
	case "run":
		for s.task.Step(args["now"]) {
		}
	case "punctuate":
		if !s.task.Punctuate(args["now"]) {
			s.note("nothing due")
		}
	case "prepare":
		s.prepare()
	case "confirm":
		err := s.task.Confirm(func(int) (statestore.Position, bool) {
			return statestore.Position{Next: args["at"]}, args["at"] >= 0
		})
		if err != nil {
			s.note("confirm: %v", err)
		}
	case "state":
		s.state(t)
	case "status":
		s.status()
	case "stop":
		s.stop()
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return s.happened()
}

func parseRecords(t *testing.T, d *datadriven.TestData, tp record.TopicPartition) (recs []record.Raw, position int64) {
	t.Helper()
	for line := range strings.Lines(d.Input) {
		head, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		offset, timestamp, _ := strings.Cut(head, "@")
		r := record.Raw{TopicPartition: tp, Offset: number(t, offset), Timestamp: number(t, timestamp), Key: []byte("k"), Value: []byte(text)}
		if key, value, ok := strings.Cut(text, "="); ok {
			r.Key, r.Value = []byte(key), []byte(value)
		}
		recs, position = append(recs, r), r.Offset+1
	}
	return recs, position
}

func (s *script) prepare() {
	c, err := s.task.Prepare()
	if err != nil {
		s.note("prepare: %v", err)
		return
	}
	for _, o := range c.Offsets {
		s.note("commit %s[%d] next=%d time=%d", o.Topic, o.Partition, o.Next, o.Time)
	}
	if len(c.Offsets) == 0 {
		s.note("no offsets to commit")
	}
}

func (s *script) state(t *testing.T) {
	t.Helper()
	e, err := s.backend.Open("counts")
	if err != nil {
		t.Fatal(err)
	}
	it := e.Iterate(nil, nil, false)
	defer it.Close()
	for it.Next() {
		s.note("%s=%s", it.Key(), it.Value())
	}
	p, ok, err := s.backend.Position("counts")
	s.note("position %d %v %v", p.Next, ok, err)
}

func (s *script) status() {
	s.note("stream time %d, processed %d, commit wanted %v needed %v", s.task.StreamTime(), s.task.Processed(), s.task.CommitWanted(), s.task.CommitNeeded())
	for i, tp := range s.task.Inputs() {
		s.note("%s: %d buffered", tp.Topic, s.task.Buffered(i))
	}
	if at, ok := s.task.NextPunctuation(); ok {
		s.note("next punctuation at %d", at)
	}
}

// happened returns what has been noted since the last call, with the outputs and the first sight of an error.
func (s *script) happened() string {
	if s.task != nil {
		for _, o := range s.task.Outputs() {
			value := "null"
			if o.Value != nil {
				value = string(o.Value)
			}
			s.note("-> %s[%d] %s=%s @%d", o.Topic, o.Partition, o.Key, value, o.Timestamp)
		}
		if err := s.task.Err(); err != nil && s.err == nil {
			s.err = err
			s.note("failed: %v", err)
		}
	}
	text := strings.Join(s.seen, "\n")
	s.seen = nil
	return text
}

func (s *script) note(format string, args ...any) {
	s.seen = append(s.seen, fmt.Sprintf(format, args...))
}

func (s *script) wait(d time.Duration) { s.note("wait %v", d) }

// Dropped implements task.Observer.
func (s *script) Dropped(id, node string, reason processor.DropReason, src processor.Source) {
	s.note("task %s: dropped at %s: %s %s[%d]@%d", id, node, reason, src.Topic, src.Partition, src.Offset)
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
