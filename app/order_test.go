package app_test

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// TestOutputsKeepTheirOrder: runs of few outputs, which the worker hands over itself, and of many, which it leaves to
// its sender, reach the topic in the order in which they were made.
func TestOutputsKeepTheirOrder(t *testing.T) {
	for name, g := range guarantees {
		t.Run(name, func(t *testing.T) {
			onClusters(t, func(t *testing.T, c *cluster) {
				s := stream.New()
				lines := stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String))
				many := stream.FlatMapValues(lines, func(v string) iter.Seq[string] {
					first, n := 0, 0
					if _, err := fmt.Sscanf(v, "%d %d", &first, &n); err != nil {
						t.Error(err)
					}
					vs := make([]string, n)
					for i := range vs {
						vs[i] = strconv.Itoa(first + i)
					}
					return slices.Values(vs)
				})
				stream.To(many, stream.NewTopic(c.counts, serde.String, serde.String))
				topo, err := s.Build()
				if err != nil {
					t.Fatal(err)
				}
				var kv []string
				total := 0
				for i := range 1000 {
					n := 1
					if i%7 == 0 {
						n = i % 700
					}
					kv = append(kv, "k", fmt.Sprintf("%d %d", total, n))
					total += n
				}
				in := c.start(t.TempDir(), func(cfg *app.Config) {
					cfg.Topology, cfg.Guarantee, cfg.CommitInterval = topo, g, 20*time.Millisecond
				})
				for i := range 10 { // few at a time, then all that is left
					c.write(c.lines, int64(i), kv[2*i:2*i+2]...)
				}
				c.write(c.lines, 10, kv[20:]...)
				c.awaitProcessed(c.lines)
				if err := in.stop(); err != nil {
					t.Error(err)
				}
				next := 0
				c.scan(c.counts, func(r record.Raw) {
					if string(r.Value) != strconv.Itoa(next) {
						t.Fatalf("output %d is %s", next, r.Value)
					}
					next++
				})
				if next != total {
					t.Errorf("%d outputs, want %d", next, total)
				}
			})
		})
	}
}
