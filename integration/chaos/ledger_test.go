package main

import "testing"

// TestLedger plants what a ledger is to find in histories of two keys.
func TestLedger(t *testing.T) {
	const keys = 2
	of := func(key int, seq uint64) event { return event{ID: eventID(key, seq, keys), Seq: seq} }
	type entry struct {
		key int
		event
	}
	tests := []struct {
		name                  string
		entries               []entry
		lost, repeated, wrong int64
	}{
		{"right", []entry{{0, of(0, 1)}, {1, of(1, 1)}, {0, of(0, 2)}}, 0, 0, 0},
		{"lost in between", []entry{{1, of(1, 1)}, {0, of(0, 2)}}, 1, 0, 0},
		{"lost at the end", []entry{{1, of(1, 1)}, {0, of(0, 1)}}, 1, 0, 0},
		{"a key lost", []entry{{0, of(0, 1)}, {0, of(0, 2)}}, 1, 0, 0},
		{"repeated", []entry{{0, of(0, 1)}, {1, of(1, 1)}, {0, of(0, 2)}, {0, of(0, 2)}}, 0, 1, 0},
		{"repeated later", []entry{{0, of(0, 1)}, {0, of(0, 2)}, {1, of(1, 1)}, {0, of(0, 1)}}, 0, 1, 0},
		{"order changed", []entry{{0, of(0, 2)}, {0, of(0, 1)}, {1, of(1, 1)}}, 1, 1, 0},
		{"another key's record", []entry{{0, of(0, 1)}, {0, of(1, 2)}, {1, of(1, 1)}}, 1, 0, 1},
		{"never written", []entry{{0, of(0, 1)}, {0, of(0, 2)}, {0, of(0, 3)}, {1, of(1, 1)}}, 0, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(keys)
			for _, e := range test.entries {
				l.enter(e.key, e.event, "here")
			}
			l.end([]uint64{2, 1}, "here")
			if l.lost != test.lost || l.repeated != test.repeated || l.wrong != test.wrong {
				t.Errorf("lost %d, repeated %d, wrong %d; want %d, %d, %d: %q", l.lost, l.repeated, l.wrong, test.lost, test.repeated, test.wrong, l.examples)
			}
		})
	}
}
