package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leatstream/leat/app"
)

// sender writes the series of one application.
type sender struct {
	ch  chan<- prometheus.Metric
	app string
}

func (s sender) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{s.app}, labels...)...)
}

func (s sender) counter(d *prometheus.Desc, v int64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{s.app}, labels...)...)
}

func (s sender) histogram(d *prometheus.Desc, h app.Histogram, labels ...string) {
	buckets := make(map[float64]uint64, len(h.Bounds))
	for i, b := range h.Bounds {
		buckets[b] = h.Counts[i]
	}
	s.ch <- prometheus.MustNewConstHistogram(d, h.Count, h.Sum, buckets, append([]string{s.app}, labels...)...)
}

// every state gets a series, so that an alert on one finds a 0 and not nothing.
func (f *figures) send(ch chan<- prometheus.Metric) {
	s := sender{ch, f.app}
	for state := app.Created; state <= app.Error; state++ {
		s.gauge(appInstances, float64(f.states[state]), state.String())
	}
	s.histogram(appCommit, f.commit)
	for _, t := range f.tasks {
		s.task(t)
	}
}

func (s sender) task(t app.TaskMetrics) {
	s.gauge(taskState, flag(t.Restoring), t.Task, "restoring")
	s.gauge(taskState, flag(!t.Restoring), t.Task, "running")
	s.counter(taskIn, t.RecordsIn, t.Task)
	s.histogram(taskProcess, t.Process, t.Task)
	for topic, n := range t.RecordsOut {
		s.counter(taskOut, n, t.Task, topic)
	}
	for d, n := range t.Dropped {
		s.counter(taskDropped, n, t.Task, d.Node, string(d.Reason))
	}
	s.counter(taskAbsorbed, t.Absorbed, t.Task)
	for tp, n := range t.Lag {
		s.gauge(taskLag, float64(n), t.Task, tp.Topic, strconv.Itoa(int(tp.Partition)))
	}
	for name, st := range t.Stores {
		s.store(t.Task, name, st)
	}
}

func (s sender) store(task, name string, st app.StoreMetrics) {
	if st.Keys >= 0 {
		s.gauge(storeKeys, float64(st.Keys), task, name)
	}
	s.gauge(storeBytes, float64(st.Bytes), task, name)
	s.gauge(storePending, float64(st.Pending), task, name)
	s.gauge(restoreRemaining, float64(st.RestoreRemaining), task, name)
	s.counter(restoreRecords, st.Restored, task, name)
	s.gauge(restoreRate, st.RestoreRate, task, name)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
