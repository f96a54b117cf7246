package pebblestore

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

func TestWindowsInPebble(t *testing.T) {
	storetest.Window(t, 30, func(t *testing.T) storetest.Instance {
		db := mustOpen(t, t.TempDir(), Options{FS: vfs.NewMem()})
		t.Cleanup(func() { mustClose(t, db) })
		return storetest.Instance{Task: func(task string) statestore.Backend { return db.Task(task) }}
	})
}
