package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/leatstream/leat/integration/kafkatest"
)

// result is the outcome of a run.
type result struct {
	settings      settings
	began         time.Time
	took          time.Duration
	dir           string
	records       fed
	done          map[kind]int
	stalls        map[kind][]time.Duration
	restores      restoreCounts
	input, output *ledger
	joined        *ledger
	// local is the number of tasks whose local state has been compared.
	local      int
	violations []string
}

// section returns the command, the circumstances and the tables as docs/reliability.md has them.
func (r *result) section() string {
	return fmt.Sprintf("    cd integration && %s\n\n%s, %s on %s/%s.\n\n%s", r.settings.command,
		r.began.Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, r.table())
}

// table returns the result in Markdown.
func (r *result) table() string {
	var b strings.Builder
	row := func(name string, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	b.WriteString("| | |\n|---|---|\n")
	row("seed", "%d", r.settings.seed)
	row("guarantee, instances, standbys", "%s, %d to %d, %d", r.settings.guarantee, r.settings.instances, r.settings.instances+1, r.settings.standbys)
	row("brokers", "%d × Kafka %s, replication %d, min ISR 2", brokers, kafkatest.CurrentVersion(), brokers)
	row("time", "%v with %d CPUs; load average before it %s", r.took.Round(time.Second), runtime.NumCPU(), r.settings.load)
	row("application kills", "%d (%d of them with the state deleted)", r.done[kill]+r.done[wipe], r.done[wipe])
	row("orderly stops, added, removed", "%d, %d, %d", r.done[stop], r.done[grow], r.done[shrink])
	row("zombies", "%d", r.done[zombie])
	row("broker kills, pauses", "%d, %d", r.done[brokerKill], r.done[brokerPause])
	row("connection cuts", "%d", r.done[cut])
	row("records", "%d counted, %d pairs joined", r.records.counted(), r.records.pairs)
	row("lost, counted and joined", "%d, %d", r.output.lost, r.joined.lost)
	row("duplicated, counted and joined", "%d, %d", r.output.repeated, r.joined.repeated)
	row("wrong values, counted and joined", "%d, %d", r.output.wrong, r.joined.wrong)
	row("tasks whose local state equals its changelog in the end", "%d of %d", r.local, partitions)
	c := r.restores
	row("restores from the tail", "%d (%d change records), %d with nothing to read", c.tail, c.tailRecords, c.complete)
	row("restores from the beginning", "%d (%d change records): %d first time on the instance, %d directory deleted, %d killed before the first flush",
		c.scratch(), c.scratchRecords, c.first, c.wipedAway, c.young)
	row("state rebuilt although it was there", "%d", c.rebuilt)
	row("standbys and warm-ups begun", "%d from the tail, %d from scratch; %d became active", c.copiesTail, c.copiesScratch, c.promoted)
	row("violations", "%d", len(r.violations))
	b.WriteString("\n| stall after | measured | p50 | p99 | longest |\n|---|---|---|---|---|\n")
	for _, k := range kinds {
		if s := slices.Sorted(slices.Values(r.stalls[k])); len(s) > 0 {
			fmt.Fprintf(&b, "| %s | %d | %s | %s | %s |\n", k, len(s), seconds(percentile(s, 50)), seconds(percentile(s, 99)), seconds(s[len(s)-1]))
		}
	}
	if len(r.violations) > 0 {
		fmt.Fprintf(&b, "\n%d violations, seed %d, files in %s:\n\n", len(r.violations), r.settings.seed, r.dir)
		for _, v := range r.violations {
			fmt.Fprintf(&b, "- %s\n", v)
		}
	}
	return b.String()
}

// percentile returns the smallest value that p percent of the sorted values do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
