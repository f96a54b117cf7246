package pebblestore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/leatstream/leat/statestore"
)

// write is one write of a script: a value, or nil for a deletion; with to set, a deletion of [key, to).
type write struct {
	store, key, to string
	value          []byte
}

// script returns the writes of a task's i-th batch, always the same ones.
func script(seed uint64, taskNo, i int) []write {
	r := rand.New(rand.NewPCG(seed, uint64(taskNo)<<32|uint64(i)))
	key := func() string { return fmt.Sprintf("key-%03d", r.IntN(400)) }
	n, size := 1+r.IntN(20), 300
	if r.IntN(30) == 0 {
		// Larger than half a memtable: Pebble then takes another way.
		n, size = 100, 6000
	}
	var ws []write
	for range n {
		w := write{store: []string{"counts", "sums"}[r.IntN(2)], key: key()}
		switch p := r.IntN(20); {
		case p == 0:
			w.to = key()
		case p > 4:
			w.value = bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(size))
		}
		ws = append(ws, w)
	}
	return ws
}

// replay returns a task's stores after its first n batches.
func replay(seed uint64, taskNo, n int) map[string]map[string]string {
	state := map[string]map[string]string{"counts": {}, "sums": {}}
	for i := range n {
		for _, w := range script(seed, taskNo, i) {
			m := state[w.store]
			switch {
			case w.value != nil:
				m[w.key] = string(w.value)
			case w.to != "":
				maps.DeleteFunc(m, func(k, _ string) bool { return k >= w.key && k < w.to })
			default:
				delete(m, w.key)
			}
		}
	}
	return state
}

var scriptTasks = []string{"0_0", "0_1", "1_0"}

// perform commits the i-th batch of a task.
func perform(b statestore.Backend, seed uint64, taskNo, i int) error {
	engines := map[string]statestore.Engine{}
	for _, store := range []string{"counts", "sums"} {
		e, err := b.Open(store)
		if err != nil {
			return err
		}
		engines[store] = e
	}
	batch := b.NewBatch()
	for _, w := range script(seed, taskNo, i) {
		switch e := engines[w.store]; {
		case w.value != nil:
			batch.Set(e, []byte(w.key), w.value)
		case w.to != "":
			batch.DeleteRange(e, []byte(w.key), []byte(w.to))
		default:
			batch.Delete(e, []byte(w.key))
		}
	}
	for _, store := range []string{"counts", "sums"} {
		batch.SetPosition(store, statestore.Position{Next: int64(i + 1)})
	}
	return batch.Commit()
}

// prefixOf checks that a task's state is that after some of its batches, at most limit, and returns how many.
func prefixOf(b statestore.Backend, seed uint64, taskNo, limit int) (int, error) {
	counts, _, err := b.Position("counts")
	if err != nil {
		return 0, err
	}
	sums, _, err := b.Position("sums")
	if err != nil {
		return 0, err
	}
	n := int(counts.Next)
	if sums.Next != counts.Next || n > limit {
		return 0, fmt.Errorf("positions %d and %d after %d batches", counts.Next, sums.Next, limit)
	}
	want := replay(seed, taskNo, n)
	for store, entries := range want {
		e, err := b.Open(store)
		if err != nil {
			return 0, err
		}
		it := e.Iterate(nil, nil, false)
		got := 0
		for it.Next() {
			got++
			if want, ok := entries[string(it.Key())]; !ok || string(it.Value()) != want {
				return 0, errors.Join(fmt.Errorf("store %s at position %d: %q is wrong", store, n, it.Key()), it.Close())
			}
		}
		if err := errors.Join(it.Err(), it.Close()); err != nil {
			return 0, err
		}
		if got != len(entries) {
			return 0, fmt.Errorf("store %s at position %d: %d entries, want %d", store, n, got, len(entries))
		}
	}
	return n, nil
}

// TestCrash cuts the power at random moments, keeping some of what was not synced, and checks that each task
// then has the state that one of its batches left.
func TestCrash(t *testing.T) {
	lost, kept := 0, 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 5))
		fsys := vfs.NewCrashableMem()
		db := mustOpen(t, "state", Options{FS: fsys})
		var backends []statestore.Backend
		for _, task := range scriptTasks {
			backends = append(backends, db.Task(task))
		}
		done := make([]int, len(backends))
		flushed := make([]int, len(backends))
		for step := range 900 {
			taskNo := r.IntN(len(backends))
			if err := perform(backends[taskNo], seed, taskNo, done[taskNo]); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			done[taskNo]++
			if r.IntN(200) == 0 {
				if err := db.Flush(); err != nil {
					t.Fatal(err)
				}
				copy(flushed, done)
			}
			if step%60 != 59 {
				continue
			}
			clone := fsys.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: rand.New(rand.NewPCG(seed, uint64(step)))})
			after := mustOpen(t, "state", Options{FS: clone})
			for taskNo, task := range scriptTasks {
				n, err := prefixOf(after.Task(task), seed, taskNo, done[taskNo])
				if err != nil {
					t.Fatalf("seed %d, step %d, task %s: %v", seed, step, task, err)
				}
				if n < flushed[taskNo] {
					t.Fatalf("seed %d, step %d, task %s: %d batches are left of %d that were flushed", seed, step, task, n, flushed[taskNo])
				}
				kept += n
				lost += done[taskNo] - n
			}
			mustClose(t, after)
		}
		mustClose(t, db)
		after := mustOpen(t, "state", Options{FS: fsys})
		for taskNo, task := range scriptTasks {
			if n, err := prefixOf(after.Task(task), seed, taskNo, done[taskNo]); err != nil || n != done[taskNo] {
				t.Fatalf("seed %d, task %s: %d of %d batches after an orderly stop: %v", seed, task, n, done[taskNo], err)
			}
		}
		mustClose(t, after)
	}
	t.Logf("%d batches survived the crashes, %d were lost", kept, lost)
	if lost == 0 || kept == 0 {
		t.Fatal("the crashes tested nothing")
	}
}

// TestCrashWhileOpening cuts the power before each single write to the disk while a directory is made: whatever
// is there then opens, as new.
func TestCrashWhileOpening(t *testing.T) {
	for percent := 0; percent <= 100; percent += 50 {
		for n := int64(1); ; n++ {
			fsys := vfs.NewCrashableMem()
			var clone *vfs.MemFS
			var ops atomic.Int64
			wrapped := errorfs.Wrap(fsys, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && ops.Add(1) == n {
					clone = fsys.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(n), 1))})
				}
				return nil
			}))
			db := mustOpen(t, "state", Options{FS: wrapped})
			mustClose(t, db)
			if clone == nil {
				if n < 20 {
					t.Fatalf("a directory is made by %d writes?", n)
				}
				break
			}
			after, err := Open("state", Options{Application: "app", Memory: minMemory, FS: clone})
			if err != nil {
				t.Fatalf("crash before write %d, %d %% kept: %v", n, percent, err)
			}
			if tasks, err := after.Tasks(); err != nil || len(tasks) != 0 {
				t.Fatal(tasks, err)
			}
			mustClose(t, after)
		}
	}
}

// TestDamage flips a bit of a file, cuts it off or deletes it. The database then refuses to open, or fails when
// it is read, both as ErrCorrupt; or it has the state that some batch left.
func TestDamage(t *testing.T) {
	const seed = 1
	fsys := vfs.NewCrashableMem()
	db := mustOpen(t, "state", Options{FS: fsys})
	done := make([]int, len(scriptTasks))
	for i := range 120 {
		for taskNo, task := range scriptTasks {
			b := db.Task(task)
			if err := errors.Join(perform(b, seed, taskNo, i), b.Close()); err != nil {
				t.Fatal(err)
			}
			done[taskNo]++
		}
		if i%50 == 0 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustClose(t, db)

	outcomes := map[string]int{}
	for round := range uint64(150) {
		r := rand.New(rand.NewPCG(round, 3))
		fsys := fsys.CrashClone(vfs.CrashCloneCfg{})
		names := list(t, fsys, "state/db")
		slices.Sort(names)
		// The empty name is the in-memory file system's own: the directory itself.
		names = slices.DeleteFunc(names, func(name string) bool { return name == "" || strings.HasSuffix(name, ".log") })
		name := names[r.IntN(len(names))]
		path := "state/db/" + name
		// The clone shares unchanged contents: they are copied before they are damaged.
		content := slices.Clone(readFile(t, fsys, path))
		var what string
		switch p := r.IntN(4); {
		case p == 0 || len(content) == 0:
			what = "deleted"
			if err := fsys.Remove(path); err != nil {
				t.Fatal(err)
			}
		case p == 1:
			what = "cut off"
			writeFile(t, fsys, path, content[:r.IntN(len(content))])
		default:
			what = "bit flipped"
			content[r.IntN(len(content))] ^= 1 << r.IntN(8)
			writeFile(t, fsys, path, content)
		}
		outcomes[examine(t, fsys, seed, done, name+" "+what)]++
	}
	t.Log(outcomes)
	if outcomes["refused"] == 0 || outcomes["failed"] == 0 || outcomes["sound"] == 0 {
		t.Fatalf("one of the outcomes never came: %v", outcomes)
	}
}

func examine(t *testing.T, fsys vfs.FS, seed uint64, done []int, what string) string {
	t.Helper()
	db, err := Open("state", Options{Application: "app", Memory: minMemory, FS: fsys})
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: open: %v", what, err)
		}
		if _, err := SetAside("state", fsys); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		mustClose(t, mustOpen(t, "state", Options{FS: fsys}))
		return "refused"
	}
	failed := false
	for taskNo, task := range scriptTasks {
		if _, err := prefixOf(db.Task(task), seed, taskNo, done[taskNo]); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s: task %s: %v", what, task, err)
			}
			failed = true
			break
		}
	}
	if failed != (db.Err() != nil) {
		t.Fatalf("%s: a read failed: %v, the database: %v", what, failed, db.Err())
	}
	if err := db.Close(); failed != errors.Is(err, ErrCorrupt) {
		t.Fatalf("%s: close: %v", what, err)
	}
	if failed {
		return "failed"
	}
	return "sound"
}
