package app_test

import (
	"os"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// TestARestoreIsKept: what an instance has restored reaches its disk without waiting for the next flush, so that
// a crash soon afterwards does not cost the whole restore again.
func TestARestoreIsKept(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		in := c.start(t.TempDir(), nil)
		c.write(c.lines, 1, text(1, 300, want)...)
		c.want(want)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		second := c.start(dir, func(cfg *app.Config) { cfg.FlushEvery(time.Hour) })
		until(t, "the tasks run", func() bool { return len(second.stateful()) == partitions })
		until(t, "what was restored is on disk", func() bool { return c.durable(t, dir) == partitions })
	})
}

// durable returns how many tasks with positions there would be after a crash.
func (c *cluster) durable(t *testing.T, dir string) (tasks int) {
	t.Helper()
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		return 0 // a file went while it was copied
	}
	db, err := pebblestore.Open(crashed+"/"+c.id, pebblestore.Options{Application: c.id, Memory: 8 << 20})
	if err != nil {
		return 0 // files of different times
	}
	defer db.Close()
	names, err := db.Tasks()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		positions, err := db.Positions(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(positions) > 0 {
			tasks++
		}
	}
	return tasks
}
