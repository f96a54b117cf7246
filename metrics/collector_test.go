package metrics_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/metrics"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// fixed is a source that always says the same.
type fixed app.Metrics

func (f fixed) Metrics() app.Metrics { return app.Metrics(f) }

func histogram(counts ...uint64) app.Histogram {
	h := app.Histogram{Bounds: []float64{0.001, 0.1}, Counts: counts[:2], Count: counts[2], Sum: float64(counts[2]) / 4}
	return h
}

// counting is an instance that runs one task and restores another.
func counting() app.Metrics {
	return app.Metrics{
		Application: "shop", State: app.Rebalancing, Commit: histogram(1, 3, 4),
		Tasks: []app.TaskMetrics{
			{
				Task: "0_1", RecordsIn: 42, Absorbed: 5, Process: histogram(2, 2, 2),
				RecordsOut: map[string]int64{"totals": 7, "shop-sums-changelog": 5},
				Dropped:    map[app.Drop]int64{{Node: "sum", Reason: processor.DropNullKey}: 3},
				Lag:        map[record.TopicPartition]int64{{Topic: "orders", Partition: 1}: 900},
				Stores:     map[string]app.StoreMetrics{"sums": {Keys: 11, Bytes: 2048, Pending: 64}},
			},
			{
				Task: "0_2", Restoring: true, Process: histogram(0, 0, 0),
				Stores: map[string]app.StoreMetrics{"sums": {Keys: -1, RestoreRemaining: 500, Restored: 1500, RestoreRate: 750}},
			},
		},
	}
}

// scrape returns what Prometheus would see. A pedantic registry refuses what contradicts its description and
// what appears twice.
func scrape(t testing.TB, sources ...metrics.Source) string {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(metrics.NewCollector(sources...))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestText(t *testing.T) {
	const file = "testdata/metrics.txt"
	got := scrape(t, fixed(counting()))
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
		t.Errorf("scrape differs from %s (-want +got; -rewrite accepts it):\n%s", file, diff)
	}
}

func TestNamesPassPromlint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, fixed(counting())))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEveryDescriptionIsUsed(t *testing.T) {
	ch := make(chan *prometheus.Desc, 100)
	metrics.NewCollector().Describe(ch)
	close(ch)
	text := scrape(t, fixed(counting()))
	n := 0
	for d := range ch {
		n++
		name, _, _ := strings.Cut(strings.TrimPrefix(d.String(), `Desc{fqName: "`), `"`)
		if !strings.Contains(text, "# TYPE "+name+" ") {
			t.Errorf("%s is described and never sent", name)
		}
	}
	if n == 0 {
		t.Error("nothing is described")
	}
}

func TestInstancesOfOneApplicationAreAddedUp(t *testing.T) {
	a, b := counting(), counting()
	b.State = app.Running
	b.Tasks[0].Restoring = true
	b.Tasks[0].Stores = map[string]app.StoreMetrics{"sums": {Keys: 5}}
	b.Tasks[0].Lag = nil
	other := counting()
	other.Application = "bank"
	text := scrape(t, fixed(a), fixed(b), fixed(other))
	for _, want := range []string{
		`leat_app_instances{app="shop",state="rebalancing"} 1`,
		`leat_app_instances{app="shop",state="running"} 1`,
		`leat_app_instances{app="bank",state="running"} 0`,
		`leat_app_commit_duration_seconds_count{app="shop"} 8`,
		`leat_app_commit_duration_seconds_bucket{app="shop",le="0.1"} 6`,
		`leat_app_commit_duration_seconds_sum{app="shop"} 2`,
		`leat_task_records_in_total{app="shop",task="0_1"} 84`,
		`leat_task_records_in_total{app="bank",task="0_1"} 42`,
		`leat_task_records_out_total{app="shop",task="0_1",topic="totals"} 14`,
		`leat_task_state{app="shop",state="running",task="0_1"} 1`,
		`leat_store_keys{app="shop",store="sums",task="0_1"} 11`,
		`leat_task_lag_records{app="shop",partition="1",task="0_1",topic="orders"} 900`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if a.Commit.Counts[1] != 3 {
		t.Error("adding up changed a source's histogram")
	}
}

func TestSourcesWithoutFigures(t *testing.T) {
	text := scrape(t, &app.App{})
	if !strings.Contains(text, `leat_app_instances{app="",state="created"} 1`) {
		t.Errorf("an application that has not run:\n%s", text)
	}
}
