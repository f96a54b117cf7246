package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// drainLimit is how long there may be no output while some is missing, once no fault is left.
	drainLimit = 3 * time.Minute
	// runningLimit bounds the wait for the instances to be running at the beginning.
	runningLimit = 5 * time.Minute
)

// run runs the brokers and the application through a script, and judges the outcome. The files of a run that does
// not end well stay.
func run(ctx context.Context, s settings, say func(format string, args ...any)) (r *result, err error) {
	base := s.dir
	if base == "" {
		if base, err = os.MkdirTemp("", "leat-chaos-"); err != nil {
			return nil, err
		}
	} else if err = os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	begin := time.Now()
	s.load = loadAverage()
	say("seed %d, files in %s", s.seed, base)
	cl, err := startCluster(ctx, s.port)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil || len(r.violations) > 0 || s.keep {
			err = errors.Join(err, cl.keepLogs(base))
			if err != nil {
				err = fmt.Errorf("%w; the logs of all processes are in %s", err, base)
			}
		} else {
			err = os.RemoveAll(base)
		}
		err = errors.Join(err, cl.close())
	}()
	if err := cl.createTopics(ctx); err != nil {
		return nil, fmt.Errorf("create topics: %w", err)
	}
	say("brokers at %v", cl.Brokers())
	c := &chaos{settings: s, cluster: cl, restores: newRestores(), say: say, done: make(map[kind]int)}
	defer c.close()
	if err := c.startInstances(ctx, base); err != nil {
		return nil, err
	}
	written, err := c.underLoad(ctx)
	if err != nil {
		return nil, err
	}
	c.stopInstances()
	say("reading everything")
	v, err := cl.verify(ctx, written, c.stateDirs(), s.guarantee == "exactly")
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	r = c.judge(v)
	r.began, r.took, r.dir, r.records = begin, time.Since(begin), base, written
	return r, nil
}

func (c *chaos) startInstances(ctx context.Context, base string) error {
	cfg := instanceConfig{Guarantee: c.settings.guarantee, Standbys: c.settings.standbys}
	for n := range c.settings.instances + 1 { // the last one is the first to be added
		s, err := newSlot(n+1, base, c.cluster.Brokers(), cfg, c.restores)
		if err != nil {
			return err
		}
		s.died = c.died
		c.slots = append(c.slots, s)
	}
	ctx, cancel := context.WithTimeout(ctx, runningLimit)
	defer cancel()
	for _, s := range c.slots[:c.settings.instances] {
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, s := range c.slots[:c.settings.instances] {
		if err := s.awaitRunning(ctx); err != nil {
			return fmt.Errorf("instance %d: %w", s.number, err)
		}
	}
	c.say("%d instances run", c.settings.instances)
	return nil
}

// underLoad writes the input and plays the script, and returns when every record has led to an output or none
// comes any more.
func (c *chaos) underLoad(ctx context.Context) (written fed, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.observer, err = newObserver(c.cluster.Brokers(), c.settings.keys); err != nil {
		return fed{}, err
	}
	go c.observer.run(ctx)
	f, err := newFeeder(c.cluster.Brokers(), c.settings)
	if err != nil {
		return fed{}, err
	}
	defer f.close()
	over := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- f.run(ctx, int64(c.settings.records), over) }()
	sleep(ctx, 5*time.Second) // the first outputs
	if err := c.play(ctx, scripted(c.settings.seed, c.settings.counts, c.settings.duration)); err != nil {
		return fed{}, err
	}
	c.say("no faults any more, %d records written", f.written.Load())
	close(over)
	if err := <-done; err != nil {
		return fed{}, err
	}
	return f.fed, c.drain(ctx, f.fed)
}

// drain waits for the outputs that are missing.
func (c *chaos) drain(ctx context.Context, written fed) error {
	c.say("waiting for the last outputs")
	quiet := time.Now()
	for {
		n, at := c.observer.behind(written)
		if n == 0 {
			return nil
		}
		if at.After(quiet) {
			quiet = at
		}
		if time.Since(quiet) > drainLimit {
			c.violation("stuck: %d outputs are missing, and for %v there was none", n, drainLimit)
			c.mu.Lock()
			c.ending = true
			c.mu.Unlock()
			for _, s := range c.slots { // their goroutines go to their logs
				s.expect()
				s.signal(syscall.SIGQUIT)
			}
			sleep(ctx, 2*time.Second)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stateDirs returns where the instances have kept their state.
func (c *chaos) stateDirs() (dirs []string) {
	for _, s := range c.slots {
		if s.starts > 0 {
			dirs = append(dirs, filepath.Join(s.dir, application))
		}
	}
	return dirs
}

func (c *chaos) stopInstances() {
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	for _, s := range c.slots {
		if err := s.stop(); err != nil {
			c.violation("%v", err)
		}
	}
}

func (c *chaos) close() {
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	for _, s := range c.slots {
		s.close()
	}
	if c.observer != nil {
		c.observer.close()
	}
}

// judge puts together what was found.
func (c *chaos) judge(v *verdict) *result {
	r := &result{settings: c.settings, done: c.done, input: v.input, output: v.output, joined: v.joined, local: v.local}
	r.stalls = c.observer.results()
	var wrong []string
	r.restores, wrong = c.restores.counts()
	r.violations = slices.Concat(c.violated, v.problems, wrong)
	if in := v.input; in.lost+in.repeated+in.wrong > 0 {
		r.violations = append(r.violations, fmt.Sprintf("the input itself is wrong: %q", in.examples))
	}
	for _, out := range []*ledger{v.output, v.joined} {
		if out.lost+out.wrong > 0 || out.repeated > 0 && c.settings.guarantee == "exactly" {
			r.violations = append(r.violations, out.examples...)
		}
	}
	return r
}

// loadAverage returns what Linux says how many processes were ready to run in the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if first, _, ok := strings.Cut(string(text), " "); err == nil && ok {
		return first
	}
	return "unknown"
}

// keepLogs copies the brokers' logs beside those of the instances.
func (c *cluster) keepLogs(dir string) error {
	for n := range c.Nodes() {
		text, err := c.Log(n + 1)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("broker-%d.log", n+1)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
