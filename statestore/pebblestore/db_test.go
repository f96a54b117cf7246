package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

func mustOpen(t testing.TB, dir string, o Options) *DB {
	t.Helper()
	if o.Application == "" {
		o.Application = "app"
	}
	if o.Memory == 0 {
		o.Memory = minMemory
	}
	db, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustClose(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	for name, fsys := range map[string]func() vfs.FS{
		"disk":   func() vfs.FS { return nil },
		"memory": func() vfs.FS { return vfs.NewMem() },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Backend(t, func(t *testing.T) storetest.Instance {
				dir, o := t.TempDir(), Options{FS: fsys()}
				db := mustOpen(t, dir, o)
				t.Cleanup(func() { mustClose(t, db) })
				return storetest.Instance{
					Task: func(task string) statestore.Backend { return db.Task(task) },
					Reopen: func() {
						mustClose(t, db)
						db = mustOpen(t, dir, o)
					},
				}
			})
		})
	}
}

func put(t testing.TB, b statestore.Backend, store string, next int64, keys ...string) {
	t.Helper()
	e, err := b.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	w := b.NewBatch()
	for _, k := range keys {
		w.Set(e, []byte(k), []byte("value of "+k))
	}
	w.SetPosition(store, statestore.Position{Next: next})
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func keysOf(t testing.TB, b statestore.Backend, store string) []string {
	t.Helper()
	e, err := b.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	it := e.Iterate(nil, nil, false)
	var keys []string
	for it.Next() {
		keys = append(keys, string(it.Key()))
	}
	if err := errors.Join(it.Err(), it.Close()); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTasks(t *testing.T) {
	dir := t.TempDir()
	db := mustOpen(t, dir, Options{})
	for i, task := range []string{"1_0", "0_10", "0_1"} {
		b := db.Task(task)
		put(t, b, "counts", int64(i), "a", task)
		put(t, b, "sums", 100+int64(i), "a")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	onlyRead := db.Task("7_7")
	if got := keysOf(t, onlyRead, "counts"); got != nil {
		t.Fatal(got)
	}
	check := func(want ...string) {
		t.Helper()
		if got, err := db.Tasks(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("tasks %v, %v, want %v", got, err, want)
		}
	}
	check("0_1", "0_10", "1_0")
	positions, err := db.Positions("0_10")
	if err != nil || len(positions) != 2 || positions["counts"].Next != 1 || positions["sums"].Next != 101 {
		t.Fatalf("positions %v, %v", positions, err)
	}
	if positions, err := db.Positions("9_9"); err != nil || len(positions) != 0 {
		t.Fatalf("positions of an unknown task: %v, %v", positions, err)
	}

	open := db.Task("0_10")
	if err := db.DropTask("0_10"); err == nil || !strings.Contains(err.Error(), "0_10") {
		t.Fatalf("drop of an open task: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.DropTask("0_10"); err != nil {
		t.Fatal(err)
	}
	if err := db.DropTask("0_10"); err != nil {
		t.Fatalf("drop of a task that is gone: %v", err)
	}
	check("0_1", "1_0")

	mustClose(t, db)
	db = mustOpen(t, dir, Options{})
	defer func() { mustClose(t, db) }()
	check("0_1", "1_0")
	if got := keysOf(t, db.Task("0_1"), "counts"); !slices.Equal(got, []string{"0_1", "a"}) {
		t.Fatal(got)
	}
	back := db.Task("0_10")
	if got := keysOf(t, back, "counts"); got != nil {
		t.Fatalf("a dropped task came back with %v", got)
	}
	if _, ok, err := back.Position("counts"); ok || err != nil {
		t.Fatalf("a dropped task came back with a position (%v)", err)
	}
	put(t, back, "counts", 5, "z")
	if got := keysOf(t, back, "counts"); !slices.Equal(got, []string{"z"}) {
		t.Fatal(got)
	}
}

// TestClosedDatabase closes it under a backend and an iterator, as a worker does that stops in disorder.
func TestClosedDatabase(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{})
	b := db.Task("0_0")
	put(t, b, "s", 1, "a", "b")
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	it := e.Iterate(nil, nil, false)
	if !it.Next() {
		t.Fatal(it.Err())
	}
	mustClose(t, db)
	mustClose(t, db)
	if it.Next() || !errors.Is(it.Err(), ErrClosed) {
		t.Errorf("iterator: %v", it.Err())
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := e.Get([]byte("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("get: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := db.Task("0_1").Open("s"); !errors.Is(err, ErrClosed) {
		t.Errorf("open of a store: %v", err)
	}
	if w := db.Task("0_1").NewBatch(); !errors.Is(w.Commit(), ErrClosed) {
		t.Error("a batch of a closed database commits")
	}
	if _, err := db.Tasks(); !errors.Is(err, ErrClosed) {
		t.Errorf("tasks: %v", err)
	}
	if _, err := db.Positions("0_0"); !errors.Is(err, ErrClosed) {
		t.Errorf("positions: %v", err)
	}
	if err := db.DropTask("0_0"); !errors.Is(err, ErrClosed) {
		t.Errorf("drop: %v", err)
	}
	if err := db.Flush(); !errors.Is(err, ErrClosed) {
		t.Errorf("flush: %v", err)
	}
	if err := db.Err(); err != nil {
		t.Errorf("closing is a failure: %v", err)
	}
	db.Metrics()
}

func TestMetrics(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{})
	b := db.Task("0_0")
	put(t, b, "s", 1, "a")
	if m := db.Metrics(); m.MemTableBytes == 0 {
		t.Fatalf("%+v", m)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	keysOf(t, b, "s")
	m := db.Metrics()
	if m.DiskBytes == 0 || m.Tables == 0 || m.Flushes == 0 || m.ReadAmplification == 0 || m.BackgroundErrors != 0 {
		t.Fatalf("%+v", m)
	}
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	if s := e.Stats(); s.Bytes == 0 || s.Keys != -1 {
		t.Fatalf("%+v", s)
	}
	mustClose(t, db)
}

func TestValidate(t *testing.T) {
	err := Options{Memory: 100, StallLimit: -1}.Validate()
	for _, word := range []string{"Application", "Memory", "StallLimit"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not mention %s", err, word)
		}
	}
	dir := filepath.Join(t.TempDir(), "s")
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("opened without an application")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("made a directory for options that are refused")
	}
}

// wantRefused checks that Open refuses the directory, naming it and the remedy, and leaves it as it is.
func wantRefused(t *testing.T, fsys vfs.FS, dir string, o Options, kind error) {
	t.Helper()
	o.FS, o.Memory = fsys, minMemory
	if o.Application == "" {
		o.Application = "app"
	}
	before := files(t, fsys, dir)
	db, err := Open(dir, o)
	if err == nil {
		mustClose(t, db)
		t.Fatalf("opened, want %v", kind)
	}
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), remedies[kind]) {
		t.Fatalf("got %v, want %v, the directory and the remedy", err, kind)
	}
	var own *Error
	if !errors.As(err, &own) || own.Dir != dir || own.Op != "open" {
		t.Fatalf("%#v", err)
	}
	if after := files(t, fsys, dir); !errors.Is(kind, ErrCorrupt) && !slices.Equal(before, after) {
		t.Fatalf("files changed:\n%v\n%v", before, after)
	}
}

// files lists the files below dir with their contents.
func files(t *testing.T, fsys vfs.FS, dir string) []string {
	t.Helper()
	var out []string
	names, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fsys.PathJoin(dir, name)
		info, err := fsys.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			out = append(out, files(t, fsys, path)...)
			continue
		}
		out = append(out, fmt.Sprintf("%s %x", path, readFile(t, fsys, path)))
	}
	slices.Sort(out)
	return out
}

func readFile(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, fsys vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fsys.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(slices.Clone(b)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// used makes a directory with some state.
func used(t *testing.T) (fsys *vfs.MemFS, dir string) {
	t.Helper()
	fsys, dir = vfs.NewCrashableMem(), "state"
	db := mustOpen(t, dir, Options{FS: fsys})
	put(t, db.Task("0_0"), "s", 3, "a", "b")
	mustClose(t, db)
	return fsys, dir
}

func TestIdentity(t *testing.T) {
	t.Run("stays", func(t *testing.T) {
		fsys, dir := used(t)
		db := mustOpen(t, dir, Options{FS: fsys})
		id := db.ID()
		mustClose(t, db)
		db = mustOpen(t, dir, Options{FS: fsys})
		defer mustClose(t, db)
		if id == "" || db.ID() != id {
			t.Fatalf("id %q, then %q", id, db.ID())
		}
	})
	t.Run("another application", func(t *testing.T) {
		fsys, dir := used(t)
		wantRefused(t, fsys, dir, Options{Application: "other"}, ErrForeign)
	})
	t.Run("another application, without the file", func(t *testing.T) {
		fsys, dir := used(t)
		if err := fsys.Remove("state/identity"); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, Options{Application: "other", FS: fsys})
		if !errors.Is(err, ErrForeign) {
			t.Fatal(err)
		}
	})
	t.Run("newer layout", func(t *testing.T) {
		fsys, dir := used(t)
		writeFile(t, fsys, "state/identity", []byte(`{"layout":2,"application":"app","id":"x","more":"?"}`))
		wantRefused(t, fsys, dir, Options{}, ErrNewer)
	})
	t.Run("newer pebble", func(t *testing.T) {
		fsys, dir := used(t)
		renameMarker(t, fsys, "format-version", "000099.099")
		wantRefused(t, fsys, dir, Options{}, ErrNewer)
	})
	t.Run("file is garbage", func(t *testing.T) {
		fsys, dir := used(t)
		writeFile(t, fsys, "state/identity", []byte("garbage"))
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("file is empty", func(t *testing.T) {
		fsys, dir := used(t)
		writeFile(t, fsys, "state/identity", nil)
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("file is about another database", func(t *testing.T) {
		fsys, dir := used(t)
		writeFile(t, fsys, "state/identity", newIdentity("app").encode())
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("file lost", func(t *testing.T) {
		fsys, dir := used(t)
		was := readFile(t, fsys, "state/identity")
		if err := fsys.Remove("state/identity"); err != nil {
			t.Fatal(err)
		}
		db := mustOpen(t, dir, Options{FS: fsys})
		defer mustClose(t, db)
		if got := keysOf(t, db.Task("0_0"), "s"); !slices.Equal(got, []string{"a", "b"}) {
			t.Fatal(got)
		}
		if got := readFile(t, fsys, "state/identity"); string(got) != string(was) {
			t.Fatalf("file says %s, was %s", got, was)
		}
	})
	t.Run("database lost", func(t *testing.T) {
		fsys, dir := used(t)
		if err := fsys.RemoveAll("state/db"); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("manifest marker lost", func(t *testing.T) {
		fsys, dir := used(t)
		renameMarker(t, fsys, "manifest", "")
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("manifest marker and identity lost", func(t *testing.T) {
		fsys, dir := used(t)
		renameMarker(t, fsys, "manifest", "")
		if err := fsys.Remove("state/identity"); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
	t.Run("manifest cut off", func(t *testing.T) {
		fsys, dir := used(t)
		for _, name := range list(t, fsys, "state/db") {
			if strings.HasPrefix(name, "MANIFEST") {
				path := "state/db/" + name
				writeFile(t, fsys, path, readFile(t, fsys, path)[:80])
			}
		}
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
	})
}

func list(t *testing.T, fsys vfs.FS, dir string) []string {
	t.Helper()
	names, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// renameMarker changes what a marker file of Pebble's says, which is its name; to nothing: removes it.
func renameMarker(t *testing.T, fsys vfs.FS, marker, value string) {
	t.Helper()
	for _, name := range list(t, fsys, "state/db") {
		if !strings.HasPrefix(name, "marker."+marker+".") {
			continue
		}
		if err := fsys.Remove("state/db/" + name); err != nil {
			t.Fatal(err)
		}
		if value != "" {
			writeFile(t, fsys, "state/db/marker."+marker+"."+value, nil)
		}
		return
	}
	t.Fatalf("no marker %s", marker)
}

func TestSetAside(t *testing.T) {
	fsys, dir := used(t)
	for round := range 3 {
		renameMarker(t, fsys, "manifest", "")
		wantRefused(t, fsys, dir, Options{}, ErrCorrupt)
		to, err := SetAside(dir, fsys)
		if err != nil || to != "state/damaged" {
			t.Fatal(to, err)
		}
		if len(list(t, fsys, to)) == 0 {
			t.Fatal("nothing was kept")
		}
		db := mustOpen(t, dir, Options{FS: fsys})
		if tasks, err := db.Tasks(); err != nil || len(tasks) != 0 {
			t.Fatal(tasks, err)
		}
		if _, err := SetAside(dir, fsys); !errors.Is(err, ErrLocked) {
			t.Fatalf("set aside while open: %v", err)
		}
		put(t, db.Task("0_0"), "s", int64(round), "new")
		mustClose(t, db)
	}
	if to, err := SetAside("never/seen", fsys); to != "" || err != nil {
		t.Fatal(to, err)
	}
}

func TestLocked(t *testing.T) {
	for name, fsys := range map[string]vfs.FS{"disk": vfs.Default, "memory": vfs.NewMem()} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := mustOpen(t, dir, Options{FS: fsys})
			_, err := Open(dir, Options{Application: "app", FS: fsys})
			if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
				t.Fatal(err)
			}
			mustClose(t, db)
			mustClose(t, mustOpen(t, dir, Options{FS: fsys}))
		})
	}
}
