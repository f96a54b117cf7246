package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// verdict is what the verifier has found.
type verdict struct {
	input, output *ledger
	// joined has a key a pair, each with one record.
	joined *ledger
	// local is the number of tasks whose local state has been compared.
	local    int
	problems []string
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// verify judges a run from outside, after all instances have stopped. dirs are where they have kept their state.
func (c *cluster) verify(ctx context.Context, f fed, dirs []string, exactly bool) (*verdict, error) {
	seqs := f.seqs
	v := &verdict{input: newLedger(len(seqs)), output: newLedger(len(seqs)), joined: newLedger(int(f.pairs))}
	if err := c.noHangingTransactions(ctx, v); err != nil {
		return nil, err
	}
	// The input is read like the output: what is compared with must be right itself.
	err := c.read(ctx, inTopic, nil, func(r *kgo.Record) {
		key, err := keyNumber(r.Key)
		e, derr := eventSerde{}.Decode(r.Value)
		if err != nil || derr != nil {
			v.input.mistake("%s: %v %v", place(r), err, derr)
			return
		}
		v.input.enter(key, e, place(r))
	})
	if err != nil {
		return nil, err
	}
	v.input.end(seqs, inTopic)
	err = c.read(ctx, countsTopic, nil, func(r *kgo.Record) {
		key, err := keyNumber(r.Key)
		t, derr := tallySerde{}.Decode(r.Value)
		if err != nil || derr != nil {
			v.output.mistake("%s: %v %v", place(r), err, derr)
			return
		}
		before := v.output.wrong
		v.output.enter(key, t.Last, place(r))
		if exactly && v.output.wrong == before && (t.Count != t.Last.Seq || t.Sum != v.output.sums[key]) {
			v.output.mistake("%s: key %d: record %d was counted as number %d, sum %d, want %d", place(r), key, t.Last.Seq, t.Count, t.Sum, v.output.sums[key])
		}
	})
	if err != nil {
		return nil, err
	}
	v.output.end(seqs, countsTopic)
	logged, err := c.stateIsRecount(ctx, v, seqs, exactly)
	if err != nil {
		return nil, err
	}
	if exactly { // at least once, what was not committed may be in the changelog alone
		if err := localIsChangelog(v, dirs, logged); err != nil {
			return nil, err
		}
	}
	if err := c.pairsAreJoined(ctx, v, f.pairs, exactly); err != nil {
		return nil, err
	}
	return v, c.allCommitted(ctx, v)
}

// pairsAreJoined checks the join's output and its state: in the output each pair once, in the changelog of each
// side each of its records once.
func (c *cluster) pairsAreJoined(ctx context.Context, v *verdict, pairs int64, exactly bool) error {
	err := c.read(ctx, joinedTopic, nil, func(r *kgo.Record) {
		key, err := keyNumber(r.Key)
		p, derr := pairSerde{}.Decode(r.Value)
		if want := (event{ID: uint64(key), Seq: 1}); err != nil || derr != nil || p != (pair{want, want}) {
			v.joined.mistake("%s: %q is joined as %+v: %v %v", place(r), r.Key, p, err, derr)
			return
		}
		v.joined.enter(key, p.left, place(r))
	})
	if err != nil {
		return err
	}
	want := make([]uint64, pairs)
	for i := range want {
		want[i] = 1
	}
	v.joined.end(want, joinedTopic)
	topics, err := c.admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	sides := 0
	for _, topic := range topics.Names() {
		if !strings.HasPrefix(topic, application+"-"+joinName) || !strings.HasSuffix(topic, "-changelog") {
			continue
		}
		sides++
		rows := make(map[string]struct{}, pairs)
		if err := c.read(ctx, topic, nil, func(r *kgo.Record) { rows[string(r.Key)] = struct{}{} }); err != nil {
			return err
		}
		if n := int64(len(rows)); exactly && n != pairs || n < pairs {
			v.problem("state: %s has %d records of the join's, want %d", topic, n, pairs)
		}
	}
	if sides != 2 {
		v.problem("state: the join has %d changelogs, want 2: %q", sides, topics.Names())
	}
	return nil
}

// stateIsRecount compares the last change record of each key with a recount of the input, and returns the state
// that the change records of each partition say.
func (c *cluster) stateIsRecount(ctx context.Context, v *verdict, seqs []uint64, exactly bool) (map[int32]*partitionState, error) {
	logged := make(map[int32]*partitionState)
	home := make(map[int]int32, len(seqs))
	err := c.read(ctx, countsLog, nil, func(r *kgo.Record) {
		p := logged[r.Partition]
		if p == nil {
			p = &partitionState{rows: make(map[int]tally)}
			logged[r.Partition] = p
		}
		p.end = r.Offset + 1
		key, err := keyNumber(r.Key)
		if err != nil {
			v.problem("%s: %v", place(r), err)
			return
		}
		if r.Value == nil {
			delete(p.rows, key)
			return
		}
		t, err := tallySerde{}.Decode(r.Value)
		if err != nil {
			v.problem("%s: %v", place(r), err)
			return
		}
		if at, ok := home[key]; ok && at != r.Partition {
			v.problem("%s: key %d has been in partition %d", place(r), key, at)
		}
		home[key] = r.Partition
		p.rows[key] = t
	})
	if err != nil {
		return nil, err
	}
	wrong := 0
	for key, n := range seqs {
		var got tally
		if p, ok := home[key]; ok {
			got = logged[p].rows[key]
		}
		want := tally{Count: n, Sum: v.input.sums[key]}
		if n > 0 {
			want.Last = event{ID: eventID(key, n, len(seqs)), Seq: n}
		}
		if exactly && got != want || !exactly && (got.Count < want.Count || got.Last != want.Last) {
			if wrong++; wrong <= maxExamples {
				v.problem("state: key %d is %+v, a recount says %+v", key, got, want)
			}
		}
	}
	if wrong > maxExamples {
		v.problem("state: %d keys differ from a recount", wrong)
	}
	return logged, nil
}

// noHangingTransactions waits until the last stable offset of every partition is its high watermark.
func (c *cluster) noHangingTransactions(ctx context.Context, v *verdict) error {
	deadline := time.Now().Add(transactionTimeout + 20*time.Second)
	for {
		topics, err := c.admin.ListTopicsWithInternal(ctx)
		if err != nil {
			return err
		}
		ends, err := c.admin.ListEndOffsets(ctx, topics.Names()...)
		if err != nil {
			return err
		}
		stable, err := c.admin.ListCommittedOffsets(ctx, topics.Names()...)
		if err != nil {
			return err
		}
		var hanging []string
		ends.Each(func(e kadm.ListedOffset) {
			if s, ok := stable.Lookup(e.Topic, e.Partition); !ok || s.Offset != e.Offset {
				hanging = append(hanging, fmt.Sprintf("%s[%d] is stable up to %d of %d", e.Topic, e.Partition, s.Offset, e.Offset))
			}
		})
		if len(hanging) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			v.problem("hanging transactions: %s", strings.Join(hanging, ", "))
			return nil
		}
		sleep(ctx, 500*time.Millisecond)
	}
}

// allCommitted checks that the group has committed all input, and everything in the repartition topic.
func (c *cluster) allCommitted(ctx context.Context, v *verdict) error {
	committed, err := c.admin.FetchOffsets(ctx, application)
	if err != nil {
		return err
	}
	from := make(map[string]map[int32]int64)
	for _, topic := range []string{inTopic, byKeyTopic, leftTopic, rightTopic} {
		from[topic] = make(map[int32]int64)
		for p := range int32(partitions) {
			if o, ok := committed.Lookup(topic, p); ok {
				from[topic][p] = o.At
			}
		}
	}
	for topic, at := range from {
		left := 0
		if err := c.read(ctx, topic, at, func(*kgo.Record) { left++ }); err != nil {
			return err
		}
		if left > 0 {
			v.problem("committed offsets: %d records of %s come after them", left, topic)
		}
	}
	return nil
}

// read reads what is committed in a topic, from the beginning or the offsets given, to the end. It ends by
// position: the last offset may be that of a transaction's marker.
func (c *cluster) read(ctx context.Context, topic string, from map[int32]int64, each func(*kgo.Record)) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return err
	}
	ends, err := c.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return err
	}
	at := make(map[int32]kgo.Offset)
	left := make(map[int32]int64)
	var failed error
	ends.Each(func(e kadm.ListedOffset) {
		s, ok := starts.Lookup(topic, e.Partition)
		if e.Err != nil || !ok || s.Err != nil {
			failed = fmt.Errorf("read %s[%d]: %w: %w", topic, e.Partition, e.Err, s.Err)
			return
		}
		begin := max(s.Offset, from[e.Partition])
		if begin < e.Offset {
			at[e.Partition], left[e.Partition] = kgo.NewOffset().At(begin), e.Offset
		}
	})
	if failed != nil || len(left) == 0 {
		return failed
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("read %s: the end is not reached in %v: %w", topic, left, ctx.Err())
		}
		for r := range fetches.RecordsAll() {
			end, ok := left[r.Partition]
			if !ok {
				continue
			}
			if !r.Attrs.IsControl() {
				each(r)
			}
			if r.Offset >= end-1 {
				delete(left, r.Partition)
			}
		}
	}
	return nil
}

func place(r *kgo.Record) string { return fmt.Sprintf("%s[%d]@%d", r.Topic, r.Partition, r.Offset) }
