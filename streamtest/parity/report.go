package parity

import (
	"fmt"
	"io"
	"sort"
)

// Complete are the families that must be equal to Kafka Streams on every level; a family that is not listed
// may differ without failing the test. A family joins the list with its last operator and never leaves it.
var Complete = []string{
	"stateless", "table", "aggregate", "table-aggregate", "repartition", "processor",
	"tumbling", "sliding", "session",
	"join-table-table", "join-stream-table", "join-global", "join-stream-stream", "join-foreign-key", "cogroup", "suppress", "mixed", "extra",
}

// Report is the outcome of a run over many scenarios.
type Report struct {
	names       []string
	differences map[string]Difference
	families    map[string]string
}

// RunAll runs the scenarios one after another.
func RunAll(scenarios []*Scenario) *Report {
	r := &Report{differences: make(map[string]Difference), families: make(map[string]string)}
	for _, s := range scenarios {
		r.add(s.Name, s.Family(), Run(s))
	}
	return r
}

func (r *Report) add(name, family string, d Difference) {
	r.names = append(r.names, name)
	r.differences[name] = d
	r.families[name] = family
}

// Print writes one line a level with the number of scenarios that are equal, then, level by level, the names
// of those that differ with the first difference of each.
func (r *Report) Print(w io.Writer) error {
	for l := range levels {
		equal := 0
		for _, n := range r.names {
			if r.differences[n][l] == "" {
				equal++
			}
		}
		if _, err := fmt.Fprintf(w, "%s: %d of %d equal\n", l, equal, len(r.names)); err != nil {
			return err
		}
	}
	for l := range levels {
		for _, n := range r.names {
			if d := r.differences[n][l]; d != "" {
				if _, err := fmt.Fprintf(w, "%s differs: %s: %s\n", l, n, d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Broken returns the differences in families that are complete, sorted.
func (r *Report) Broken(complete []string) []string {
	listed := make(map[string]bool)
	for _, f := range complete {
		listed[f] = true
	}
	var out []string
	for _, n := range r.names {
		if !listed[r.families[n]] {
			continue
		}
		for l, d := range r.differences[n] {
			if d != "" {
				out = append(out, fmt.Sprintf("%s: %s differs: %s", n, Level(l), d))
			}
		}
	}
	sort.Strings(out)
	return out
}
