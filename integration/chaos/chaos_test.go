//go:build chaos

package main

import (
	"os"
	"testing"
	"time"
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
	r, err := run(t.Context(), settings{
		seed: 1, port: 24092, records: 200_000, keys: 2000, pairs: 8, duration: 3 * time.Minute, instances: 3, guarantee: "exactly", dir: t.TempDir(),
		counts: counts{kills: 6, stops: 1, zombies: 2, brokerKills: 2, brokerPauses: 1, cuts: 3, wipes: 1, scales: 2, calm: 1},
	}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + r.table())
	if len(r.violations) > 0 {
		t.Errorf("%d violations with seed %d; to keep the processes' logs: go run ./chaos -dir DIR …", len(r.violations), r.settings.seed)
	}
}
