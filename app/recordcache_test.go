package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// TestRecordCache: with a record cache the counts are the same, and few of those on the way are sent.
func TestRecordCache(t *testing.T) {
	onClusters(t, func(t *testing.T, c *cluster) {
		want := map[string]int64{}
		c.write(c.lines, 1000, text(1, 2000, want)...)
		b := stream.New()
		words := stream.FlatMapValues(stream.From(b, stream.NewTopic(c.lines, serde.String, serde.String)), strings.FieldsSeq)
		byWord := stream.GroupBy(words, func(_, word string) string { return word }, stream.Named("words"))
		counts := stream.Count(byWord, stream.NewStore("counts", serde.String, serde.Int64))
		stream.To(stream.ToStream(counts), stream.NewTopic(c.counts, serde.String, serde.Int64))
		top, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		in := c.start(t.TempDir(), func(cfg *app.Config) {
			cfg.Topology = top
			cfg.RecordCache = 1 << 20
			cfg.CommitInterval = 200 * time.Millisecond
		})
		c.want(want)
		var all, sent int64
		for _, n := range want {
			all += n
		}
		for _, task := range in.app.Metrics().Tasks {
			sent += task.RecordsOut[c.counts]
		}
		if sent < int64(len(want)) || sent > all/2 {
			t.Errorf("sent %d counts of %d words, %d of them different", sent, all, len(want))
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
	})
}
