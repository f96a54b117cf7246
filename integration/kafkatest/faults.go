package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Nodes returns how many brokers can be named to Kill, Restart, Pause and Continue: from 1 to this number.
// Brokers()[number-1] is a broker's address. It is 0 unless the cluster's origin is [Jars].
func (c *Cluster) Nodes() int { return len(c.nodes) }

// Kill ends a broker by SIGKILL, paused or not, and returns when it is gone. Its storage stays.
func (c *Cluster) Kill(number int) error {
	return c.with("kill", number, func(n *node) error {
		if err := os.WriteFile(n.keep(), nil, 0o644); err != nil {
			return err
		}
		return errors.Join(n.signal(syscall.SIGKILL), n.stop())
	})
}

// Restart starts a broker that was killed on its storage, and does not wait until it answers.
func (c *Cluster) Restart(number int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < 1 || number > len(c.nodes) {
		return fmt.Errorf("restart broker %d: this cluster has %d such brokers", number, len(c.nodes))
	}
	n := c.nodes[number-1]
	if n.cmd != nil {
		return fmt.Errorf("restart broker %d: it runs; kill it first", number)
	}
	for _, f := range []string{n.keep(), n.pidFile(), filepath.Join(n.dir, "exited")} {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("restart broker %d: %w", number, err)
		}
	}
	if err := n.start(); err != nil {
		return fmt.Errorf("restart broker %d: %w", number, err)
	}
	return nil
}

// Pause stops a broker by SIGSTOP: its connections stay, and nothing answers.
func (c *Cluster) Pause(number int) error {
	return c.with("pause", number, func(n *node) error { return n.signal(syscall.SIGSTOP) })
}

// Continue lets a paused broker go on.
func (c *Cluster) Continue(number int) error {
	return c.with("continue", number, func(n *node) error { return n.signal(syscall.SIGCONT) })
}

// with does something to a broker that runs.
func (c *Cluster) with(what string, number int, f func(*node) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < 1 || number > len(c.nodes) {
		return fmt.Errorf("%s broker %d: this cluster has %d such brokers", what, number, len(c.nodes))
	}
	n := c.nodes[number-1]
	if n.cmd == nil {
		return fmt.Errorf("%s broker %d: it has been killed", what, number)
	}
	if err := f(n); err != nil {
		return fmt.Errorf("%s broker %d: %w", what, number, err)
	}
	return nil
}

// keep is the file that makes nodeScript leave the storage.
func (n *node) keep() string { return filepath.Join(n.dir, "keep") }

func (n *node) pidFile() string { return filepath.Join(n.dir, "pid") }

// signal sends a signal to the broker itself, not to the script around it.
func (n *node) signal(s syscall.Signal) error {
	for attempt := 0; ; attempt++ {
		text, err := os.ReadFile(n.pidFile())
		if pid, perr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && perr == nil {
			return syscall.Kill(pid, s)
		}
		if attempt == 100 { // The script writes it right after the start.
			return fmt.Errorf("its process id is not known: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Log returns what a broker has written to its log, over all its starts.
func (c *Cluster) Log(node int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if node < 1 || node > len(c.nodes) {
		return nil, fmt.Errorf("log of broker %d: this cluster has %d such brokers", node, len(c.nodes))
	}
	return os.ReadFile(filepath.Join(c.nodes[node-1].dir, "broker.log"))
}
