package takeover

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/integration/kafkatest"
)

// setting is how an application is run.
type setting struct {
	exactlyOnce bool
	optimize    bool
	// headers makes Kafka Streams keep headers in its stores, where it can.
	headers bool
}

// run is one application with topics of its own.
type run struct {
	setting
	t       *testing.T
	brokers []string
	client  *kgo.Client
	admin   *kadm.Client
	prefix  string
	// quick is how many orders the next side does not hold up.
	quick     int64
	javaState string
	leatState string
	describe  string
}

func (r *run) application() string { return r.prefix + "app" }

func newRun(t *testing.T, s setting) *run {
	t.Helper()
	brokers := kafkatest.Brokers(t)
	// The client's delivery timeout counts from the records' time, which is long past.
	client := kafkatest.NewClient(t, brokers, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RecordDeliveryTimeout(0),
		kgo.UnknownTopicRetries(100)) // topics that were created just now
	dir := t.TempDir()
	r := &run{
		setting: s, t: t, brokers: brokers, client: client, admin: kadm.NewClient(client), prefix: kafkatest.UniqueName("takeover") + "-",
		quick: math.MaxInt64, javaState: filepath.Join(dir, "java"), leatState: filepath.Join(dir, "leat"), describe: filepath.Join(dir, "describe"),
	}
	var topics []string
	for _, name := range inputs {
		topics = append(topics, r.prefix+name)
	}
	for name := range outputs {
		topics = append(topics, r.prefix+name)
	}
	made, err := r.admin.CreateTopics(t.Context(), partitions, -1, nil, topics...)
	if err = errors.Join(err, made.Error()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.deleteTopics)
	return r
}

// deleteTopics leaves a shared cluster as it was.
func (r *run) deleteTopics() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	topics, err := r.topics(ctx)
	if err == nil {
		_, err = r.admin.DeleteTopics(ctx, topics...)
	}
	if err != nil {
		r.t.Logf("delete topics: %v", err)
	}
}

// topics are all topics of the run.
func (r *run) topics(ctx context.Context) (names []string, err error) {
	all, err := r.admin.ListTopics(ctx)
	for _, name := range all.Names() {
		if len(name) > len(r.prefix) && name[:len(r.prefix)] == r.prefix {
			names = append(names, name)
		}
	}
	return names, err
}

// side is one of the two forms of the application, running.
type side interface {
	// stop ends it in order, with everything that it has processed committed.
	stop()
	// failed is the error of one that has ended by itself.
	failed() error
}

type leatApp struct {
	t      *testing.T
	cancel context.CancelFunc
	done   chan error
}

func (r *run) startLeat() side {
	r.t.Helper()
	topo, err := build(r.prefix, r.quick, r.optimize)
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := app.Config{
		Application: r.application(), Topology: topo, Brokers: r.brokers, StateDir: r.leatState, Workers: 1, CommitInterval: 100 * time.Millisecond,
		Memory: 32 << 20, Logger: slog.New(slog.NewTextHandler(logWriter{r.t}, nil)),
	}
	if r.exactlyOnce {
		cfg.Guarantee = app.ExactlyOnce
	}
	a, err := app.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &leatApp{t: r.t, cancel: cancel, done: make(chan error, 1)}
	go func() { l.done <- a.Run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-l.done })
	return l
}

func (l *leatApp) stop() {
	l.t.Helper()
	l.cancel()
	err := <-l.done
	l.done <- err
	if err != nil {
		l.t.Fatal("leat: ", err)
	}
}

func (l *leatApp) failed() error {
	select {
	case err := <-l.done:
		l.done <- err
		return errors.Join(errors.New("leat has ended"), err)
	default:
		return nil
	}
}

type logWriter struct{ t *testing.T }

func (w logWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

// patience bounds every wait; a busy machine takes its time.
const patience = 5 * time.Minute

// processed returns how many orders the application has committed.
func (r *run) processed() (n int64, err error) {
	offsets, err := r.admin.FetchOffsets(r.t.Context(), r.application())
	for _, p := range offsets[r.prefix+"orders"] {
		n += max(0, p.At)
	}
	return n, err
}

// await returns when ok says so.
func (r *run) await(s side, what string, ok func() (bool, error)) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // no broker can tell
		done, err := ok()
		if err == nil && done {
			return
		}
		if ended := s.failed(); ended != nil {
			r.t.Fatalf("%s: %v", what, ended)
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not in time: %v", what, err)
		}
	}
}

// awaitPart returns when so many orders have been processed.
func (r *run) awaitPart(s side, part int64) {
	r.t.Helper()
	r.await(s, "process a part of the input", func() (bool, error) {
		n, err := r.processed()
		return n >= part, err
	})
}

// awaitAll returns when everything has been processed, internal topics included.
func (r *run) awaitAll(s side) {
	r.t.Helper()
	r.await(s, "process everything", func() (bool, error) {
		// Offsets first: what was made of the records before them is then in front of the ends.
		offsets, err := r.admin.FetchOffsets(r.t.Context(), r.application())
		if err != nil {
			return false, err
		}
		topics, err := r.topics(r.t.Context())
		if err != nil {
			return false, err
		}
		ends, err := r.admin.ListEndOffsets(r.t.Context(), topics...)
		all := true
		ends.Each(func(end kadm.ListedOffset) {
			if r.reads(end.Topic) && end.Offset > 0 {
				o, ok := offsets.Lookup(end.Topic, end.Partition)
				all = all && ok && o.At >= end.Offset
			}
		})
		return all, err
	})
}
