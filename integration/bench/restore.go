package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// restore measures W7: W2 builds a changelog in a process of its own, then the same application starts with
// an empty state directory.
func (j *job) restore(ctx context.Context) (*result, error) {
	if err := j.buildChangelog(ctx); err != nil {
		return nil, err
	}
	defer func(dir string) { j.dir = dir }(j.dir)
	j.dir, j.cache = filepath.Join(j.dir, "restored"), 0
	w, m, end, err := j.untilRestored(ctx)
	if err != nil {
		return nil, err
	}
	r := newResult("leat", "W7", &j.settings)
	m.put(r, &j.settings)
	r.float("restore_s", end.Sub(w.begin).Seconds())
	verdict, err := j.restoredState(w)
	r.text("verify", verdict)
	return r, err
}

// untilRestored starts the application, waits until it runs with its state complete, at end, and stops it.
func (j *job) untilRestored(ctx context.Context) (w *restoreWatch, m measured, end time.Time, err error) {
	var first firstRecord
	cfg, err := j.config(&first)
	if err != nil {
		return nil, m, end, err
	}
	w = &restoreWatch{ready: make(chan struct{})}
	cfg.OnRestore, cfg.OnState = w.restored, w.changed
	cpu, begin := cpuTime(), time.Now()
	a, alive, err := start(ctx, cfg)
	if err != nil {
		return nil, m, end, err
	}
	select {
	case <-w.ready:
	case <-alive.Done():
		err = context.Cause(alive)
	}
	end = time.Now()
	cpu = cpuTime() - cpu
	rss, rerr := peakRSS()
	if err := errors.Join(err, rerr, a.end()); err != nil {
		return nil, m, end, err
	}
	return w, measured{records: w.records, wall: end.Sub(begin), cpu: cpu, rss: rss}, end, nil
}

func (j *job) buildChangelog(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, "run", "--workload", "W2", "--cache", "0", "--keep", "--app-id", j.id, "--out", j.out,
		"--guarantee", j.guarantee(), "--threads", strconv.Itoa(j.threads), "--records", strconv.FormatInt(j.records, 10),
		"--topic", j.prefix, "--bootstrap", j.bootstrap[0], "--state-dir", filepath.Join(j.dir, "first"),
		"--commit", strconv.FormatInt(j.commit.Milliseconds(), 10))
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("the W2 run that builds the changelog: %w", err)
	}
	return nil
}

// restoreWatch notes how a restore goes.
type restoreWatch struct {
	mu      sync.Mutex
	begin   time.Time
	records int64
	lag     int64
	done    int
	running bool
	told    bool
	ready   chan struct{}
}

func (w *restoreWatch) restored(e app.RestoreEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Phase {
	case app.RestoreStart:
		if w.begin.IsZero() {
			w.begin = time.Now()
		}
	case app.RestoreDone:
		w.records += e.Records
		w.lag += max(0, e.End-e.Position)
		w.done++
		w.check()
	}
}

func (w *restoreWatch) changed(_, to app.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = to == app.Running
	w.check()
}

// check is called with mu held.
func (w *restoreWatch) check() {
	if w.running && w.done == partitions && !w.told {
		w.told = true
		close(w.ready)
	}
}

// restoredState reads the state that the application has left.
func (j *job) restoredState(w *restoreWatch) (verdict string, err error) {
	db, err := pebblestore.Open(filepath.Join(j.dir, j.id), pebblestore.Options{Application: j.id})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sum int64
	tasks, err := db.Tasks()
	if err != nil {
		return "", err
	}
	for _, task := range tasks {
		n, err := sumCounts(db, task, "counts")
		if err != nil {
			return "", err
		}
		sum += n
	}
	if w.records != j.records || w.lag != 0 || sum != j.records {
		return fmt.Sprintf("restored %d, lag %d, counts sum to %d, wanted %d", w.records, w.lag, sum, j.records), nil
	}
	return "ok", nil
}

func sumCounts(db *pebblestore.DB, task, store string) (sum int64, err error) {
	b := db.Task(task)
	defer func() { err = errors.Join(err, b.Close()) }()
	e, err := b.Open(store)
	if err != nil {
		return 0, err
	}
	it := e.Iterate(nil, nil, false)
	for it.Next() {
		row := it.Value()
		if len(row) != 16 { // the timestamp, then the count
			return 0, errors.Join(fmt.Errorf("store %s of task %s: a row of %d bytes", store, task, len(row)), it.Close())
		}
		sum += int64(binary.BigEndian.Uint64(row[8:]))
	}
	return sum, errors.Join(it.Err(), it.Close())
}
