package parity

import (
	"slices"
	"testing"

	"github.com/leatstream/leat/streamtest"
)

// With one change record a key and commit, outputs, stores and the text stay; each changelog ends up with the
// same last value of every key.
func TestLoggingTheLastUpdateKeepsResults(t *testing.T) {
	all, err := Load("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, s := range all {
		if !slices.Contains(Complete, s.Family()) {
			continue
		}
		ran++
		got, err := answer(s, streamtest.Config{LogLast: true})
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		d := compare(got, &s.Expect)
		for _, l := range []Level{Outputs, Stores, Describe} {
			if d[l] != "" {
				t.Errorf("%s: %s differs: %s", s.Name, l, d[l])
			}
		}
		for topic, want := range s.Expect.InternalTopics {
			if keepsHistory(s, topic) {
				continue // where changes that come too late to be kept are left out
			}
			changes := slices.Clone(got.InternalTopics[topic])
			if slices.ContainsFunc(want, func(c Change) bool { return c.Ts == nil }) {
				for i := range changes { // the producer's clock
					changes[i].Ts = nil
				}
			}
			if d := compareList(topic, table(changes), table(want)); d != "" {
				t.Errorf("%s: compacted: %s", s.Name, d)
			}
		}
	}
	if ran == 0 {
		t.Error("there is no scenario of a complete family")
	}
}

// keepsHistory reports whether a topic is the changelog of a versioned store.
func keepsHistory(s *Scenario, topic string) bool {
	return slices.ContainsFunc(s.Topology, func(op Op) bool {
		return op.Store != nil && op.Store.HistoryMs > 0 && topic == application+"-"+op.Store.Name+"-changelog"
	})
}

// table is what compaction leaves of a topic, sorted.
func table(changes []Change) []string {
	last := make(map[string]string)
	for _, c := range changes {
		last[hexed(c.Key)] = c.String()
	}
	var out []string
	for _, c := range last {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}
