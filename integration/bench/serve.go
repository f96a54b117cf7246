package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// serve is the processor of the latency application in a process of its own: it waits for its topics, and
// runs until its standard input closes.
func serve(ctx context.Context, a *args) error {
	s, err := a.settings(100, 100)
	if err != nil {
		return err
	}
	in, err := a.need("in")
	if err != nil {
		return err
	}
	out, err := a.need("out")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
		stop()
	}()
	c, err := connect(s.bootstrap)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.awaitTopics(ctx, in, out); err != nil {
		return fmt.Errorf("wait for topics %s and %s: %w", in, out, err)
	}
	id := a.text("app-id", fmt.Sprintf("%s-lat-%d", s.prefix, time.Now().UnixMilli()))
	bare, err := a.yes("bare", false)
	if err != nil {
		return err
	}
	if bare {
		return serveBare(ctx, c, &loop{
			settings: s, id: id, in: in, out: out, changelog: id + "-timed-changelog", counts: make(map[string]*uint64), timed: true,
		})
	}
	j := &job{settings: s, cluster: c, workload: "latency", id: id, in: []input{{topic: in}}, out: out}
	if j.dir, err = stateDir(a, id); err != nil {
		return err
	}
	defer os.RemoveAll(j.dir)
	var first firstRecord
	cfg, err := j.config(&first)
	if err != nil {
		return err
	}
	app, alive, err := start(ctx, cfg)
	if err != nil {
		return err
	}
	<-alive.Done()
	err = app.end()
	return errors.Join(err, c.remove(context.WithoutCancel(ctx), id, ""))
}

// bareCommit is how often the bare loop commits exactly once for latency: as often as leat does.
const bareCommit = 10 * time.Millisecond

// serveBare is serve with the bare loop for a processor.
func serveBare(ctx context.Context, c *cluster, l *loop) error {
	if l.eos {
		l.commit = bareCommit
	}
	if err := c.create(ctx, l.changelog); err != nil {
		return err
	}
	return errors.Join(l.run(ctx), c.remove(context.WithoutCancel(ctx), l.id, ""))
}

// latency lets the Java project drive this program's processor, and prints its result.
func latency(ctx context.Context, a *args) error {
	s, err := a.settings(100, 100)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	java, err := javaBench(a)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%s-lat-%d", s.prefix, time.Now().UnixMilli())
	common := []string{
		"--in", id + "-in", "--out", id + "-out", "--guarantee", s.guarantee(), "--threads", strconv.Itoa(s.threads),
		"--bootstrap", s.bootstrap[0], "--commit", strconv.FormatInt(s.commit.Milliseconds(), 10),
	}
	if s.linger > 0 {
		common = append(common, "--linger", strconv.FormatInt(s.linger.Milliseconds(), 10))
	}
	impl := "leat"
	bare, err := a.yes("bare", false)
	if err != nil {
		return err
	}
	if bare {
		impl = bareLoop
	}
	processor := exec.CommandContext(ctx, self, append([]string{"serve", "--app-id", id}, append(common, passed(a, "bare", "cpuprofile", "memprofile")...)...)...)
	processor.Stderr = os.Stderr
	stdin, err := processor.StdinPipe()
	if err != nil {
		return err
	}
	if err := processor.Start(); err != nil {
		return err
	}
	argv := append([]string{"latency", "--external", "true", "--impl", impl, "--pid", strconv.Itoa(processor.Process.Pid)}, common...)
	driver := exec.CommandContext(ctx, java, append(argv, passed(a, "rate", "seconds", "warmup")...)...)
	driver.Stdout, driver.Stderr = os.Stdout, os.Stderr
	err = driver.Run()
	return errors.Join(err, stdin.Close(), processor.Wait())
}

// passed returns the flags of these names, as they were given.
func passed(a *args, names ...string) []string {
	var out []string
	for _, n := range names {
		if a.has(n) {
			out = append(out, "--"+n, a.flags[n])
		}
	}
	return out
}

// resultOf runs a command and returns the result line that it prints.
func resultOf(c *exec.Cmd) (*result, error) {
	c.Stderr = os.Stderr
	out, err := c.Output()
	for sc := bufio.NewScanner(strings.NewReader(string(out))); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), "{") {
			return parseResult(sc.Text()) // what did not verify says so itself
		}
	}
	if err == nil {
		err = errors.New("it printed no result")
	}
	return nil, fmt.Errorf("%s: %w", strings.Join(c.Args, " "), err)
}
