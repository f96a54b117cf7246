package pebblestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// breaks is a file system that refuses writes to some files once it is told to.
type breaks struct {
	vfs.FS
	broken atomic.Bool
	errno  syscall.Errno
}

func newBreaks(below vfs.FS, part string, kinds ...errorfs.OpKind) *breaks {
	b := &breaks{errno: syscall.ENOSPC}
	b.FS = errorfs.Wrap(below, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !b.broken.Load() || !strings.Contains(op.Path, part) {
			return nil
		}
		if slices.Contains(kinds, op.Kind) {
			return &fs.PathError{Op: "write", Path: op.Path, Err: b.errno}
		}
		return nil
	}))
	return b
}

// within fails if f takes longer than the limit: nothing may hang.
func within(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s takes longer than %v", what, limit)
	}
}

// TestDiskFails breaks the disk in the ways that make Pebble block its writers or call Fatalf. The process goes
// on, every call returns with the failure, and when the disk works again the directory opens with the state of
// some batch.
func TestDiskFails(t *testing.T) {
	for name, test := range map[string]struct {
		part  string
		kinds []errorfs.OpKind
		errno syscall.Errno
	}{
		"no space for tables":         {".sst", []errorfs.OpKind{errorfs.OpCreate}, syscall.ENOSPC},
		"no space inside tables":      {".sst", []errorfs.OpKind{errorfs.OpFileWrite}, syscall.ENOSPC},
		"manifest cannot be written":  {"MANIFEST", []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData}, syscall.ENOSPC},
		"nothing can be written":      {"", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData}, syscall.ENOSPC},
		"read-only":                   {"", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite}, syscall.EROFS},
		"the disk breaks":             {".sst", []errorfs.OpKind{errorfs.OpFileWrite}, syscall.EIO},
		"too many open files":         {"", []errorfs.OpKind{errorfs.OpCreate}, syscall.EMFILE},
		"tables cannot be made stick": {".sst", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData}, syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			const seed = 2
			below := vfs.NewMem()
			disk := newBreaks(below, test.part, test.kinds...)
			disk.errno = test.errno
			failures := make(chan error, 10)
			db := mustOpen(t, "state", Options{FS: disk, OnFailure: func(err error) { failures <- err }})
			b := db.Task("0_0")
			done := 0
			for ; done < 50; done++ {
				if err := perform(b, seed, 0, done); err != nil {
					t.Fatal(err)
				}
			}
			disk.broken.Store(true)
			var failed error
			within(t, 30*time.Second, "commits", func() {
				for ; failed == nil && done < 100_000; done++ {
					failed = perform(b, seed, 0, done)
				}
			})
			if !errors.Is(failed, ErrStorage) || !strings.Contains(failed.Error(), test.errno.Error()) {
				t.Fatalf("after %d commits: %v", done, failed)
			}
			if err := db.Err(); !errors.Is(err, ErrStorage) {
				t.Fatalf("Err: %v", err)
			}
			if err := <-failures; !errors.Is(err, ErrStorage) || !strings.Contains(err.Error(), "state") || len(failures) > 0 {
				t.Fatalf("OnFailure got %v, and %d more", err, len(failures))
			}
			within(t, 5*time.Second, "other calls", func() {
				if err := perform(b, seed, 0, done); !errors.Is(err, ErrStorage) {
					t.Errorf("commit: %v", err)
				}
				if err := db.Flush(); !errors.Is(err, ErrStorage) {
					t.Errorf("flush: %v", err)
				}
				if err := db.DropTask("9_9"); !errors.Is(err, ErrStorage) {
					t.Errorf("drop: %v", err)
				}
				if _, err := b.Open("counts"); !errors.Is(err, ErrStorage) {
					t.Errorf("open of a store: %v", err)
				}
				db.Metrics()
			})
			within(t, 3*closeLimit, "close", func() {
				if err := db.Close(); !errors.Is(err, ErrStorage) {
					t.Errorf("close: %v", err)
				}
			})

			disk.broken.Store(false)
			after := mustOpen(t, "state", Options{FS: disk})
			n, err := prefixOf(after.Task("0_0"), seed, 0, done)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d of %d batches are there", n, done)
			if err := perform(after.Task("0_0"), seed, 0, n); err != nil {
				t.Fatal(err)
			}
			mustClose(t, after)
		})
	}
}

// TestOpenFails breaks the disk while a directory is made.
func TestOpenFails(t *testing.T) {
	for _, part := range []string{"MANIFEST", "identity", "marker", "sst", ""} {
		t.Run(part, func(t *testing.T) {
			disk := newBreaks(vfs.NewMem(), part, errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData)
			disk.broken.Store(true)
			within(t, 20*time.Second, "open", func() {
				_, err := Open("state", Options{Application: "app", Memory: minMemory, FS: disk})
				if !errors.Is(err, ErrStorage) {
					t.Errorf("open: %v", err)
				}
			})
			disk.broken.Store(false)
			db := mustOpen(t, "state", Options{FS: disk})
			put(t, db.Task("0_0"), "s", 1, "a")
			mustClose(t, db)
		})
	}
}

// TestStall lets a flush wait for the disk for longer than StallLimit.
func TestStall(t *testing.T) {
	release := make(chan struct{})
	var slow atomic.Bool
	disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if slow.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			<-release
		}
		return nil
	}))
	db := mustOpen(t, "state", Options{FS: disk, StallLimit: 100 * time.Millisecond})
	b := db.Task("0_0")
	slow.Store(true)
	var err error
	within(t, 30*time.Second, "commits", func() {
		for i := 0; err == nil; i++ {
			err = perform(b, 3, 0, i)
		}
	})
	if !errors.Is(err, ErrStorage) || !strings.Contains(err.Error(), "writes wait") {
		t.Fatal(err)
	}
	if m := db.Metrics(); m.WriteStalls == 0 {
		t.Errorf("%+v", m)
	}
	close(release)
	within(t, 3*closeLimit, "close", func() {
		if err := db.Close(); !errors.Is(err, ErrStorage) {
			t.Errorf("close: %v", err)
		}
	})
}

// TestCloseWaitsForCallsThatNobodyWaitsFor fails the database while a write is under way.
func TestCloseWaitsForCallsThatNobodyWaitsFor(t *testing.T) {
	db := mustOpen(t, "state", Options{FS: vfs.NewMem()})
	batch := db.pebble.NewBatch()
	if err := batch.Set([]byte("key"), nil, nil); err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	written, left := make(chan error, 1), make(chan error, 1)
	go func() {
		left <- db.failure.run("write", func() error {
			close(started)
			<-release
			err := db.pebble.Apply(batch, pebble.NoSync)
			written <- err
			return err
		})
	}()
	<-started
	_ = db.failure.report(ErrStorage, "test", syscall.ENOSPC)
	if err := <-left; !errors.Is(err, ErrStorage) {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed while a write was under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if err := <-written; err != nil {
		t.Error(err)
	}
	if err := <-closed; !errors.Is(err, ErrStorage) {
		t.Error(err)
	}
}

// TestShortStallIsNoFailure lets a flush wait for the disk until writers wait for the flush, but not for longer.
func TestShortStallIsNoFailure(t *testing.T) {
	release := make(chan struct{})
	var slow atomic.Bool
	disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if slow.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			<-release
		}
		return nil
	}))
	db := mustOpen(t, "state", Options{FS: disk})
	b := db.Task("0_0")
	slow.Store(true)
	written := make(chan error, 1)
	go func() {
		var err error
		for i := 0; err == nil && db.failure.stalls.Load() == 0; i++ {
			err = perform(b, 3, 0, i)
		}
		written <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); db.failure.stalls.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			close(release)
			t.Fatal("writers never wait")
		}
	}
	close(release)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if err := db.Err(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// TestLockedByAnotherProcess opens the directory in a second process.
func TestLockedByAnotherProcess(t *testing.T) {
	const env = "PEBBLESTORE_TEST_DIR"
	if dir := os.Getenv(env); dir != "" {
		_, err := Open(dir, Options{Application: "app"})
		fmt.Printf("locked=%v\n%v\n", errors.Is(err, ErrLocked), err)
		return
	}
	dir := t.TempDir()
	db := mustOpen(t, dir, Options{})
	defer mustClose(t, db)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockedByAnotherProcess$")
	cmd.Env = append(os.Environ(), env+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("locked=true")) || !bytes.Contains(out, []byte(dir)) {
		t.Fatalf("%v\n%s", err, out)
	}
}
