package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

// text returns lines of random words, as keys and values, and the words' counts.
func text(seed uint64, lines int, into map[string]int64) (kv []string) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range lines {
		var words []string
		for range 1 + r.IntN(6) {
			w := fmt.Sprintf("w%02d", r.IntN(50))
			words = append(words, w)
			into[w]++
		}
		kv = append(kv, fmt.Sprint(i), strings.Join(words, " "))
	}
	return kv
}

func (c *cluster) want(counts map[string]int64) {
	c.t.Helper()
	c.awaitProcessed(c.lines)
	c.awaitProcessed(c.words())
	if d := cmp.Diff(counts, c.read(c.counts)); d != "" {
		c.t.Errorf("counts (-want +got):\n%s", d)
	}
}

func TestCountsSurviveRestarts(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		dir := t.TempDir()
		want := map[string]int64{}

		in := c.start(dir, nil)
		c.write(c.lines, 1000, text(1, 500, want)...)
		c.want(want)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		if got := in.app.State(); got != app.Closed {
			t.Errorf("state %v, want closed", got)
		}

		// With its state directory it goes on where it was, and restores nothing.
		in = c.start(dir, nil)
		c.write(c.lines, 2000, text(2, 500, want)...)
		c.want(want)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		if n := in.restored(); n != 0 {
			t.Errorf("restored %d records though the state was complete", n)
		}

		// Without it the state comes from the changelog.
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		in = c.start(dir, nil)
		c.write(c.lines, 3000, text(3, 500, want)...)
		c.want(want)
		if n := in.restored(); n < int64(len(want)) {
			t.Errorf("restored %d records, want at least one for each of %d words", n, len(want))
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestInstancesComeAndGoWhileInputFlows(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
		var running [3]*instance
		for round := range 7 {
			c.write(c.lines, int64(1000*round), text(uint64(round), 400, want)...)
			switch i := round % 3; round {
			case 0, 1, 2:
				running[i] = c.start(dirs[i], nil)
			case 4, 5:
				if err := running[i].stop(); err != nil {
					t.Fatal(err)
				}
				running[i] = nil
			case 6:
				running[1] = c.start(dirs[1], nil)
			}
			time.Sleep(300 * time.Millisecond) // let some of it be processed under way
		}
		c.want(want)
		for _, in := range running {
			if in != nil {
				if err := in.stop(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestFatalErrorCommitsNothingAfterTheRecord(t *testing.T) {
	for name, g := range map[string]app.Guarantee{"at least": app.AtLeastOnce, "exactly": app.ExactlyOnce} {
		t.Run(name, func(t *testing.T) { fatalErrorCommitsNothingAfterTheRecord(t, g) })
	}
}

func fatalErrorCommitsNothingAfterTheRecord(t *testing.T, g app.Guarantee) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", "good one", "k", "poison", "k", "later")
		in := c.start(t.TempDir(), func(cfg *app.Config) { cfg.Guarantee = g })
		err := in.wait()
		if err == nil {
			t.Fatal("Run returned nil")
		}
		for _, part := range []string{"task 0_", `node "split"`, c.lines, "@1", "nobody can bear"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not name %q", err, part)
			}
		}
		got, gerr := c.admin.GroupOffsets(t.Context(), c.id, false)
		if gerr != nil {
			t.Fatal(gerr)
		}
		for p := range int32(partitions) {
			if o := got[record.TopicPartition{Topic: c.lines, Partition: p}]; o.Next > 1 {
				t.Errorf("committed offset %d, past the failed record 1", o.Next)
			}
		}
		if s := in.app.State(); s != app.Error {
			t.Errorf("state %v, want error", s)
		}

		// Told to skip it, the next run does, and counts it.
		in = c.start(t.TempDir(), func(cfg *app.Config) {
			cfg.Guarantee = g
			cfg.Processing = task.ErrorPolicy{Then: task.Skip}
		})
		c.awaitProcessed(c.lines)
		c.awaitProcessed(c.words())
		counts := c.read(c.counts)
		if g == app.AtLeastOnce { // what came of the record before the failed one may have been written already
			for _, word := range []string{"good", "one"} {
				counts[word] = min(counts[word], 1)
			}
		}
		if d := cmp.Diff(map[string]int64{"good": 1, "one": 1, "later": 1}, counts); d != "" {
			t.Errorf("counts (-want +got):\n%s", d)
		}
		dropped := int64(0)
		for _, ts := range in.app.Metrics().Tasks {
			for _, n := range ts.Dropped {
				dropped += n
			}
		}
		if dropped != 1 {
			t.Errorf("dropped %d records, want 1", dropped)
		}
	})
}
