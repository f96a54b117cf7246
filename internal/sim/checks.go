package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/record"
)

// checks holds the first thing that was found wrong.
type checks struct{ err error }

func (c *checks) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *checks) must(err error) {
	if err != nil {
		c.fail("%v", err)
	}
}

// checkStores compares the local state of a task with what the changelogs say at the stores' positions.
//
// Only exactly once: with less, the change records of work that was given up count, too.
func (r *run) checkStores(in *instance, e *entry) {
	if !r.cfg.ExactlyOnce {
		return
	}
	for _, s := range e.stores {
		p, _, err := s.backend.Position(s.spec.Name)
		r.checks.must(err)
		l := r.broker.log(s.changelog)
		if p.Next > l.end() {
			r.checks.fail("%s: store %q of task %v is at %d, its changelog ends at %d", in.name, s.spec.Name, e.id, p.Next, l.end())
		}
		want := make(map[string]string)
		for _, rec := range l.decided(p.Next, true) {
			if row, deleted := changelog.Row(s.spec.Kind, nil, &rec); deleted {
				delete(want, string(rec.Key))
			} else {
				want[string(rec.Key)] = string(row)
			}
		}
		engine, err := s.backend.Open(s.spec.Name)
		r.checks.must(err)
		it := engine.Iterate(nil, nil, false)
		for it.Next() {
			if v, ok := want[string(it.Key())]; !ok || v != string(it.Value()) {
				r.checks.fail("%s: store %q of task %v at %d: %q is %x, in the changelog %x", in.name, s.spec.Name, e.id, p.Next, it.Key(), it.Value(), v)
			}
			delete(want, string(it.Key()))
		}
		r.checks.must(it.Close())
		if len(want) > 0 {
			r.checks.fail("%s: store %q of task %v at %d lacks %d keys of its changelog", in.name, s.spec.Name, e.id, p.Next, len(want))
		}
	}
}

// checkResults judges what readers of committed data see when all is done.
func (r *run) checkResults() {
	seen := make(map[string]int64)
	for _, topic := range []string{countsTopic, ticksTopic} {
		for p := range partitions {
			l := r.broker.log(record.TopicPartition{Topic: topic, Partition: int32(p)})
			for _, rec := range l.decided(l.end(), r.cfg.ExactlyOnce) {
				key, n := topic+" "+string(rec.Key), int64(binary.BigEndian.Uint64(rec.Value))
				absorbed := r.cfg.RecordCache > 0 && topic == countsTopic && n > seen[key]
				if r.cfg.ExactlyOnce && n != seen[key]+1 && !absorbed {
					r.checks.fail("%s[%d]@%d: %s is %d after %d", topic, p, rec.Offset, key, n, seen[key])
				}
				seen[key] = n
			}
		}
	}
	for _, word := range slices.Sorted(maps.Keys(r.words)) {
		n := r.words[word]
		if got := seen[countsTopic+" "+word]; got < n || r.cfg.ExactlyOnce && got > n {
			r.checks.fail("%q was counted %d times of %d", word, got, n)
		}
	}
	r.checkGreetings()
	r.checkChangelog()
}

func (r *run) checkGreetings() {
	times := make([]int, r.visits)
	for p := range partitions {
		l := r.broker.log(record.TopicPartition{Topic: greetTopic, Partition: int32(p)})
		for _, rec := range l.decided(l.end(), r.cfg.ExactlyOnce) {
			var visit int
			_, err := fmt.Sscanf(string(rec.Value), "visit-%d", &visit)
			r.checks.must(err)
			times[visit]++
		}
	}
	for visit, n := range times {
		if n < 1 || n > 1 && r.cfg.ExactlyOnce {
			r.checks.fail("visit %d was greeted %d times", visit, n)
		}
	}
}

// checkChangelog compares the counts in the changelog with the words that there were.
func (r *run) checkChangelog() {
	last := make(map[string][]byte)
	for p := range partitions {
		l := r.broker.log(record.TopicPartition{Topic: changelog.Topic(application, "counts"), Partition: int32(p)})
		for _, rec := range l.decided(l.end(), r.cfg.ExactlyOnce) {
			last[string(rec.Key)] = rec.Value
		}
	}
	for _, word := range slices.Sorted(maps.Keys(r.words)) {
		n := r.words[word]
		want := binary.BigEndian.AppendUint64(nil, uint64(n))
		if d := bytes.Compare(last[word], want); d < 0 || d > 0 && r.cfg.ExactlyOnce {
			r.checks.fail("the changelog has %x for %q, which came %d times", last[word], word, n)
		}
	}
}
