package main

import (
	"encoding/binary"
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// TestLocalIsChangelog plants what the comparison of the local state with the changelog is to find.
func TestLocalIsChangelog(t *testing.T) {
	tallies := map[int]tally{1: {Count: 1, Sum: 7}, 2: {Count: 2, Sum: 9}}
	tests := []struct {
		name     string
		next     int64
		rows     map[int]tally
		problems int
	}{
		{"equal", 10, tallies, 0},
		{"complete behind a marker", 11, tallies, 0},
		{"a row is missing", 10, map[int]tally{1: tallies[1]}, 1},
		{"a row too many", 10, map[int]tally{1: tallies[1], 2: tallies[2], 3: {}}, 1},
		{"a row differs", 10, map[int]tally{1: tallies[1], 2: {Count: 1}}, 1},
		{"nowhere complete", 9, map[int]tally{1: tallies[1]}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.next, test.rows)
			v := &verdict{}
			if err := localIsChangelog(v, []string{dir}, map[int32]*partitionState{3: {end: 10, rows: tallies}}); err != nil {
				t.Fatal(err)
			}
			if len(v.problems) != test.problems {
				t.Errorf("problems %q, want %d", v.problems, test.problems)
			}
		})
	}
}

// write makes a state directory as an instance leaves it.
func write(t *testing.T, dir string, next int64, rows map[int]tally) {
	t.Helper()
	db, err := pebblestore.Open(dir, pebblestore.Options{Application: application, Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	b := db.Task("1_3")
	engine, err := b.Open(countsStore)
	if err != nil {
		t.Fatal(err)
	}
	batch := b.NewBatch()
	for key, row := range rows {
		value, err := tallySerde{}.Append(binary.BigEndian.AppendUint64(nil, 1000), row)
		if err != nil {
			t.Fatal(err)
		}
		batch.Set(engine, []byte(countedAs(keyName(key))), value)
	}
	batch.SetPosition(countsStore, statestore.Position{Next: next})
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
