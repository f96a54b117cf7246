package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// bareLoop is the loop's name in results.
const bareLoop = "franz-go loop"

// bareLoops are the workloads of which there is a loop.
var bareLoops = []string{"W1", "W2", "W6"}

// limit measures what is left of a workload without a stream processor: the bound of what leat can reach.
func limit(ctx context.Context, a *args) error {
	s, err := a.settings(1000, 100)
	if err != nil {
		return err
	}
	workload := strings.ToUpper(a.text("workload", "W1"))
	if workload == "PEBBLE" {
		r, err := barePebble(&s)
		if err != nil {
			return err
		}
		return r.finish(os.Stdout)
	}
	if !slices.Contains(bareLoops, workload) {
		return usagef("there is a bare loop of %s, and pebble, but not of %s", strings.Join(bareLoops, ", "), workload)
	}
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
	id := a.text("app-id", fmt.Sprintf("%s-limit-%s-%d", s.prefix, strings.ToLower(workload), time.Now().UnixMilli()))
	out := a.text("out", id+"-out")
	l := &loop{settings: s, id: id, in: in[0].topic, out: out}
	if workload != "W1" {
		l.changelog = id + "-counts-changelog"
		l.counts = make(map[string]*uint64)
	}
	if workload == "W6" {
		l.repartition = repartitionTopic(id)
	}
	for _, topic := range []string{out, l.changelog, l.repartition} {
		if topic == "" {
			continue
		}
		if err := c.create(ctx, topic); err != nil {
			return err
		}
	}
	r, err := l.measure(ctx, c, workload)
	if err == nil {
		err = verifyInto(ctx, r, a, workload, &s, out, !keep)
	}
	if !keep {
		err = errors.Join(err, c.remove(context.WithoutCancel(ctx), id, out))
	}
	if err != nil {
		return err
	}
	return r.finish(os.Stdout)
}

// measure runs the loop until all of its input is committed.
func (l *loop) measure(ctx context.Context, c *cluster, workload string) (*result, error) {
	ends, err := c.ends(ctx, l.in)
	if err != nil {
		return nil, err
	}
	alive, fail := context.WithCancelCause(ctx)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	begin := time.Now()
	go func() {
		err := l.run(running)
		if err != nil {
			fail(err)
		}
		done <- err
	}()
	err = c.awaitDone(alive, workload, l.id, ends, l.timeout)
	end, cpu := time.Now(), cpuTime()
	rss, rerr := peakRSS()
	stop()
	if err := errors.Join(err, <-done, rerr); err != nil {
		return nil, err
	}
	r := newResult(bareLoop, workload, &l.settings)
	m := measured{records: l.records, wall: end.Sub(l.first.at), cpu: cpu - l.first.cpu, rss: rss}
	m.put(r, &l.settings)
	r.float("startup_s", l.first.at.Sub(begin).Seconds())
	return r, nil
}
