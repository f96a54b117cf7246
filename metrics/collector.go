package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leatstream/leat/app"
)

// Source is what figures come from; *app.App is one.
type Source interface {
	// Metrics returns a snapshot. It is called at each scrape, from any goroutine.
	Metrics() app.Metrics
}

// Collector is a prometheus.Collector of applications' figures. Its methods may be called concurrently.
type Collector struct{ sources []Source }

// NewCollector returns the collector of one or several instances that run in this process. The figures of
// instances of one application are added up.
//
// Register it once; two collectors of the same application contradict each other.
func NewCollector(sources ...Source) *Collector { return &Collector{sources: sources} }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	apps := make(map[string]*figures)
	for _, s := range c.sources {
		m := s.Metrics()
		f := apps[m.Application]
		if f == nil {
			f = newFigures(m.Application)
			apps[m.Application] = f
		}
		f.add(m)
	}
	for _, f := range apps {
		f.send(ch)
	}
}
