package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

var (
	seed = flag.Uint64("seed", 0, "what TestChaos draws its faults from; 0 draws the seed, too")
	port = flag.Int("port", 0, "first of nine ports for TestChaos's brokers; 0 takes free ones")
)

// TestMain makes the test binary an instance of the application if it is started as one.
func TestMain(m *testing.M) {
	if text := os.Getenv(instanceEnv); text != "" {
		os.Exit(instance(text))
	}
	os.Exit(m.Run())
}

// TestChaos is the short form: every kind of fault at least once.
func TestChaos(t *testing.T) {
	s := settings{
		seed: *seed, port: *port, records: 120_000, keys: 2000, pairs: 8, duration: 2 * time.Minute, instances: 3, guarantee: "exactly",
		counts: counts{kills: 3, stops: 1, zombies: 1, brokerKills: 1, brokerPauses: 1, cuts: 2, wipes: 1, scales: 2, calm: 1},
	}
	if s.seed == 0 {
		s.seed = rand.Uint64N(1_000_000) + 1
	}
	s.command = fmt.Sprintf("go test -count=1 -v ./chaos -run TestChaos -seed %d", s.seed)
	ctx := t.Context()
	if end, ok := t.Deadline(); ok { // what has been found until then is worth more than the goroutines' stacks
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Minute))
		defer cancel()
	}
	begin := time.Now()
	r, err := run(ctx, s, func(format string, args ...any) {
		t.Logf("%7.1fs  %s", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	})
	again := "to run it again: make chaos-short SEED=" + fmt.Sprint(s.seed)
	if err != nil {
		t.Fatalf("seed %d: %v; %s", s.seed, err, again)
	}
	t.Log("\n" + r.table())
	if len(r.violations) > 0 {
		t.Errorf("%d violations with seed %d; the logs of all processes are in %s; %s", len(r.violations), s.seed, r.dir, again)
	}
}
