package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// stateDir is the instance's directory, <StateDir>/<application>/:
//
//	process.json   the identity of the state, which outlives restarts
//	db/            one Pebble database with the stores of all tasks; its LOCK keeps other processes out
//
// Applications that keep nothing on disk use no directory. Methods may be called from any goroutine.
type stateDir struct {
	process string
	db      *pebblestore.DB // nil if the topology has no persistent store
	log     *slog.Logger
	layout  *layout
	delay   time.Duration

	mu sync.Mutex
	// idle are tasks with local state that this instance does not run, with the time since when.
	idle map[assign.Task]time.Time
}

func openStateDir(in *instance) (*stateDir, error) {
	d := &stateDir{log: in.log, layout: in.layout, delay: in.cfg.StateCleanupDelay, idle: make(map[assign.Task]time.Time)}
	persistent := false
	for _, sub := range in.layout.subs {
		for _, s := range sub.Stores {
			persistent = persistent || s.Persistent
		}
	}
	if !persistent {
		d.process = newProcess()
		return d, nil
	}
	dir := filepath.Join(in.cfg.StateDir, in.cfg.Application)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s: %w; set StateDir to a directory that can be written", dir, err)
	}
	var err error
	if d.process, err = processOf(dir); err != nil {
		return nil, err
	}
	if d.db, err = d.openDB(in, filepath.Join(dir, "db")); err != nil {
		return nil, err
	}
	tasks, err := d.db.Tasks()
	if err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	for _, name := range tasks {
		if id, err := assign.ParseTask(name); err == nil {
			d.idle[id] = time.Now()
		}
	}
	return d, nil
}

// openDB opens the database. A damaged one is set aside, and the state restored from the changelogs: they
// are the truth.
func (d *stateDir) openDB(in *instance, dir string) (*pebblestore.DB, error) {
	o := pebblestore.Options{
		Application: in.cfg.Application, Memory: in.cfg.Memory, Logger: in.log,
		OnFailure: func(err error) { in.fail(fmt.Errorf("state directory %s: %w", dir, err)) },
	}
	db, err := pebblestore.Open(dir, o)
	if !errors.Is(err, pebblestore.ErrCorrupt) {
		return db, err
	}
	aside := fmt.Sprintf("%s.corrupt-%s", dir, time.Now().UTC().Format("20060102T150405"))
	d.log.Error("the local state is damaged; setting it aside and restoring from the changelogs", "dir", dir, "aside", aside, "err", err)
	if rerr := os.Rename(dir, aside); rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	return pebblestore.Open(dir, o)
}

const processFile = "process.json"

// processOf reads the directory's identity, or makes one.
func processOf(dir string) (string, error) {
	file := filepath.Join(dir, processFile)
	var p struct {
		Process string `json:"process"`
	}
	b, err := os.ReadFile(file)
	if err == nil {
		if jerr := json.Unmarshal(b, &p); jerr == nil && p.Process != "" {
			return p.Process, nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("state directory %s: %w", dir, err)
	}
	p.Process = newProcess()
	if b, err = json.Marshal(p); err != nil {
		return "", err
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return "", fmt.Errorf("state directory %s: %w", dir, err)
	}
	if err := os.Rename(temp, file); err != nil {
		return "", fmt.Errorf("state directory %s: %w", dir, err)
	}
	return p.Process, nil
}

func newProcess() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// task returns the place of a task's persistent stores, nil if there are none.
func (d *stateDir) task(id assign.Task) statestore.Backend {
	if d.db == nil {
		return nil
	}
	d.mu.Lock()
	delete(d.idle, id)
	d.mu.Unlock()
	return d.db.Task(id.String())
}

// released tells that the instance no longer runs a task; its state is kept for a while.
func (d *stateDir) released(id assign.Task) {
	if d.db == nil {
		return
	}
	d.mu.Lock()
	d.idle[id] = time.Now()
	d.mu.Unlock()
}

// positions tells how much state of each task is here.
func (d *stateDir) positions(l *layout) []assign.Position {
	if d.db == nil {
		return nil
	}
	var out []assign.Position
	for _, t := range l.tasks {
		if !t.Stateful {
			continue
		}
		ps, err := d.db.Positions(t.ID.String())
		if err != nil || len(ps) == 0 {
			continue
		}
		var sum int64
		for _, p := range ps {
			sum += p.Next
		}
		out = append(out, assign.Position{Task: t.ID, Sum: sum})
	}
	return out
}

// clean removes the state of tasks that have not been run here for longer than the delay.
func (d *stateDir) clean() {
	if d.db == nil || d.delay < 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock() // a task that is assigned meanwhile must wait
	for id, since := range d.idle {
		if time.Since(since) < d.delay {
			continue
		}
		if err := d.db.DropTask(id.String()); err != nil {
			d.log.Warn("remove the state of a task that has moved away", "task", id.String(), "err", err)
			continue
		}
		delete(d.idle, id)
		d.log.Info("removed the state of a task that has moved away", "task", id.String())
	}
}

func (d *stateDir) close() error {
	if d.db == nil {
		return nil
	}
	return d.db.Close()
}
