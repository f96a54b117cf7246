package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/embedded"
)

func TestScalingTables(t *testing.T) {
	var results []*result
	for _, line := range []string{
		`{"cpu_us_per_record":2.5,"cpu_us_per_update":2.5,"peak_rss_mb":100.4}`,
		`{"cpu_us_per_record":8,"cpu_us_per_update":2,"peak_rss_mb":110}`,
		`{"cpu_us_per_record":80,"cpu_us_per_update":5}`,
	} {
		r, err := parseResult(line)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	stores := table(t, "stores")
	stores.caption = "What is measured."
	var b strings.Builder
	stores.write(&b, results)
	want := `What is measured.

| stores | CPU µs/record | CPU µs/update | peak RSS MiB | ratio |
| --- | --- | --- | --- | --- |
| 1 | 2.50 | 2.50 | 100 | 1.00 |
| 4 | 8.00 | 2.00 | 110 | 0.80 |
| 16 | 80.00 | 5.00 |  | 2.00 |

`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func table(t *testing.T, name string) scaling {
	t.Helper()
	i := slices.IndexFunc(scalings, func(s scaling) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("there is no table %q", name)
	}
	return scalings[i]
}

func TestCoreCountsWhatItIsFed(t *testing.T) {
	s := &settings{threads: 1}
	r, err := measureCore(s, 3, 1_000, 60_000) // several commits
	checkMeasured(t, r, err, map[string]float64{"keys": 1_000, "stores": 3, "records": 60_000}, "cpu_us_per_record", "peak_rss_mb")
	r, err = measureStores(s, 4, 1_000, 2_000)
	checkMeasured(t, r, err, map[string]float64{"keys": 250, "stores": 4, "records": 500}, "cpu_us_per_update")
	if _, err := measureCore(s, 1, 10_000_001, 1); err == nil {
		t.Error("keys that have no names are no error")
	}
}

// checkMeasured checks a result: that it verified, what it says, and which other figures are there.
func checkMeasured(t *testing.T, r *result, err error, want map[string]float64, fields ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.finish(io.Discard); err != nil || r.string("verify") != "ok" {
		t.Errorf("%v: %s", err, r.line())
	}
	for name, v := range want {
		if got := r.number(name); got != v {
			t.Errorf("%s is %v, want %v", name, got, v)
		}
	}
	for _, name := range fields {
		if !(r.number(name) >= 0) { // NaN if it is not there
			t.Errorf("no figure %s in %s", name, r.line())
		}
	}
}

func TestScalingRowsOnTheEmbeddedBroker(t *testing.T) {
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	g := &ground{id: "scale-test", dir: t.TempDir(), bytes: 100 * (keptKey + keptValue)}
	g.bootstrap, g.threads, g.commit, g.timeout = []string{broker.Addr()}, 1, time.Second, time.Minute
	if g.cluster, err = connect(g.bootstrap); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.cluster.close)
	// row does in this process what a process of its own does for a row.
	row := func(table scaling, row string, flags []string) (*result, error) {
		a, err := parseArgs(flags)
		if err != nil {
			return nil, err
		}
		s := g.settings
		if s.records, err = a.num("records", 0); err != nil {
			return nil, err
		}
		return table.measure(t.Context(), &s, a, row)
	}

	flags, err := g.fed(t.Context(), "partitions-10", 10, 500, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	r, err := row(table(t, "partitions"), "10", flags)
	checkMeasured(t, r, err, map[string]float64{"processed": 500}, "records_per_s", "cpu_us_per_record", "peak_rss_mb")

	if flags, err = g.fed(t.Context(), "idle-3", 3, 30, 100_000); err != nil {
		t.Fatal(err)
	}
	j := &job{settings: g.settings, cluster: g.cluster, workload: "W2", id: flags[1], in: []input{{flags[1] + "-in", 30}}, out: flags[1] + "-out", dir: flags[3]}
	r, err = j.idle(t.Context(), 0, time.Millisecond)
	checkMeasured(t, r, err, map[string]float64{"tasks": 3}, "rss_mb", "heap_mb", "goroutines", "cpu_percent")

	// The state is built, started with, and restored.
	startup := table(t, "startup")
	if flags, err = g.stated(t.Context(), "empty"); err != nil {
		t.Fatal(err)
	}
	r, err = row(startup, "empty", flags)
	checkMeasured(t, r, err, map[string]float64{"restored": 0}, "running_s")
	id := g.id + "-kept"
	if g.built, err = g.cluster.keep(t.Context(), id+"-in", g.bytes); err != nil || g.built != 100 {
		t.Fatalf("%d records, %v", g.built, err)
	}
	if _, err := row(startup, "build", g.flags(id, g.built)); err != nil {
		t.Fatal(err)
	}
	r, err = row(startup, "local", g.flags(id, g.built))
	checkMeasured(t, r, err, map[string]float64{"restored": 0}, "running_s", "cpu_s", "peak_rss_mb")
	if flags, err = g.stated(t.Context(), "changelog"); err != nil {
		t.Fatal(err)
	}
	r, err = row(startup, "changelog", flags)
	checkMeasured(t, r, err, map[string]float64{"restored": 100}, "running_s", "records_per_s")

	if err := g.clear(t.Context()); err != nil {
		t.Error(err)
	}
	fresh, err := connect(g.bootstrap) // the client that has asked before remembers the answer
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.close()
	left, err := fresh.adm.ListTopics(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("topics %v are left, %v", left.Names(), err)
	}
	if dirs, err := filepath.Glob(filepath.Join(g.dir, "*")); err != nil || len(dirs) != 0 {
		t.Errorf("%v are left, %v", dirs, err)
	}
}
