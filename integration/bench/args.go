package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// args are "--name value" pairs. A name without a value is true, so that --keep and --keep true are the same.
type args struct{ flags map[string]string }

// usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, v ...any) error { return usageError{fmt.Errorf(format, v...)} }

var knownFlags = []string{
	"app-id", "bare", "bootstrap", "broker-pid", "bytes", "cache", "cache-entries", "caches", "commit", "cpuprofile", "file", "guarantee", "guarantees",
	"in", "java", "keep", "limits", "linger", "memprofile", "only", "out", "pairs", "rate", "records", "row", "seconds", "state-dir",
	"threads", "timeout", "topic", "verbose", "verify", "warmup", "workload", "workloads",
}

func parseArgs(argv []string) (*args, error) {
	a := &args{flags: make(map[string]string)}
	for i := 0; i < len(argv); i++ {
		name, ok := strings.CutPrefix(argv[i], "--")
		if !ok {
			return nil, usagef("expected --name value at %q", argv[i])
		}
		name, value, given := strings.Cut(name, "=")
		if !slices.Contains(knownFlags, name) {
			return nil, usagef("no flag --%s; there are --%s", name, strings.Join(knownFlags, ", --"))
		}
		switch {
		case given:
		case i+1 < len(argv) && !strings.HasPrefix(argv[i+1], "--"):
			i++
			value = argv[i]
		default:
			value = "true"
		}
		a.flags[name] = value
	}
	return a, nil
}

func (a *args) has(name string) bool { return a.flags[name] != "" }

func (a *args) text(name, otherwise string) string { return cmp.Or(a.flags[name], otherwise) }

func (a *args) need(name string) (string, error) {
	if !a.has(name) {
		return "", usagef("missing --%s", name)
	}
	return a.flags[name], nil
}

func (a *args) num(name string, otherwise int64) (int64, error) {
	if !a.has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(a.flags[name], "_", ""), 10, 64)
	if err != nil || n < 0 {
		return 0, usagef("--%s %s: not a number of 0 or more", name, a.flags[name])
	}
	return n, nil
}

func (a *args) yes(name string, otherwise bool) (bool, error) {
	if !a.has(name) {
		return otherwise, nil
	}
	b, err := strconv.ParseBool(a.flags[name])
	if err != nil {
		return false, usagef("--%s is true or false, not %q", name, a.flags[name])
	}
	return b, nil
}

func (a *args) list(name, otherwise string) []string {
	return strings.Split(a.text(name, otherwise), ",")
}

func (a *args) bootstrap() []string {
	return strings.Split(a.text("bootstrap", cmp.Or(os.Getenv("BENCH_BOOTSTRAP"), os.Getenv("LEAT_BROKERS"), "localhost:9092")), ",")
}

// settings are what all runs have in common.
type settings struct {
	bootstrap []string
	prefix    string
	eos       bool
	threads   int
	records   int64
	cache     int64
	entries   int64 // of each store's typed cache; 0: leat's default
	commit    time.Duration
	linger    time.Duration // 0: leat's default
	timeout   time.Duration
	verbose   bool
}

func (a *args) settings(commitALO, commitEOS int64) (s settings, err error) {
	s.bootstrap, s.prefix = a.bootstrap(), a.text("topic", "bench")
	switch a.text("guarantee", "alo") {
	case "alo":
	case "eos":
		s.eos = true
	default:
		return s, usagef("--guarantee is alo or eos, not %q", a.flags["guarantee"])
	}
	commitMS := commitALO
	if s.eos {
		commitMS = commitEOS
	}
	var threads, timeout, linger int64
	for _, f := range []struct {
		name      string
		v         *int64
		otherwise int64
	}{
		{"threads", &threads, 1},
		{"records", &s.records, 0},
		{"cache", &s.cache, 0},
		{"cache-entries", &s.entries, 0},
		{"commit", &commitMS, commitMS},
		{"linger", &linger, 0},
		{"timeout", &timeout, 3600},
	} {
		if *f.v, err = a.num(f.name, f.otherwise); err != nil {
			return s, err
		}
	}
	if s.verbose, err = a.yes("verbose", false); err != nil {
		return s, err
	}
	if threads == 0 {
		return s, usagef("--threads 0: at least one is needed")
	}
	s.threads = int(threads)
	s.commit, s.linger = time.Duration(commitMS)*time.Millisecond, time.Duration(linger)*time.Millisecond
	s.timeout = time.Duration(timeout) * time.Second
	return s, nil
}

func (s *settings) guarantee() string {
	if s.eos {
		return "eos"
	}
	return "alo"
}
