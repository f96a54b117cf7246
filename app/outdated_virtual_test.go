//go:build synctests

package app_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
)

// log is a log that a test reads.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), what)
}

// TestVirtualDroppedMember has the group drop a member that learns of it only as it joins again, and is let in under
// another id. Its tasks may have been others' in between: what it has not committed must not be committed, and the
// tasks begin from what is committed.
func TestVirtualDroppedMember(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, b := virtualCluster(t, 1)
		var l log
		in := c.start(dir, func(cfg *app.Config) {
			cfg.Guarantee, cfg.SessionTimeout = app.ExactlyOnce, 6*time.Second
			cfg.Logger = slog.New(slog.NewTextHandler(&l, nil))
		})
		want := map[string]int64{}
		c.write(c.lines, 1, text(1, 100, want)...)
		c.want(want)
		const tasks = 2 * partitions
		for _, f := range []embedded.Fault{
			{Request: "JoinGroup", Error: "UNKNOWN_MEMBER_ID"},
			{Request: "Heartbeat", Error: "REBALANCE_IN_PROGRESS"},
		} {
			if _, _, err := b.Fault(f); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Second) // the group waits for the old id until its session ends
		if n := l.count("lost=true"); n != tasks {
			t.Errorf("%d tasks were given up as lost, want %d", n, tasks)
		}
		c.write(c.lines, 1000, text(2, 100, want)...)
		c.want(want)
		c.wantExactly(app.ExactlyOnce)
		if err := in.stop(); err != nil {
			t.Error(err)
		}
	})
}
