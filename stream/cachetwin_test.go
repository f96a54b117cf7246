package stream_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// everyTable describes a program of each kind of table, and returns the topics that they are written to. What is
// named "of-..." is made of the old values of sliding windows and sessions, which are not always the ones sent
// before where there is no cache, as in Kafka Streams.
func everyTable(b *stream.Builder) []string {
	left, right := stream.From(b, in), stream.From(b, in2)
	var topics []string
	write := func(s stream.Stream[string, string], name ...string) {
		topics = append(topics, strings.Join(append(name, fmt.Sprint("out", len(topics))), "-"))
		stream.To(s, stream.NewTopic(topics[len(topics)-1], serde.String, serde.String))
	}
	store := func(name string) *stream.Store[string, string] {
		return stream.NewStore(name, serde.String, serde.String)
	}
	counts := func(name string) *stream.Store[string, int64] {
		return stream.NewStore(name, serde.String, serde.Int64)
	}
	number := func(s stream.Table[string, int64], name ...string) {
		write(stream.MapValues(stream.ToStream(s), func(n int64) string { return fmt.Sprint(n) }), name...)
	}
	grouped := stream.GroupByKey(left)
	a := stream.ToTable(left, store("a"))
	z := stream.ToTable(right, store("z"))
	write(stream.ToStream(stream.Reduce(grouped, concat, store("reduced"))))
	write(stream.ToStream(stream.Aggregate(grouped, func() string { return ":" }, func(_, v, agg string) string { return agg + v }, store("aggregated"))))
	short := stream.FilterTable(a, func(_, v string) bool { return v < "5" }, store("short"))
	write(stream.ToStream(stream.MapTable(short, func(v string) string { return v + v }, store("mapped"))))
	write(stream.ToStream(stream.OuterJoinTables(short, z, func(l, r *string) string { return text(l) + "/" + text(r) }, store("joined"))))
	write(stream.ToStream(stream.LeftJoinTables(z, a, func(l string, r *string) string { return l + "/" + text(r) }, nil)))
	foreign := stream.JoinByForeignKey(a, z, func(_, v string) (string, bool) { return string(rune('a' + v[0]%3)), true },
		func(l, r string) string { return l + "/" + r }, store("foreign"))
	write(stream.ToStream(foreign))
	write(stream.ToStream(stream.LeftJoinByForeignKey(z, short, func(_, v string) (string, bool) { return string(rune('a' + v[0]%3)), true },
		func(l string, r *string) string { return l + "/" + text(r) }, nil)))
	both := stream.JoinTables(a, z, func(l, r string) string { return l + r }, nil)
	write(stream.ToStream(both))
	number(stream.CountTable(stream.GroupTable(both, func(k, v string) (string, string) { return v, k }), counts("by-both")))
	byValue := stream.GroupTable(a, func(k, v string) (string, string) { return v, k })
	number(stream.CountTable(byValue, counts("by-value")))
	number(stream.CountTable(stream.GroupTable(foreign, func(k, v string) (string, string) { return v[:1], v }), counts("by-first")))
	hopping := stream.WindowedBy(grouped, window.Hopping(ms(20), ms(10)).Grace(time.Hour))
	write(stream.SelectKey(stream.ToStream(stream.ReduceWindows(hopping, concat, store("hopping"))), func(k window.Key[string], _ string) string { return windowName(k) }))
	sliding := stream.ReduceWindows(stream.WindowedBy(grouped, window.Sliding(ms(15)).Grace(time.Hour)), concat, store("sliding"))
	number(stream.CountTable(stream.GroupTable(sliding, func(k window.Key[string], v string) (string, string) { return v, k.Key }), counts("of-sliding")), "of")
	sessions := stream.ReduceSessions(stream.SessionsBy(grouped, window.Session(ms(4)).Grace(time.Hour)), concat, store("sessions"))
	number(stream.CountTable(stream.GroupTable(sessions, func(k window.Key[string], v string) (string, string) { return v, k.Key }), counts("of-sessions")), "of")
	return topics
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// TestCacheChangesNoTable: whatever the cache and the commits, the same input ends in the same tables and the
// same state.
func TestCacheChangesNoTable(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		type piped struct {
			to   stream.Topic[string, string]
			text string
		}
		var input []piped
		for at := 0; at < 300; at += 1 + r.IntN(5) {
			p := piped{in, fmt.Sprintf("%c=%d@%d", 'a'+r.IntN(4), r.IntN(10), max(0, at-r.IntN(20)))}
			if r.IntN(3) == 0 {
				p.to = in2
			}
			if r.IntN(5) == 0 {
				p.text = p.text[:1] + p.text[3:]
			}
			input = append(input, p)
		}
		tables := func(cfg streamtest.Config, commits int) (rows map[string]string, sent int) {
			var topics []string
			p := run(t, cfg, func(b *stream.Builder) { topics = everyTable(b) })
			r := rand.New(rand.NewPCG(seed, 2))
			for _, x := range input {
				p.pipeTo(x.to, x.text)
				if commits > 0 && r.IntN(commits) == 0 {
					p.Commit()
				}
			}
			p.Commit()
			rows = make(map[string]string)
			for _, topic := range p.Topics() {
				result := slices.Contains(topics, topic)
				// The subscriptions of a foreign-key join carry timestamps of the updates that made them.
				if !result && (!strings.HasSuffix(topic, "-changelog") || strings.Contains(topic, "SUBSCRIPTION")) {
					continue
				}
				for _, row := range p.Raw(topic) {
					if result {
						sent++
					}
					// A group whose last row has left counts 0, one that has come and gone at once is not there.
					key := topic + " " + string(row.Key)
					if value := string(row.Value); row.Value == nil || value == "0" || value == "\x00\x00\x00\x00\x00\x00\x00\x00" {
						delete(rows, key)
					} else {
						rows[key] = value
					}
				}
			}
			return rows, sent
		}
		want, most := tables(streamtest.Config{RecordCache: 1}, 0)
		for _, c := range []struct {
			cfg     streamtest.Config
			commits int
		}{
			{streamtest.Config{}, 0},
			{streamtest.Config{RecordCache: 1, CommitInterval: time.Hour}, 10},
			{streamtest.Config{RecordCache: 600, CommitInterval: time.Hour}, 50},
			{streamtest.Config{RecordCache: 3000, CommitInterval: time.Hour, LogLast: true}, 50},
			{cached, 10},
			{cached, 0},
		} {
			got, sent := tables(c.cfg, c.commits)
			same := cmpopts.IgnoreMapEntries(func(k, _ string) bool {
				return c.cfg.RecordCache == 0 && (strings.HasPrefix(k, "of-") || strings.HasPrefix(k, "app-of-"))
			})
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Fatalf("seed %d, %+v, a commit in %d: %s", seed, c.cfg, c.commits, diff)
			}
			if c.cfg.RecordCache == cached.RecordCache && c.commits == 0 && sent >= most {
				t.Errorf("seed %d: %d updates were sent on, and %d with next to none", seed, sent, most)
			}
		}
	}
}
