package takeover

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/integration/kafkatest"
)

// order says which records of a topic have an order among each other that does not depend on chance.
type order int

const (
	// byTask: those that come from one task of the first subtopology, as far as they are in one partition.
	byTask order = iota
	// byKey: those of one key, behind a repartition topic.
	byKey
	// last: none; only what comes last for a key is determined, as two subtopologies race.
	last
	// none: when a record without a partner goes on depends on the clock, and so do its headers.
	none
)

var outputs = map[string]order{
	"counts": byTask, "chains": byTask, "limited": byTask, "numbered": byTask,
	"sums": byKey, "group-chains": byKey, "group-counts": byKey, "latest": byKey,
	"tumbling": byTask, "hopping": byTask, "sliding": byTask, "sessions": byTask, "session-counts": byTask,
	"finals": byTask, "closed": byTask,
	"joined": byTask, "left": none, "outer": none,
	"priced": byTask, "patient": byTask, "known": byTask, "placed": byTask,
	"accounts": byTask, "wishes": last,
}

// contents are the lines of each lane of each topic; lanes are what has an order.
type contents map[string]lanes

// reads reports whether the application's group reads the topic.
func (r *run) reads(topic string) bool {
	name := topic[len(r.prefix):]
	return name != "regions" && slices.Contains(inputs, name) ||
		strings.HasSuffix(topic, "-repartition") || strings.HasSuffix(topic, "-topic") // those of foreign keys
}

// contents reads all outputs and changelogs.
func (r *run) contents() contents {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	names, err := r.topics(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return r.reads(n) || n == r.prefix+"regions" })
	starts, err := r.admin.ListStartOffsets(ctx, names...)
	if err != nil {
		r.t.Fatal(err)
	}
	ends, err := r.admin.ListEndOffsets(ctx, names...)
	if err != nil {
		r.t.Fatal(err)
	}
	all := contents{}
	left := map[string]map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, _ := starts.Lookup(end.Topic, end.Partition); start.Offset < end.Offset {
			if left[end.Topic] == nil {
				left[end.Topic] = map[int32]int64{}
			}
			left[end.Topic][end.Partition] = end.Offset
		}
		all[r.plain(end.Topic)] = lanes{}
	})
	client := kafkatest.NewClient(r.t, r.brokers, kgo.ConsumeTopics(names...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			r.t.Fatalf("read topics: %v; left %v", err, left)
		}
		for rec := range fetches.RecordsAll() {
			if !rec.Attrs.IsControl() {
				all[r.plain(rec.Topic)].add(r, rec)
			}
			if ends := left[rec.Topic]; rec.Offset+1 >= ends[rec.Partition] {
				delete(ends, rec.Partition)
				if len(ends) == 0 {
					delete(left, rec.Topic)
				}
			}
		}
	}
	for _, lanes := range all {
		if set, ok := lanes["all"]; ok {
			slices.Sort(set)
		}
	}
	return all
}

// plain is a topic's name without the run's prefix, which generated names have in the middle, too.
func (r *run) plain(topic string) string { return strings.ReplaceAll(topic, r.prefix, "") }

// leaveOut drops topics.
func (c contents) leaveOut(topics ...string) {
	for _, t := range topics {
		delete(c, t)
	}
}

// lanes are a topic's records by what has an order among each other.
type lanes map[string][]string

func (l lanes) add(r *run, rec *kgo.Record) {
	name := r.plain(rec.Topic)
	key, value := rec.Key, "null"
	if rec.Value != nil {
		// Buffers note which topic a record came from.
		value = fmt.Sprintf("%q", bytes.ReplaceAll(rec.Value, []byte(r.prefix), nil))
	}
	at, headers := fmt.Sprint("@", rec.Timestamp.UnixMilli()), fmt.Sprintf(" %q", rec.Headers)
	if strings.HasSuffix(name, "-changelog") {
		l.change(name, rec, value, at, headers)
		return
	}
	lane := ""
	switch outputs[name] {
	case byTask:
		lane = fmt.Sprintf("%d %s", rec.Partition, key[:3])
	case byKey:
		lane = string(key)
	case last:
		// The answers to two deletions of a row come through tasks of any partition, and either may be the last.
		if rec.Value == nil {
			at = ""
		}
		l[string(key)] = []string{value + at}
		return
	case none:
		lane, headers = "all", ""
	}
	if name == "closed" { // with the headers of whichever record came by
		headers = ""
	}
	l[lane] = append(l[lane], fmt.Sprintf("%q: %s%s%s", key, value, at, headers))
}

// change keeps the last value of each key, as compaction would. Buffers' records have the time of their producer; and
// the numbers at the end of some keys begin anew with each start.
func (l lanes) change(name string, rec *kgo.Record, value, at, headers string) {
	key := rec.Key
	buffer := strings.Contains(name, "SUPPRESS") || strings.Contains(name, "finals-store") || strings.Contains(name, "Buffer")
	numbered := strings.Contains(name, "Buffer") || strings.Contains(name, "join-store") || strings.Contains(name, "-KSTREAM-JOIN") ||
		strings.Contains(name, "-KSTREAM-OUTERTHIS") || strings.Contains(name, "-KSTREAM-OUTEROTHER")
	if buffer {
		at = ""
	}
	if strings.HasSuffix(name, "-subscription-store-changelog") { // Kafka Streams' has some, which nobody reads
		headers = ""
	}
	lane := fmt.Sprintf("%d %q", rec.Partition, key)
	if numbered && !strings.Contains(name, "shared") {
		lane = fmt.Sprintf("%d %q", rec.Partition, key[:len(key)-4])
	}
	if rec.Value == nil {
		delete(l, lane)
		return
	}
	l[lane] = []string{value + at + headers}
}

// compare reports the first differences of each topic.
func compare(t *testing.T, want, got contents) {
	t.Helper()
	names := slices.Sorted(maps.Keys(want))
	if have := slices.Sorted(maps.Keys(got)); !slices.Equal(names, have) {
		t.Errorf("topics are %q, want %q", have, names)
	}
	total := 0
	for _, name := range names {
		records, different := 0, 0
		for _, lane := range slices.Sorted(maps.Keys(union(want[name], got[name]))) {
			w, g := want[name][lane], got[name][lane]
			records += len(w)
			if slices.Equal(w, g) {
				continue
			}
			i := 0
			for i < min(len(w), len(g)) && w[i] == g[i] {
				i++
			}
			if different++; different <= 3 {
				t.Errorf("%s, %s: %d records, want %d; from the %d. on %s, want %s", name, lane, len(g), len(w), i, at(g, i), at(w, i))
			}
		}
		if different > 0 {
			t.Errorf("%s: %d of %d lanes are different", name, different, len(want[name]))
		}
		total += records
	}
	t.Logf("%d records in %d topics", total, len(names))
}

func union(a, b lanes) lanes {
	u := maps.Clone(a)
	maps.Copy(u, b)
	return u
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}
