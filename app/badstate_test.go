package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/leatstream/leat/app"
)

func TestStateDirectoryInUse(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		dir := t.TempDir()
		want := map[string]int64{}
		first := c.start(dir, nil)
		c.write(c.lines, 1, text(1, 100, want)...)
		c.want(want)
		c.start(dir, nil).fails("state directory "+filepath.Join(dir, c.id), "is in use", "give each instance a state directory of its own")
		// The one that has it is not disturbed.
		c.write(c.lines, 1, text(2, 100, want)...)
		c.want(want)
		if err := first.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStateDirectoryOfANewerVersion(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		dir := t.TempDir()
		want := map[string]int64{}
		in := c.start(dir, nil)
		c.write(c.lines, 1, text(1, 100, want)...)
		c.want(want)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		identity := files(t, dir, c.id, "identity")[0]
		was, err := os.ReadFile(identity)
		if err != nil {
			t.Fatal(err)
		}
		newer := bytes.Replace(was, []byte(`"layout":1`), []byte(`"layout":9`), 1)
		if bytes.Equal(was, newer) {
			t.Fatalf("no layout in %s", was)
		}
		if err := os.WriteFile(identity, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		c.start(dir, nil).fails(filepath.Join(dir, c.id), "written by a newer version of leat", "its layout is 9", "run the version that wrote it")
		if now, err := os.ReadFile(identity); err != nil || !bytes.Equal(now, newer) {
			t.Errorf("the directory was changed: %s, %v", now, err)
		}
		// The version that wrote it finds everything.
		if err := os.WriteFile(identity, was, 0o600); err != nil {
			t.Fatal(err)
		}
		in = c.start(dir, nil)
		c.write(c.lines, 1000, text(2, 100, want)...)
		c.want(want)
		if n := in.restored(); n != 0 {
			t.Errorf("restored %d records though the state was complete", n)
		}
	})
}

// TestStateDirectoryOfAnotherApplication: state of another application under this one's name.
func TestStateDirectoryOfAnotherApplication(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		dir := t.TempDir()
		in := c.start(dir, nil)
		c.write(c.lines, 1, "k", "some words")
		c.awaitProcessed(c.lines)
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, c.id), filepath.Join(dir, "other")); err != nil {
			t.Fatal(err)
		}
		c.start(dir, func(cfg *app.Config) { cfg.Application = "other" }).
			fails("belongs to another application", c.id, "give each application a state directory of its own")
	})
}

// TestDamagedState: state that is damaged is set aside and restored, whether that is found when the directory
// is opened or when a block is read, and the counts are right.
func TestDamagedState(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir, id string){
		"manifest lost": func(t *testing.T, dir, id string) {
			for _, f := range files(t, dir, id, "db/marker.manifest.*") {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		},
		"bit flipped": func(t *testing.T, dir, id string) {
			for _, f := range files(t, dir, id, "db/*.sst") {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				b[20] ^= 4 // in the first block of entries
				if err := os.WriteFile(f, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		for guarantee, g := range map[string]app.Guarantee{"at least once": app.AtLeastOnce, "exactly once": app.ExactlyOnce} {
			t.Run(name+", "+guarantee, func(t *testing.T) {
				onClusters(t, func(t *testing.T, c *cluster) {
					dir := t.TempDir()
					want := map[string]int64{}
					set := func(cfg *app.Config) { cfg.Guarantee = g }
					in := c.start(dir, set)
					c.write(c.lines, 1, text(1, 300, want)...)
					c.want(want)
					if err := in.stop(); err != nil {
						t.Fatal(err)
					}
					damage(t, dir, c.id)
					in = c.start(dir, set)
					c.write(c.lines, 1000, text(2, 300, want)...)
					c.want(want)
					if n := in.restored(); n < int64(len(want)) {
						t.Errorf("restored %d records, want at least one for each of %d words", n, len(want))
					}
					files(t, dir, c.id, "damaged/*") // kept for whoever wants to know
					if err := in.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
