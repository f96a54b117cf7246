package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// partitionState is what one partition of the count's changelog says.
type partitionState struct {
	// end is the offset after the last change.
	end  int64
	rows map[int]tally
}

// localIsChangelog compares what the instances have on disk with the changelog. An instance from which a task has
// moved away has an older state of it, which nothing is left to compare with; what is complete must be equal, and
// each task must be complete somewhere.
func localIsChangelog(v *verdict, dirs []string, logged map[int32]*partitionState) error {
	complete := make(map[int32]bool)
	for _, dir := range dirs {
		if err := openLocal(v, dir, logged, complete); err != nil {
			return fmt.Errorf("local state in %s: %w", dir, err)
		}
	}
	for p := range logged {
		if !complete[p] {
			v.problem("local state: no instance has partition %d complete after an orderly stop", p)
		}
	}
	v.local = len(complete)
	return nil
}

func openLocal(v *verdict, dir string, logged map[int32]*partitionState, complete map[int32]bool) (err error) {
	db, err := pebblestore.Open(dir, pebblestore.Options{Application: application, Memory: 8 << 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tasks, err := db.Tasks()
	if err != nil {
		return err
	}
	for _, name := range tasks {
		task, err := assign.ParseTask(name)
		if err != nil {
			return err
		}
		positions, err := db.Positions(name)
		if err != nil {
			return err
		}
		want := logged[task.Partition]
		if at, ok := positions[countsStore]; !ok || want == nil || at.Next < want.end {
			continue
		}
		engine, err := db.Task(name).Open(countsStore)
		if err != nil {
			return err
		}
		if err := sameRows(v, filepath.Join(dir, name), engine, want.rows); err != nil {
			return err
		}
		complete[task.Partition] = true
	}
	return nil
}

// sameRows compares the rows of a store with those that its changelog says.
func sameRows(v *verdict, where string, engine statestore.Engine, want map[int]tally) error {
	rows, wrong := 0, 0
	it := engine.Iterate(nil, nil, false)
	for it.Next() {
		rows++
		key, err := keyNumber(it.Key())
		got, derr := storedTally(it.Value())
		if err != nil || derr != nil || got != want[key] {
			if wrong++; wrong <= maxExamples {
				v.problem("local state: %s: key %q is %+v, its changelog says %+v: %v %v", where, it.Key(), got, want[key], err, derr)
			}
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	if wrong > maxExamples || rows != len(want) {
		v.problem("local state: %s: %d of %d rows differ, its changelog has %d", where, wrong, rows, len(want))
	}
	return it.Close()
}

// storedTally reads a row of the store, which begins with the record's time.
func storedTally(row []byte) (tally, error) {
	if len(row) < 8 || binary.BigEndian.Uint64(row) == 0 {
		return tally{}, fmt.Errorf("decode row: % x has no time", row)
	}
	return tallySerde{}.Decode(row[8:])
}
