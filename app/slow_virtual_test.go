//go:build synctests

package app_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// TestVirtualSlowUserCode: while each record takes a second, what has been done is committed at every interval, and
// a stop does not wait for all that has been fetched.
func TestVirtualSlowUserCode(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, _ := virtualCluster(t, 1)
		const records = 100
		for i := range records {
			c.put(c.lines, 0, fmt.Sprint(i), "slow")
		}
		s := stream.New()
		stream.ForEach(stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String)), func(_, _ string) { time.Sleep(time.Second) })
		topo, err := s.Build()
		if err != nil {
			t.Fatal(err)
		}
		in := c.start(dir, func(cfg *app.Config) { cfg.Topology, cfg.CommitInterval = topo, 5*time.Second })
		committed := func() int64 {
			got, err := c.admin.GroupOffsets(t.Context(), c.id, false)
			if err != nil {
				t.Fatal(err)
			}
			return got[record.TopicPartition{Topic: c.lines}].Next
		}
		time.Sleep(30 * time.Second)
		if n := committed(); n == 0 || n >= records {
			t.Errorf("after half a minute %d of %d records are committed, want some", n, records)
		}
		if err := in.stop(); err != nil {
			t.Error(err)
		}
		if n := committed(); n == 0 || n >= records {
			t.Errorf("after the stop %d of %d records are committed, want some", n, records)
		}
	})
}
