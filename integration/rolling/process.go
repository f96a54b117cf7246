package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/leatstream/leat/app"
)

// process is an instance's process.
type process struct {
	cmd     *exec.Cmd
	in      io.Closer
	ended   chan struct{}
	err     error // valid once ended is closed
	running chan struct{}
}

// restored is what has been restored.
type restored struct {
	mu sync.Mutex
	// tail, scratch and none count restores that began where the local state ended, at the changelog's start, and
	// those that had nothing to read. records are what was read.
	tail, scratch, none int
	records             int64
	// last are the records of restores under way, by instance, task and store.
	last map[string]int64
}

func (r *restored) event(instance int, e *app.RestoreEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Phase >= app.UpdateStart {
		return
	}
	key := fmt.Sprint(instance, e.Task, e.Store)
	switch e.Phase {
	case app.RestoreStart:
		if r.last == nil {
			r.last = make(map[string]int64)
		}
		if r.last[key] = 0; e.Position == 0 {
			r.scratch++
		} else {
			r.tail++
		}
	case app.RestoreDone:
		if _, begun := r.last[key]; !begun {
			r.none++
		}
	}
	if before, begun := r.last[key]; begun {
		r.records += e.Records - before
		r.last[key] = e.Records
	}
	if e.Phase == app.RestoreDone {
		delete(r.last, key)
	}
}

// take returns the counts since the last call.
func (r *restored) take() (tail, scratch, none int, records int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tail, scratch, none, records = r.tail, r.scratch, r.none, r.records
	r.tail, r.scratch, r.none, r.records = 0, 0, 0, 0
	return tail, scratch, none, records
}

// start runs an instance. Its log is appended to a file in dir.
func start(cfg instanceConfig, dir string, r *restored) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("instance-%d.log", cfg.Number)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(exe), ended: make(chan struct{}), running: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), instanceEnv+"="+string(text))
	p.cmd.Stderr = log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		told := false
		for lines.Scan() {
			var rep report
			if json.Unmarshal(lines.Bytes(), &rep) != nil {
				continue
			}
			if rep.Restore != nil {
				r.event(cfg.Number, rep.Restore)
			}
			if rep.State == app.Running.String() && !told {
				told = true
				close(p.running)
			}
		}
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// stop asks the process to end and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(time.Minute):
		p.kill()
		return fmt.Errorf("process %d did not stop within a minute of SIGTERM", p.cmd.Process.Pid)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
