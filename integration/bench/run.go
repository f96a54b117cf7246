package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"github.com/leatstream/leat/app"
)

// run is one measured run of a workload.
func run(ctx context.Context, a *args) error {
	s, err := a.settings(1000, 100)
	if err != nil {
		return err
	}
	workload, err := a.need("workload")
	if err != nil {
		return err
	}
	workload = strings.ToUpper(workload)
	in, err := inputs(workload, s.prefix, s.records)
	if err != nil {
		return err
	}
	keep, err := a.yes("keep", false)
	if err != nil {
		return err
	}
	c, err := connect(s.bootstrap)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.loaded(ctx, in); err != nil {
		return err
	}
	id := a.text("app-id", fmt.Sprintf("%s-run-%s-%d", s.prefix, strings.ToLower(workload), time.Now().UnixMilli()))
	j := &job{settings: s, cluster: c, workload: workload, id: id, in: in, out: a.text("out", id+"-out"), keep: keep}
	if j.dir, err = stateDir(a, id); err != nil {
		return err
	}
	if err := c.create(ctx, j.out); err != nil {
		return err
	}
	var r *result
	if workload == "W7" {
		r, err = j.restore(ctx)
	} else {
		r, err = j.process(ctx)
	}
	if err == nil && workload != "W7" {
		err = verifyInto(ctx, r, a, workload, &s, j.out, !keep)
	}
	if !keep {
		if rerr := os.RemoveAll(j.dir); err == nil {
			err = rerr
		}
		if rerr := c.remove(context.WithoutCancel(ctx), j.id, j.out); err == nil {
			err = rerr
		}
	}
	if err != nil {
		return err
	}
	return r.finish(os.Stdout)
}

// stateDir returns the directory of the state; without the flag it is a new one.
func stateDir(a *args, id string) (string, error) {
	if a.has("state-dir") {
		return a.flags["state-dir"], nil
	}
	return os.MkdirTemp("", id+"-")
}

// job is a workload on its way.
type job struct {
	settings
	cluster  *cluster
	workload string
	id       string
	in       []input
	out      string
	dir      string
	keep     bool
}

// config is the configuration of WORKLOADS.md.
//
// Without a cache each update goes to the changelog and to out, as in Kafka Streams. With one, the last update of
// a key before a commit does, or before the cache is full.
func (j *job) config(first *firstRecord) (app.Config, error) {
	var topics []string
	for _, i := range j.in {
		topics = append(topics, i.topic)
	}
	t, err := build(j.workload, topics, j.out, first)
	if err != nil {
		return app.Config{}, err
	}
	level := slog.LevelWarn
	if j.verbose {
		level = slog.LevelInfo
	}
	cfg := app.Config{
		Application: j.id, Topology: t, Brokers: j.bootstrap, Workers: j.threads, StateDir: j.dir,
		CommitInterval: j.commit, Linger: j.linger, LogEveryUpdate: j.cache == 0, CacheEntries: int(j.entries),
		RecordCache: j.cache,
		// Transaction markers carry the present time: without this they roll the segment, and the cleaner
		// compacts it during the run.
		TopicConfig: map[string]string{"segment.ms": never},
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if j.eos {
		cfg.Guarantee = app.ExactlyOnce
	}
	return cfg, nil
}

// started is an application that runs in the background.
type started struct {
	*app.App
	stop context.CancelFunc
	done chan struct{}
	err  error // valid once done is closed
}

// start runs the application; ctx ends with a cause if it fails.
func start(ctx context.Context, cfg app.Config) (*started, context.Context, error) {
	a, err := app.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	alive, fail := context.WithCancelCause(ctx)
	running, stop := context.WithCancel(ctx)
	s := &started{App: a, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if s.err = a.Run(running); s.err != nil {
			fail(s.err)
		}
	}()
	return s, alive, nil
}

// end stops the application and returns what went wrong in it.
func (s *started) end() error {
	s.stop()
	<-s.done
	return s.err
}

// process measures the workloads that work an input off.
func (j *job) process(ctx context.Context) (*result, error) {
	var first firstRecord
	cfg, err := j.config(&first)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, i := range j.in {
		topics = append(topics, i.topic)
	}
	ends, err := j.cluster.ends(ctx, topics...)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	app, alive, err := start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	err = j.cluster.awaitDone(alive, j.workload, j.id, ends, j.timeout)
	end, cpu := time.Now(), cpuTime()
	rss, rerr := peakRSS()
	processed := recordsIn(app)
	if eerr := app.end(); eerr != nil { // what ended the wait, too
		return nil, eerr
	}
	if err != nil {
		return nil, err
	}
	if rerr != nil {
		return nil, rerr
	}
	r := newResult("leat", j.workload, &j.settings)
	var m measured
	m.records, m.rss = total(j.in), rss
	startup := math.NaN()
	if first.marked.Load() { // not where other instances were faster
		m.wall, m.cpu = end.Sub(first.at), cpu-first.cpu
		startup = first.at.Sub(begin).Seconds()
	}
	m.put(r, &j.settings)
	r.float("startup_s", startup)
	r.int("processed", processed)
	return r, nil
}

// recordsIn counts what this instance's tasks have processed, repartitioned records included.
func recordsIn(a *started) (n int64) {
	for _, t := range a.Metrics().Tasks {
		n += t.RecordsIn
	}
	return n
}

// measured is what every throughput row has.
type measured struct {
	records   int64
	wall, cpu time.Duration
	rss       float64
}

func (m *measured) put(r *result, s *settings) {
	r.int("cache", s.cache)
	r.int("commit_ms", s.commit.Milliseconds())
	r.int("records", m.records)
	r.float("wall_s", m.wall.Seconds())
	if m.wall > 0 {
		r.int("records_per_s", int64(math.Round(float64(m.records)/m.wall.Seconds())))
	}
	r.float("cpu_s", m.cpu.Seconds())
	r.float("cpu_us_per_record", float64(m.cpu.Nanoseconds())/1e3/float64(m.records))
	r.float("peak_rss_mb", m.rss)
}
