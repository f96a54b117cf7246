package task_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// scripted is a subtopology of one source a topic, a processor that does what records say, and a sink.
func scripted(t *testing.T, s *script, topics []string, timestamps topology.TimestampPolicy) *topology.Subtopology {
	t.Helper()
	b := topology.NewBuilder()
	var from []topology.Handle[string, string]
	for _, topic := range topics {
		from = append(from, topology.FromNode(b,
			topology.Node{Name: "from-" + topic, Topics: []topology.Topic{{Name: topic}}},
			topology.SourceConfig[string, string]{Key: serde.String, Value: strict{}, InvalidTimestamp: timestamps}))
	}
	all := topology.Union(from[0], from[1:]...)
	b.AddStore(topology.KeyValue("counts", serde.String, serde.String))
	b.AddStore(topology.KeyValue("other", serde.String, serde.String))
	done := topology.Process(all, "script", func() processor.Processor[string, string, string, string] {
		return &actor{script: s, timers: make(map[string]*processor.Punctuation), tries: make(map[string]int)}
	}, "counts")
	owner := topology.Process(done, "owner", processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
		ctx.Forward(r)
		return nil
	}), "other")
	topology.To(owner, "out", "out", serde.String, serde.String)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return top.Subtopologies[0]
}

// strict is a serde of strings that do not begin with '!'.
type strict struct{}

func (strict) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (strict) Decode(b []byte) (string, error) {
	if strings.HasPrefix(string(b), "!") {
		return "", errors.New("not readable")
	}
	return string(b), nil
}

// actor does what the values of its records say, in order, separated by semicolons:
//
//	out TEXT                 forwards
//	put TEXT, delete, get    on the store, by the record's key
//	context                  returns the context's error
//	error, panic             as it says; flaky N fails N times, then goes on
//	commit                   asks for a commit
//	store NAME               looks a store up
//	timer NAME stream|clock MS [SCRIPT]    where SCRIPT has commas
//	cancel NAME
//	ahead                    forwards with a negative timestamp
type actor struct {
	script *script
	ctx    *processor.Context[string, string]
	counts statestore.KeyValue[string, string]
	timers map[string]*processor.Punctuation
	tries  map[string]int
}

func (a *actor) Init(ctx *processor.Context[string, string]) (err error) {
	a.ctx = ctx
	a.counts, err = topology.StoreIn[statestore.KeyValue[string, string]](ctx, "counts")
	return err
}

func (a *actor) Process(r record.Record[string, string]) error {
	src, _ := a.ctx.Source()
	a.script.note("%s@%d time=%d stream=%d %s=%s", src.Topic, src.Offset, r.Timestamp, a.ctx.StreamTime(), r.Key, r.Value)
	return a.act(r.Key, r.Value, r.Timestamp)
}

func (a *actor) Close() error { return nil }

func (a *actor) act(key, text string, at int64) error {
	for line := range strings.SplitSeq(text, ";") {
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		switch w[0] {
		case "out":
			a.ctx.Forward(record.New(key, strings.Join(w[1:], " "), at))
		case "ahead":
			a.ctx.Forward(record.New(key, "", -5))
		case "put":
			a.counts.Put(key, w[1])
		case "delete":
			a.counts.Delete(key)
		case "get":
			v, ok := a.counts.Get(key)
			a.script.note("  %s is %q %v", key, v, ok)
		case "error":
			return errors.New("no")
		case "context":
			if err := a.ctx.Context().Err(); err != nil {
				return fmt.Errorf("call a service: %w", err)
			}
		case "panic":
			panic("oh no")
		case "flaky":
			a.tries[key]++
			if strconv.Itoa(a.tries[key]) <= w[1] {
				return fmt.Errorf("try %d", a.tries[key])
			}
		case "commit":
			a.ctx.RequestCommit()
		case "store":
			if _, err := a.ctx.Store(w[1]); err != nil {
				return err
			}
		case "timer":
			a.timer(w[1], w[2] == "clock", w[3], strings.ReplaceAll(strings.Join(w[4:], " "), ",", ";"))
		case "cancel":
			a.timers[w[1]].Cancel()
		}
	}
	return nil
}

func (a *actor) timer(name string, clock bool, interval, text string) {
	kind := processor.StreamTime
	if clock {
		kind = processor.WallClockTime
	}
	ms, err := time.ParseDuration(interval + "ms")
	if err != nil {
		panic(err)
	}
	a.timers[name] = a.ctx.Schedule(ms, kind, func(now int64) error {
		_, ok := a.ctx.Source()
		a.script.note("  timer %s at %d, timestamp %d, source %v", name, now, a.ctx.Timestamp(), ok)
		return a.act(name, text, now)
	})
}
