package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (-want +got; -rewrite accepts it):\n%s", file, diff)
	}
}

func TestResultFormats(t *testing.T) {
	r := &result{
		Words: map[string]int64{"the": 12, "été": 3, "a": 3, "zoo": 1}, Lines: 9, Written: 4, Records: 28, Seconds: 0.5, RecordsPerSecond: 56,
		Restored: &restoredResult{Records: 1000, Seconds: 0.25, RecordsPerSecond: 4000},
	}
	for _, format := range []string{"json", "text"} {
		var b strings.Builder
		if err := r.write(&b, format); err != nil {
			t.Fatal(err)
		}
		golden(t, "result."+format, b.String())
	}
}

func TestTextShowsTheTwentyMostFrequent(t *testing.T) {
	r := &result{Words: map[string]int64{}}
	for i := range 50 {
		r.Words[fmt.Sprintf("w%02d", i)] = int64(i)
	}
	var b strings.Builder
	if err := r.write(&b, "text"); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Count(text, "  w") != 20 || !strings.Contains(text, "      49  w49\n") || strings.Contains(text, "w29") || strings.Contains(text, "restored") {
		t.Errorf("text is\n%s", text)
	}
}
