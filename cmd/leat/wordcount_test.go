package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/embedded"
)

func startBroker(t *testing.T) string {
	t.Helper()
	b, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Addr()
}

// writeText writes a text of n lines to a file and adds its words to counts.
func writeText(t *testing.T, seed uint64, n int, counts map[string]int64) (file string) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	var b strings.Builder
	for range n {
		for range r.IntN(12) {
			fmt.Fprintf(&b, "%s%d%s", []string{"Word", "été", "x"}[r.IntN(3)], r.IntN(1+r.IntN(200)), []string{" ", ", ", "--"}[r.IntN(3)])
		}
		b.WriteByte('\n')
	}
	for _, word := range naiveWords(b.String()) {
		counts[word]++
	}
	file = filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wordcountJSON runs the demonstration and returns what it printed.
func wordcountJSON(t *testing.T, args ...string) result {
	t.Helper()
	code, out, progress := leat(t, append([]string{"demo", "wordcount", "--output", "json"}, args...)...)
	if code != 0 {
		t.Fatalf("%q: code %d\n%s", args, code, progress)
	}
	t.Logf("%q:\n%s", args, progress)
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%q: %v in %q", args, err, out)
	}
	return r
}

func checkCounts(t *testing.T, r result, lines, written int64, want map[string]int64) {
	t.Helper()
	if r.Lines != lines || r.Written != written {
		t.Errorf("lines %d, written %d, want %d, %d", r.Lines, r.Written, lines, written)
	}
	if diff := cmp.Diff(want, r.Words); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

func TestBuiltinText(t *testing.T) {
	want := make(map[string]int64)
	for _, w := range naiveWords(string(builtinText)) {
		want[w]++
	}
	lines := int64(strings.Count(string(builtinText), "\n"))
	checkCounts(t, wordcountJSON(t), lines, lines, want)
}

func TestTextOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("b a b\n\nlast B"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, progress := leat(t, "demo", "wordcount", file, "--workers", "1")
	if code != 0 {
		t.Fatalf("code %d: %s", code, progress)
	}
	if want := "5 words, 3 different ones, in 3 lines\n\n       3  b\n       1  a\n       1  last\n\nprocessed 8 records in "; !strings.HasPrefix(out, want) {
		t.Errorf("printed %q, want %q", out, want)
	}
	if !strings.Contains(progress, "3 of 3 lines, 5 of 5 words processed") {
		t.Errorf("progress %q", progress)
	}
}

// TestRunsAddUp runs one application id several times on one broker.
func TestRunsAddUp(t *testing.T) {
	for _, instances := range []string{"1", "3"} {
		t.Run(instances+" instances", func(t *testing.T) {
			want := make(map[string]int64)
			broker := startBroker(t)
			state := t.TempDir()
			args := []string{"--brokers", broker, "--app-id", "sum", "--state-dir", state, "--instances", instances}
			one := writeText(t, 1, 2000, want)
			first := wordcountJSON(t, append(args, one)...)
			checkCounts(t, first, 2000, 2000, want)
			var words int64
			for _, n := range want {
				words += n
			}
			if first.Records != 2000+words {
				t.Errorf("processed %d records, want %d", first.Records, 2000+words)
			}

			two := writeText(t, 2, 1000, want)
			checkCounts(t, wordcountJSON(t, append(args, two)...), 3000, 1000, want)

			if err := os.RemoveAll(state); err != nil {
				t.Fatal(err)
			}
			again := wordcountJSON(t, append(args, os.DevNull)...)
			checkCounts(t, again, 3000, 0, want)
			if again.Restored == nil || again.Restored.Records < int64(len(want)) {
				t.Errorf("without its state directory it restored %+v, want at least %d records", again.Restored, len(want))
			}

			three := writeText(t, 3, 1000, want)
			checkCounts(t, wordcountJSON(t, append(args, three)...), 4000, 1000, want)
		})
	}
}

// TestInterrupted stops a run in the middle. A stop commits, so the next run ends with exact counts.
func TestInterrupted(t *testing.T) {
	want := make(map[string]int64)
	args := []string{"demo", "wordcount", "--brokers", startBroker(t), "--state-dir", t.TempDir()}
	file := writeText(t, 4, 30_000, want)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	progress := &tripwire{at: "words processed", trip: stop}
	var out strings.Builder
	begin := time.Now()
	code := run(ctx, append(args, file), console{&out, progress})
	if code != 1 || !strings.Contains(progress.String(), "leat: interrupted; the next run") || out.Len() > 0 {
		t.Errorf("code %d, printed %q, progress %q", code, &out, progress)
	}
	t.Logf("stopped after %v", time.Since(begin))
	checkCounts(t, wordcountJSON(t, append(args[2:], os.DevNull)...), 30_000, 0, want)
}

// tripwire is a writer that calls trip when a text appears.
type tripwire struct {
	strings.Builder
	at   string
	trip func()
}

func (w *tripwire) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.at) {
		w.trip()
	}
	return w.Builder.Write(b)
}
