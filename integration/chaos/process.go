package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopLimit bounds the wait for an instance that was asked to stop.
const stopLimit = 3 * time.Minute

// slot is the place of one instance: its directory, its proxies, and its process while there is one.
type slot struct {
	number   int
	dir      string
	proxies  []*proxy
	config   string
	logs     string
	restores *restores
	// died is called when a process has ended by itself.
	died func(s *slot, why string)

	// busy is held by the fault that has hit the slot, until it is over.
	busy sync.Mutex

	mu      sync.Mutex
	starts  int
	process *process
	state   string
	// used tells that the instance is one of those that there should be.
	used bool
}

// process is an instance's process.
type process struct {
	cmd *exec.Cmd
	in  io.Closer
	log string
	// expected is set before the process is ended on purpose. Guarded by the slot's mu.
	expected bool
	ended    chan struct{}
	err      error // of Wait; valid once ended is closed
}

func newSlot(number int, base string, addresses []string, cfg instanceConfig, r *restores) (*slot, error) {
	s := &slot{number: number, dir: filepath.Join(base, fmt.Sprintf("state-%d", number)), logs: base, restores: r}
	cfg.StateDir = s.dir
	cfg.Proxies = make(map[string]string)
	for _, a := range addresses {
		p, err := newProxy(a)
		if err != nil {
			s.close()
			return nil, err
		}
		s.proxies = append(s.proxies, p)
		cfg.Proxies[a] = p.address()
	}
	text, err := json.Marshal(cfg)
	s.config = string(text)
	return s, err
}

// start starts a process unless there is one.
func (s *slot) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	s.starts++
	name := filepath.Join(s.logs, fmt.Sprintf("app-%d-%03d.log", s.number, s.starts))
	log, err := os.Create(name)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), instanceEnv+"="+s.config)
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{cmd: cmd, in: in, log: name, ended: make(chan struct{})}
	s.process, s.used, s.state = p, true, "started"
	s.restores.started(s.number)
	go s.watch(p, out)
	return nil
}

// watch reads what a process reports until it ends.
func (s *slot) watch(p *process, out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var r report
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // the end of a line that a kill cut off
		}
		if r.State != "" {
			s.mu.Lock()
			s.state = r.State
			s.mu.Unlock()
		}
		if r.Restore != nil {
			s.restores.seen(s.number, r.Restore)
		}
	}
	p.err = p.cmd.Wait()
	s.mu.Lock()
	s.process = nil
	s.state = "down"
	expected := p.expected
	s.mu.Unlock()
	close(p.ended)
	if !expected && s.died != nil {
		s.died(s, fmt.Sprintf("%v\n%s", p.err, tail(p.log, 12)))
	}
}

// current returns the process, nil if there is none.
func (s *slot) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *slot) is(state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == state
}

// expect says that the process is about to be ended, and returns it.
func (s *slot) expect() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.expected = true
	}
	return s.process
}

// kill ends the process as a crash does.
func (s *slot) kill() {
	if p := s.expect(); p != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		s.restores.killed(s.number)
	}
}

// stop ends the process in order. It must go by itself, without an error.
func (s *slot) stop() error {
	p := s.expect()
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to its log
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second):
			s.kill()
		}
		return fmt.Errorf("instance %d: not stopped %v after SIGTERM; its goroutines are in %s", s.number, stopLimit, p.log)
	}
	if p.err != nil {
		return fmt.Errorf("instance %d: stopped in order: %w\n%s", s.number, p.err, tail(p.log, 12))
	}
	return nil
}

// signal sends a signal to the process, if there is one.
func (s *slot) signal(sig syscall.Signal) {
	if p := s.current(); p != nil {
		_ = p.cmd.Process.Signal(sig) // it may have ended
	}
}

// wipe deletes the state directory.
func (s *slot) wipe() error {
	s.restores.wiped(s.number)
	return os.RemoveAll(s.dir)
}

func (s *slot) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = false
}

func (s *slot) inUse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

func (s *slot) close() {
	s.signal(syscall.SIGCONT)
	s.kill()
	for _, p := range s.proxies {
		p.close()
	}
}

// awaitRunning waits until the instance says that all its tasks run.
func (s *slot) awaitRunning(ctx context.Context) error {
	for !s.is("running") {
		select {
		case <-ctx.Done():
			return errors.New("not running in time")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// tail returns the last lines of a file.
func tail(name string, lines int) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
