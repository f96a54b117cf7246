package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// observer reads the output as it is committed, and measures how long a fault keeps it back.
//
// A lane of the count is an input partition and an output partition: what goes from the one to the other depends
// on two tasks and the partitions between them. A lane of the join is a partition. A stall lasts from the fault until every lane shows an output of a record that
// was written after the fault; lanes that it has not touched do so at once. It is what a user sees: it has the time
// in which the input could not be written in it, and the time until the backlog is worked off.
type observer struct {
	client *kgo.Client

	mu     sync.Mutex
	open   []*stall
	stalls map[kind][]time.Duration
	// latest are the numbers of the records of each key that have been seen last.
	latest []uint64
	// pairs is the number of pairs that have been seen.
	pairs int64
	at    time.Time
}

// stall is one being measured.
type stall struct {
	kind  kind
	at    time.Time
	lanes []bool
	left  int
	alone bool
	over  chan struct{}
}

// lanes is the number of lanes of the count, and those of the join behind them, which have one partition each.
const lanes = partitions*partitions + partitions

func newObserver(addresses []string, keys int) (*observer, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.ConsumeTopics(countsTopic, joinedTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMaxAge(5*time.Second))
	if err != nil {
		return nil, err
	}
	return &observer{client: client, stalls: make(map[kind][]time.Duration), latest: make([]uint64, keys), at: time.Now()}, nil
}

func (o *observer) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := o.client.PollFetches(ctx)
		o.mu.Lock()
		now := time.Now()
		for r := range fetches.RecordsAll() {
			o.record(r, now)
		}
		o.mu.Unlock()
	}
}

// record takes note of an output. The caller holds mu. What cannot be read is left to the verifier.
func (o *observer) record(r *kgo.Record, now time.Time) {
	lane := partitions*partitions + int(r.Partition)
	if r.Topic == joinedTopic {
		o.pairs++
	} else {
		key, err := keyNumber(r.Key)
		t, terr := tallySerde{}.Decode(r.Value)
		if err != nil || terr != nil || key >= len(o.latest) {
			return
		}
		o.latest[key] = max(o.latest[key], t.Last.Seq)
		lane = key%partitions*partitions + int(r.Partition)
	}
	o.at = now
	for _, s := range o.open {
		if s.lanes[lane] || !r.Timestamp.After(s.at) {
			continue
		}
		s.lanes[lane] = true
		s.left--
		if s.left == 0 {
			o.finish(s, now)
		}
	}
	o.open = slices.DeleteFunc(o.open, func(s *stall) bool { return s.left == 0 })
}

func (o *observer) finish(s *stall, now time.Time) {
	k := s.kind
	if !s.alone {
		k = overlapping
	}
	o.stalls[k] = append(o.stalls[k], now.Sub(s.at))
	close(s.over)
}

// begin begins to measure a fault's stall.
func (o *observer) begin(k kind) *stall {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &stall{kind: k, at: time.Now(), lanes: make([]bool, lanes), left: lanes, alone: len(o.open) == 0, over: make(chan struct{})}
	for _, other := range o.open {
		other.alone = false
	}
	o.open = append(o.open, s)
	return s
}

// giveUp ends the measurement of a stall that takes too long.
func (o *observer) giveUp(s *stall) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = slices.DeleteFunc(o.open, func(other *stall) bool { return other == s })
}

// behind returns how many outputs have not been seen yet, and when one was seen last.
func (o *observer) behind(f fed) (n int64, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = max(0, f.pairs-o.pairs)
	for key, seq := range f.seqs {
		n += int64(seq - min(seq, o.latest[key]))
	}
	return n, o.at
}

func (o *observer) results() map[kind][]time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stalls
}

func (o *observer) close() { o.client.Close() }
