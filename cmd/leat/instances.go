package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/topology"
)

// sessionTimeout is how long the group waits for a member that says nothing.
const sessionTimeout = 10 * time.Second

// instances are several members of one application's group in this process.
type instances struct {
	apps     []*app.App
	restored restored

	mu    sync.Mutex
	since time.Time // the first of them became Running
}

// newInstances makes instances that do not run yet. Instance n keeps its state in the sub-directory n of the place,
// so that it finds it again however many there are next time.
func newInstances(o *options, p place, t *topology.Topology, g app.Guarantee, log *slog.Logger) (*instances, error) {
	in := &instances{}
	for n := range o.instances {
		a, err := app.New(app.Config{
			Application: o.appID, Topology: t, Brokers: p.brokers, Workers: o.workers, Guarantee: g,
			StateDir: filepath.Join(p.dir, strconv.Itoa(n)),
			Memory:   64 << 20,
			// A run that was killed keeps its place in the group for the session timeout; the next run waits for it.
			SessionTimeout: sessionTimeout,
			// The end of the work is seen by its commit.
			CommitInterval: 250 * time.Millisecond,
			Logger:         log.With("instance", n),
			OnState:        func(_, to app.State) { in.changed(to) },
			OnRestore:      func(e app.RestoreEvent) { in.restored.observe(n, e, time.Now()) },
		})
		if err != nil {
			return nil, usageError{err}
		}
		in.apps = append(in.apps, a)
	}
	return in, nil
}

func (in *instances) changed(to app.State) {
	if to != app.Running {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.since.IsZero() {
		in.since = time.Now()
	}
}

// runningFor is the time since the first instance had all its state, 0 before.
func (in *instances) runningFor() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.since.IsZero() {
		return 0
	}
	return time.Since(in.since)
}

// running is how many instances have joined and have all their state.
func (in *instances) running() int {
	n := 0
	for _, a := range in.apps {
		if a.State() == app.Running {
			n++
		}
	}
	return n
}

// run runs all instances until ctx ends or one of them fails, which stops the others, and returns when all
// have stopped.
func (in *instances) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(in.apps))
	var wg sync.WaitGroup
	for n, a := range in.apps {
		wg.Go(func() {
			defer stop()
			errs[n] = a.Run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
