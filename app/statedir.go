package app

import (
	"crypto/rand"
	"encoding/hex"
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
//	LOCK       keeps other processes out
//	identity   whose state this is, in which format
//	db/        one Pebble database with the stores of all tasks
//	damaged/   the last database that had to be set aside
//
// Applications that keep nothing on disk use no directory. Methods may be called from any goroutine.
type stateDir struct {
	// process identifies the state directory, or where there is none, the process.
	process string
	db      *pebblestore.DB // nil if the topology has no persistent store
	log     *slog.Logger
	layout  *layout
	delay   time.Duration
	// unsafe tells the flusher that there is state which a crash would lose whole.
	unsafe chan struct{}

	mu sync.Mutex
	// idle are tasks with local state that this instance does not run, with the time since when.
	idle map[assign.Task]time.Time
}

func openStateDir(in *instance) (*stateDir, error) {
	d := &stateDir{log: in.log, layout: in.layout, delay: in.cfg.StateCleanupDelay, unsafe: make(chan struct{}, 1), idle: make(map[assign.Task]time.Time)}
	persistent := false
	for _, sub := range in.cfg.Topology.Subtopologies {
		for _, s := range sub.Stores {
			persistent = persistent || s.Persistent
		}
	}
	if !persistent {
		d.process = newProcess()
		return d, nil
	}
	dir := stateDirectory(in.cfg)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s: %w; set StateDir to a directory that can be written", dir, err)
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	var err error
	d.db, err = pebblestore.Open(dir, pebblestore.Options{
		Application: in.cfg.Application, Memory: in.cfg.Memory - cacheShare(in.cfg.Memory), Logger: in.log, OnFailure: in.fail,
	})
	if err != nil {
		return nil, err
	}
	d.process = d.db.ID()
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

// private refuses a directory that everybody can write to: what is read from it decides what is written.
func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		return fmt.Errorf("state directory %s: everybody can write to it (%v); chmod o-w it, or choose another StateDir", dir, mode)
	}
	return nil
}

// stateDirectory is where an application keeps its state.
func stateDirectory(cfg *Config) string { return filepath.Join(cfg.StateDir, cfg.Application) }

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

// positions tells how much state of each task is here, on disk and in memory.
func (d *stateDir) positions(l *layout, memory map[assign.Task]int64) []assign.Position {
	var out []assign.Position
	for _, t := range l.tasks {
		if !t.Stateful {
			continue
		}
		sum, any := memory[t.ID]
		if d.db != nil {
			ps, err := d.db.Positions(t.ID.String())
			if err != nil {
				continue
			}
			for _, p := range ps {
				sum, any = sum+p.Next, true
			}
		}
		if !any {
			continue
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
