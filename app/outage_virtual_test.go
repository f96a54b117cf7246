//go:build synctests

package app_test

import (
	"fmt"
	"iter"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// TestVirtualOutage: the broker is cut off while outputs wait that the client has no room for. Nothing is lost when it
// comes back, exactly once nothing comes twice, and a stop meanwhile does not wait for it.
func TestVirtualOutage(t *testing.T) {
	for name, g := range guarantees {
		for _, mend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, mended %t", name, mend), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					c, _ := virtualCluster(t, 1)
					const records, fan = 600, 100
					var kv []string
					for i := range records {
						kv = append(kv, fmt.Sprint(i), fmt.Sprint(i))
					}
					c.write(c.lines, 0, kv...)
					w := &wire{to: c.cfg.Dialer, conns: map[net.Conn]bool{}}
					seen, cut := 0, make(chan struct{})
					s := stream.New()
					lines := stream.From(s, stream.NewTopic(c.lines, serde.String, serde.String))
					many := stream.FlatMapValues(lines, func(v string) iter.Seq[string] {
						return func(yield func(string) bool) {
							if seen++; seen == 20 {
								w.set(true)
								close(cut)
							}
							for i := range fan {
								if !yield(fmt.Sprint(v, "-", i)) {
									return
								}
							}
						}
					})
					stream.To(many, stream.NewTopic(c.counts, serde.String, serde.String))
					topo, err := s.Build()
					if err != nil {
						t.Fatal(err)
					}
					in := c.start(dir, func(cfg *app.Config) {
						cfg.Topology, cfg.Guarantee, cfg.Workers = topo, g, 1
						cfg.Dial, cfg.TaskTimeout, cfg.StopTimeout = w.dial, 20*time.Second, 15*time.Second
					})
					<-cut
					if !mend {
						time.Sleep(5 * time.Second)
						begin := time.Now()
						if err := in.stop(); err == nil {
							t.Error("no error, although the last commit failed")
						}
						if took := time.Since(begin); took > 45*time.Second {
							t.Errorf("the stop took %v", took)
						}
						return
					}
					time.Sleep(45 * time.Second)
					w.set(false)
					c.awaitProcessed(c.lines)
					if err := in.stop(); err != nil {
						t.Error(err)
					}
					got := map[string]int{}
					c.scan(c.counts, func(r record.Raw) { got[string(r.Value)]++ })
					twice := 0
					for _, n := range got {
						if n > 1 {
							twice++
						}
					}
					if len(got) != records*fan || g == app.ExactlyOnce && twice > 0 {
						t.Errorf("%d outputs, %d of them more than once, want %d", len(got), twice, records*fan)
					}
				})
			})
		}
	}
}
