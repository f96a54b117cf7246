package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The vectors of WORKLOADS.md.
func TestZipfIsThatOfTheJavaProject(t *testing.T) {
	z := newZipf()
	for i := range 100_000 {
		z.next()
		got := fmt.Sprintf("%s %d %s", keyName(uint64(z.key)), z.ts, z.value[:20])
		want := map[int]string{
			0:      "k0000001 1699999999615 U864aiQYf7V3u4k4UcKR",
			99_999: "k0000000 1700000100307 W5mbX6lScJ0JRGJNqwsf",
		}[i]
		if want != "" && got != want {
			t.Errorf("record %d is %s, want %s", i, got, want)
		}
	}
}

// At N = 200000 W6 has so many keys, by WORKLOADS.md.
func TestHashKeyIsThatOfTheJavaProject(t *testing.T) {
	z := newZipf()
	counts := make(map[string]int)
	updates := 0
	for range 200_000 {
		z.next()
		k := hashKey(string(z.value[:]))
		counts[k]++
		updates += counts[k]
	}
	if len(counts) != 86_499 || updates != 400_226 {
		t.Errorf("%d keys, updates sum to %d; want 86499 and 400226", len(counts), updates)
	}
}

func TestTopologiesBuild(t *testing.T) {
	for _, w := range []string{"W1", "W2", "W3", "W4", "W5", "W6", "W7"} {
		in, err := inputs(w, "bench", 1000)
		if err != nil {
			t.Fatal(err)
		}
		var topics []string
		for _, i := range in {
			topics = append(topics, i.topic)
		}
		if _, err := build(w, topics, "out", new(firstRecord)); err != nil {
			t.Errorf("%s: %v", w, err)
		}
	}
	if _, err := inputs("W8", "bench", 1000); err == nil {
		t.Error("there is no W8")
	}
}

func TestArgs(t *testing.T) {
	a, err := parseArgs([]string{"--keep", "--records", "5_000", "--verify=false", "--guarantee", "eos"})
	if err != nil {
		t.Fatal(err)
	}
	if keep, err := a.yes("keep", false); !keep || err != nil {
		t.Errorf("--keep: %v, %v", keep, err)
	}
	if verify, err := a.yes("verify", true); verify || err != nil {
		t.Errorf("--verify=false: %v, %v", verify, err)
	}
	s, err := a.settings(1000, 100)
	if err != nil || s.records != 5000 || !s.eos || s.commit.Milliseconds() != 100 || s.threads != 1 {
		t.Errorf("settings %+v, %v", s, err)
	}
	for _, bad := range [][]string{{"records", "5"}, {"--record", "5"}} {
		if _, err := parseArgs(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	for _, bad := range [][]string{{"--guarantee", "most"}, {"--records", "many"}, {"--threads", "0"}, {"--verbose", "perhaps"}} {
		a, err := parseArgs(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.settings(1000, 100); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestResultLinesAreReadAsTheyAreWritten(t *testing.T) {
	r := newResult("leat", "W2", &settings{threads: 2, eos: true})
	r.int("records", 5000)
	r.float("wall_s", 1.25)
	r.text("verify", `got "a", wanted\n b`)
	line := r.line()
	back, err := parseResult(line)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(line, back.line()); diff != "" {
		t.Error(diff)
	}
	if v := back.string("verify"); v != `got "a", wanted\n b` {
		t.Errorf("verify is %q", v)
	}
	if err := back.finish(&bytes.Buffer{}); err == nil {
		t.Error("a result that did not verify is an error")
	}
}

func TestTableHasTheMediansAndTheirRatio(t *testing.T) {
	var all []*result
	for _, line := range []string{
		`{"impl":"leat","workload":"W1","guarantee":"alo","threads":1,"cache":0,"records_per_s":300,"cpu_us_per_record":2,"verify":"ok"}`,
		`{"impl":"leat","workload":"W1","guarantee":"alo","threads":1,"cache":0,"records_per_s":500,"cpu_us_per_record":2,"verify":"ok"}`,
		`{"impl":"kafka-streams-4.3.1","workload":"W1","guarantee":"alo","threads":1,"cache":0,"records_per_s":100,"cpu_us_per_record":7,"verify":"wrong"}`,
		`{"impl":"franz-go loop","workload":"W1","guarantee":"alo","threads":1,"cache":0,"records_per_s":800,"verify":"ok"}`,
		`{"impl":"leat","workload":"latency","guarantee":"eos","threads":1,"linger_ms":"5","p50_ms":1.5,"verify":"ok"}`,
	} {
		r, err := parseResult(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	var b strings.Builder
	writeTables(&b, all)
	for _, want := range []string{
		"| W1 | alo | 1 | 400 | 100 | 4.00 | 800 | 2.00 | 7.00 | 3.50 |", "| 4 | 3 |", "| latency | eos | 1 | linger 5 | 1.5 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
