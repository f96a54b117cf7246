package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compare runs leat and Kafka Streams in turn on the same broker, verifies each run's output, and prints a
// table. Of each pair the one that begins alternates, so that neither always finds the broker warm.
func compare(ctx context.Context, a *args) error {
	s, err := a.settings(1000, 100)
	if err != nil {
		return err
	}
	c := &comparison{args: a, bootstrap: s.bootstrap[0], prefix: s.prefix, records: s.records}
	if err := c.options(); err != nil {
		return err
	}
	defer c.lines.Close()
	for _, w := range c.workloads {
		if w == "latency" {
			continue
		}
		if err := c.java(ctx, "load", "--workload", w, "--records", strconv.FormatInt(s.records, 10)); err != nil {
			return err
		}
	}
	for _, w := range c.workloads {
		for _, g := range a.list("guarantees", "alo,eos") {
			if err := c.rows(ctx, w, g); err != nil {
				return err
			}
		}
	}
	if err := c.lines.Close(); err != nil {
		return err
	}
	if err := printFile(c.lines.Name()); err != nil {
		return err
	}
	if c.wrong > 0 {
		fmt.Fprintf(os.Stderr, "bench: %d runs failed or did not verify\n", c.wrong)
		return errWrong
	}
	return nil
}

// comparison is what compare does with.
type comparison struct {
	*args
	bootstrap, prefix string
	records           int64
	workloads         []string
	pairs, broker     int64
	limits            bool
	script, self      string
	lines             *os.File
	wrong             int
}

func (c *comparison) options() (err error) {
	if c.records == 0 {
		return usagef("missing --records")
	}
	for _, w := range c.list("workloads", "W1,W2,W3,W4,W5,W6,W7,latency") {
		if w != "latency" {
			if _, err := inputs(w, c.prefix, c.records); err != nil {
				return err
			}
		}
		c.workloads = append(c.workloads, w)
	}
	if c.pairs, err = c.num("pairs", 1); err != nil {
		return err
	}
	if c.broker, err = c.num("broker-pid", 0); err != nil {
		return err
	}
	if c.limits, err = c.yes("limits", true); err != nil {
		return err
	}
	if c.script, err = javaBench(c.args); err != nil {
		return err
	}
	if c.self, err = os.Executable(); err != nil {
		return err
	}
	if c.has("file") {
		c.lines, err = os.Create(c.flags["file"])
	} else {
		c.lines, err = os.CreateTemp("", "bench-*.jsonl")
	}
	return err
}

func (c *comparison) java(ctx context.Context, argv ...string) error {
	cmd := exec.CommandContext(ctx, c.script, append(argv, "--bootstrap", c.bootstrap, "--topic", c.prefix)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

// rows makes the rows of one workload and guarantee.
func (c *comparison) rows(ctx context.Context, workload, guarantee string) error {
	common := []string{"--guarantee", guarantee}
	if workload == "latency" {
		common = append(common, "--rate", c.text("rate", "20000"), "--seconds", c.text("seconds", "20"))
		common = append(common, passed(c.args, "warmup")...)
		for _, linger := range [][]string{nil, {"--linger", "5"}} {
			if err := c.turns(ctx, "latency", append(common, linger...)); err != nil {
				return err
			}
		}
		if c.limits {
			return c.bare(ctx, "latency", append(common, "--bare", "true"))
		}
		return nil
	}
	common = append(common, "--workload", workload, "--records", strconv.FormatInt(c.records, 10))
	for _, threads := range c.list("threads", "1") {
		caches := []string{"0"}
		if workload == "W2" {
			caches = c.list("caches", "0")
		}
		for _, cache := range caches {
			if err := c.turns(ctx, "run", append(common, "--threads", threads, "--cache", cache)); err != nil {
				return err
			}
		}
	}
	if c.limits && slices.Contains(bareLoops, workload) {
		if err := c.bare(ctx, "limit", common); err != nil {
			return err
		}
	}
	if c.limits && workload == "W2" && guarantee == "alo" {
		return c.one(ctx, c.self, "limit", []string{"--workload", "pebble", "--records", strconv.FormatInt(c.records, 10)})
	}
	return nil
}

// turns runs the two implementations, pair by pair.
func (c *comparison) turns(ctx context.Context, command string, argv []string) error {
	for pair := range c.pairs {
		both := []string{c.self, c.script}
		if pair%2 == 1 {
			both[0], both[1] = both[1], both[0]
		}
		for _, program := range both {
			if err := c.one(ctx, program, command, argv); err != nil {
				return err
			}
		}
	}
	return nil
}

// bare runs the bare loop, once a pair.
func (c *comparison) bare(ctx context.Context, command string, argv []string) error {
	for range c.pairs {
		if err := c.one(ctx, c.self, command, argv); err != nil {
			return err
		}
	}
	return nil
}

// one does one run, judges its output and notes the result. A run that fails is reported and does not end the
// comparison.
func (c *comparison) one(ctx context.Context, program, command string, argv []string) error {
	argv = append([]string{command, "--bootstrap", c.bootstrap, "--topic", c.prefix}, argv...)
	id := fmt.Sprintf("%s-pair-%d", c.prefix, time.Now().UnixMilli())
	workload := value(argv, "--workload")
	judged := command != "latency" && workload != "W7" && workload != "pebble" // the others judge themselves
	if judged {
		dir, err := os.MkdirTemp("", id+"-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		argv = append(argv, "--app-id", id, "--state-dir", dir, "--keep", "true", "--verify", "false")
	}
	if program == c.self {
		argv = append(argv, "--java", c.script)
	}
	fmt.Fprintln(os.Stderr, program, strings.Join(argv, " "))
	before, err := c.brokerCPU()
	if err != nil {
		return err
	}
	r, err := resultOf(exec.CommandContext(ctx, program, argv...))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.wrong++
		fmt.Fprintln(os.Stderr, "bench: run failed:", err)
		return nil
	}
	after, err := c.brokerCPU()
	if err != nil {
		return err
	}
	if c.broker != 0 {
		r.float("broker_cpu_s", (after - before).Seconds())
		r.float("broker_us_per_record", float64((after-before).Microseconds())/r.number("records"))
	}
	if judged {
		if err := c.judge(ctx, r, workload, id); err != nil {
			return err
		}
	}
	if r.string("verify") != "ok" {
		c.wrong++
	}
	fmt.Fprintln(os.Stderr, r.line())
	_, err = fmt.Fprintln(c.lines, r.line())
	return err
}

// judge lets the Java project look at the output, and removes what the run has left.
func (c *comparison) judge(ctx context.Context, r *result, workload, id string) error {
	out := id + "-out"
	s := &settings{bootstrap: []string{c.bootstrap}, records: c.records, cache: int64(r.number("cache"))}
	err := verifyInto(ctx, r, c.args, workload, s, out, true)
	cl, cerr := connect(s.bootstrap)
	if cerr != nil {
		return errors.Join(err, cerr)
	}
	defer cl.close()
	return errors.Join(err, cl.remove(context.WithoutCancel(ctx), id, out))
}

// brokerCPU is what the broker has used, transactions and housekeeping included; 0 if its process is not named.
func (c *comparison) brokerCPU() (time.Duration, error) {
	if c.broker == 0 {
		return 0, nil
	}
	return cpuTimeOf(c.broker)
}

// value returns what follows a flag.
func value(argv []string, flag string) string {
	for i, a := range argv[:len(argv)-1] {
		if a == flag {
			return argv[i+1]
		}
	}
	return ""
}
