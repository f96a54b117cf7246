package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/metrics"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

func ExampleNewCollector() {
	b := stream.New()
	stream.To(stream.From(b, stream.NewTopic("in", serde.String, serde.String)), stream.NewTopic("out", serde.String, serde.String))
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	application, err := app.New(app.Config{Application: "copy", Topology: topology, Brokers: []string{"127.0.0.1:9092"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(application))

	// A service would listen: http.Handle("/metrics", promhttp.HandlerFor(…)).
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "leat_app_instances") {
			fmt.Print(line)
		}
	}
	// Output:
	// leat_app_instances{app="copy",state="closed"} 0
	// leat_app_instances{app="copy",state="closing"} 0
	// leat_app_instances{app="copy",state="created"} 1
	// leat_app_instances{app="copy",state="error"} 0
	// leat_app_instances{app="copy",state="rebalancing"} 0
	// leat_app_instances{app="copy",state="running"} 0
}
