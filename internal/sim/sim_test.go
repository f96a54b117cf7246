package sim_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leatstream/leat/internal/sim"
)

var (
	seed  = flag.Uint64("seed", 0, "replay this seed, with a trace")
	seeds = flag.Uint64("seeds", 200, "how many seeds to run, for each guarantee")
	bug   = flag.Uint("bug", 0, "the mistake to plant when replaying")
	less  = flag.Bool("at-least-once", false, "replay at least once")
	cache = flag.Int64("cache", 0, "the bytes of the record cache when replaying")
)

// TestSeeds looks for a schedule that breaks the guarantees. A failure names its seed:
//
//	go test ./internal/sim -run TestReplay -seed N [-at-least-once] [-cache N] [-bug N] -v
func TestSeeds(t *testing.T) {
	for name, cfg := range map[string]sim.Config{
		"exactly once": {ExactlyOnce: true}, "at least once": {},
		"exactly once with a record cache":  {ExactlyOnce: true, RecordCache: 400},
		"at least once with a record cache": {RecordCache: 400},
	} {
		t.Run(name, func(t *testing.T) {
			exactly := cfg.ExactlyOnce
			begin := time.Now()
			var sum sim.Stats
			for s := range *seeds {
				cfg.Seed = s
				stats, err := sim.Run(cfg)
				sum.Add(stats)
				if err != nil {
					t.Fatal(err)
				}
			}
			if sum.Crashes == 0 || sum.Recoveries == 0 || sum.Lost == 0 || sum.Commits < 10*int(*seeds) || exactly && sum.Stops == 0 {
				t.Errorf("too little happened: %+v", sum)
			}
			t.Logf("%d seeds, %.0f a minute: %+v", *seeds, float64(*seeds)/time.Since(begin).Minutes(), sum)
		})
	}
}

// TestReplay runs one seed with a trace.
func TestReplay(t *testing.T) {
	_, err := sim.Run(sim.Config{Seed: *seed, ExactlyOnce: !*less, RecordCache: *cache, Bug: sim.Bug(*bug), Trace: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBugs plants each mistake and expects it to be found within 500 seeds.
func TestBugs(t *testing.T) {
	for _, b := range sim.Bugs() {
		t.Run(b.String(), func(t *testing.T) {
			for s := range uint64(500) {
				if _, err := sim.Run(sim.Config{Seed: s, ExactlyOnce: !b.AtLeastOnce(), Bug: b}); err != nil {
					t.Logf("found by seed %d: %v", s, err)
					return
				}
			}
			t.Error("500 seeds do not find it")
		})
	}
}

// TestOneSeedOneRun: a seed that failed can be replayed, to the last event.
func TestOneSeedOneRun(t *testing.T) {
	for s := range uint64(20) {
		var runs [2][]string
		for i := range runs {
			if _, err := sim.Run(sim.Config{Seed: s, ExactlyOnce: true, Trace: func(line string) { runs[i] = append(runs[i], line) }}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(runs[0], runs[1]) {
			t.Fatalf("seed %d has two runs", s)
		}
	}
}

// One seed is one run: where it fails once, it fails again.
func ExampleRun() {
	_, err := sim.Run(sim.Config{Seed: 7, ExactlyOnce: true})
	fmt.Println(err)
	_, err = sim.Run(sim.Config{Seed: 2, Bug: sim.CommitBeforeAck})
	fmt.Println(err != nil)
	// Output:
	// <nil>
	// true
}
