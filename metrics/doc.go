// Package metrics shows the figures of applications to Prometheus. It is the one importer of the Prometheus
// client; an application that does not import it does not carry that library.
//
//	registry.MustRegister(metrics.NewCollector(application))
//
// The collector keeps nothing: each scrape asks the applications for a snapshot. Figures that belong to tasks
// are those of the tasks that the process has at that moment. When a task moves away its series end, and when
// it comes back its counters start at zero, which rate() and increase() take for a restart.
//
// Labels are bounded by the topology and the partition counts: app, task, node, topic, partition, store,
// state and reason. Keys and values never become labels.
package metrics
