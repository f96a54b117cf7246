package app_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

func TestApplicationIDs(t *testing.T) {
	topo, err := wordCount("x")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"": "set the application id", ".": "letters, digits", "..": "letters, digits", "a/b": "letters, digits", "a b": "letters, digits",
		"ümlaut": "letters, digits", strings.Repeat("a", 249): "too long", "My.app_2-x": "",
	} {
		_, err := app.New(app.Config{Application: id, Topology: topo, Brokers: []string{"localhost:9092"}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.20q: error %v, want %q", id, err, want)
		}
	}
}

// TestStateDirectoryThatDoesNotDo: places where no state can be, or should be.
func TestStateDirectoryThatDoesNotDo(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		c.start(file, nil).fails("state directory "+filepath.Join(file, c.id), "set StateDir to a directory that can be written")

		open := t.TempDir()
		if err := os.Mkdir(filepath.Join(open, c.id), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(open, c.id), 0o777); err != nil { //nolint:gosec // this is what is tested
			t.Fatal(err)
		}
		c.start(open, nil).fails("state directory "+filepath.Join(open, c.id), "everybody can write to it", "chmod o-w")
	})
}

// TestStrayFiles: what others put into the state directory is neither used nor touched.
func TestStrayFiles(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		dir := t.TempDir()
		mine := filepath.Join(dir, c.id)
		elsewhere := filepath.Join(t.TempDir(), "precious")
		if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		in := c.start(dir, nil)
		c.write(c.lines, 1, "k", "one two")
		c.want(map[string]int64{"one": 1, "two": 1})
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		stray := filepath.Join(mine, "stray")
		for _, err := range []error{
			os.WriteFile(stray, []byte("stray"), 0o600), os.WriteFile(filepath.Join(mine, "db", "stray.txt"), []byte("stray"), 0o600),
			os.Symlink(elsewhere, filepath.Join(mine, "link")), syscall.Mkfifo(filepath.Join(mine, "fifo"), 0o600),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		in = c.start(dir, nil)
		c.write(c.lines, 2, "k", "one")
		c.want(map[string]int64{"one": 2, "two": 1})
		if n := in.restored(); n != 0 {
			t.Errorf("restored %d records though the state was complete", n)
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{elsewhere, stray, filepath.Join(mine, "db", "stray.txt"), filepath.Join(mine, "link"), filepath.Join(mine, "fifo")} {
			if _, err := os.Lstat(f); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestTransactionTimeoutAboveTheBrokers: the broker's limit is 15 minutes if nobody has set another.
func TestTransactionTimeoutAboveTheBrokers(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.write(c.lines, 1, "k", "one two")
		c.start(t.TempDir(), func(cfg *app.Config) { cfg.Guarantee, cfg.TransactionTimeout = app.ExactlyOnce, time.Hour }).
			fails("INVALID_TRANSACTION_TIMEOUT", "transaction.max.timeout.ms")
		c.wantCommittedAtMost(c.lines, 0)
	})
}

// TestReplicationAboveTheBrokers: there are fewer brokers than copies are asked for.
func TestReplicationAboveTheBrokers(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		c.start(t.TempDir(), func(cfg *app.Config) { cfg.Replication = 17 }).
			fails("create the internal topics", c.words(), "replication factor", "number of brokers")
	})
}

// TestInstanceTwice: two processes call themselves the same static instance. One of them ends.
func TestInstanceTwice(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		static := func(cfg *app.Config) { cfg.Instance = "the-one" }
		first := c.start(t.TempDir(), static)
		c.write(c.lines, 1, "k", "one two")
		c.want(map[string]int64{"one": 1, "two": 1})
		second := c.start(t.TempDir(), static)
		first.fails(`instance "the-one"`, "give each its own Instance")
		c.write(c.lines, 2, "k", "one two")
		c.want(map[string]int64{"one": 2, "two": 2})
		if err := second.stop(); err != nil {
			t.Error(err)
		}
	})
}

// warnings collects what is logged as a warning.
type warnings struct {
	slog.Handler
	mu   sync.Mutex
	seen []string
}

func (w *warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler           { return w }
func (w *warnings) WithGroup(string) slog.Handler                { return w }
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, r.Message)
	return nil
}

func (w *warnings) has(part string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// TestInstancesOfDifferentTopologies: the leader says so. It goes on: a new version may be on its way.
func TestInstancesOfDifferentTopologies(t *testing.T) {
	onFaulty(t, func(t *testing.T, c *cluster, _ *embedded.Broker) {
		var w warnings
		first := c.start(t.TempDir(), func(cfg *app.Config) { cfg.Logger = slog.New(&w) })
		c.write(c.lines, 1, "k", "one two")
		c.want(map[string]int64{"one": 1, "two": 1})
		second := c.running(c.built(func(b *topology.Builder) {
			topology.To(topology.From(b, "in", serde.String, serde.String, c.lines), "out", c.counts, serde.String, serde.String)
		}), nil)
		for deadline := time.Now().Add(30 * time.Second); !w.has("a member runs another topology"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no word of it; warnings %q", w.seen)
			}
		}
		for _, in := range []*instance{second, first} {
			if err := in.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}
