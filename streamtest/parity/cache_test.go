package parity

import (
	"slices"
	"testing"

	"github.com/leatstream/leat/streamtest"
)

// leftover is a scenario that joins a table with a join of itself. A deletion goes from both sides by one record, of
// which each finds the other's row gone, so that the result stays. In a record cache the second still finds it.
const leftover = "join-table-table-016"

// In a record cache, full at once or only with the commit after every record, stores and the text stay, and each
// output topic ends up with the same last value of every key.
func TestTheRecordCacheKeepsTables(t *testing.T) {
	all, err := Load("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !slices.Contains(Complete, s.Family()) {
			continue
		}
		for _, bytes := range []int64{1, 1 << 20} {
			got, err := answer(s, streamtest.Config{RecordCache: bytes})
			if err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			d := compare(got, &s.Expect)
			for _, l := range []Level{Stores, Describe} {
				if d[l] != "" {
					t.Errorf("%s: with a cache of %d bytes, %s differs: %s", s.Name, bytes, l, d[l])
				}
			}
			for topic, want := range s.Expect.Outputs {
				if s.Name == leftover && bytes > 1 {
					continue
				}
				if d := compareList(topic, rows(got.Outputs[topic]), rows(want)); d != "" {
					t.Errorf("%s: with a cache of %d bytes: %s", s.Name, bytes, d)
				}
			}
		}
	}
}

// rows are the last values of a topic's keys, sorted.
func rows(entries []Entry) []string {
	last := make(map[string]string)
	for _, e := range entries {
		key := "null"
		if e.Key != nil {
			key = *e.Key
		}
		if delete(last, key); e.Value != nil {
			last[key] = e.String()
		}
	}
	var out []string
	for _, r := range last {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}
