package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// loop is the least that a program does which consumes and produces the bytes of W1 or W2: one franz-go client,
// one goroutine, no state but a Go map, and offsets committed at the interval, after what they led to is
// written. It is written with care for speed: records that have been written are used again.
type loop struct {
	settings
	id, in, out string
	// changelog and counts are W2's.
	changelog string
	counts    map[string]*int64

	first  firstRecord
	failed atomic.Pointer[error]
	free   sync.Pool // of *written
}

// written is a record on its way, with room for a small value and the promise bound once.
type written struct {
	kgo.Record
	number  [16]byte
	promise func(*kgo.Record, error)
}

func (l *loop) run(ctx context.Context) error {
	l.free.New = func() any {
		w := new(written)
		w.promise = func(_ *kgo.Record, err error) {
			if err != nil {
				l.failed.CompareAndSwap(nil, &err)
			}
			l.free.Put(w)
		}
		return w
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(l.bootstrap...), kgo.ConsumerGroup(l.id), kgo.ConsumeTopics(l.in),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.MaxBufferedRecords(50_000),
	}
	if l.eos {
		return l.runTransactions(ctx, append(opts, kgo.TransactionalID(l.id), kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for last := time.Now(); ctx.Err() == nil; {
		l.turn(ctx, cl.PollRecords, cl.Produce, last)
		if time.Since(last) < l.commit {
			continue
		}
		if err := cl.Flush(ctx); err != nil {
			break
		}
		if err := l.failed.Load(); err != nil {
			return *err
		}
		if err := cl.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("commit: %w", err)
		}
		last = time.Now()
	}
	return nil
}

func (l *loop) runTransactions(ctx context.Context, opts []kgo.Opt) error {
	s, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return err
	}
	defer s.Close()
	for ctx.Err() == nil {
		if err := s.Begin(); err != nil {
			return err
		}
		for last := time.Now(); ctx.Err() == nil && time.Since(last) < l.commit; {
			l.turn(ctx, s.PollRecords, s.Produce, last)
		}
		if err := l.failed.Load(); err != nil {
			return *err
		}
		if _, err := s.End(context.WithoutCancel(ctx), kgo.TryCommit); err != nil {
			return fmt.Errorf("end the transaction: %w", err)
		}
	}
	return nil
}

// turn consumes what there is, waiting no longer than until the next commit, and produces what it leads to.
func (l *loop) turn(ctx context.Context, poll func(context.Context, int) kgo.Fetches, produce func(context.Context, *kgo.Record, func(*kgo.Record, error)), last time.Time) {
	wait, cancel := context.WithDeadline(ctx, last.Add(l.commit))
	fetches := poll(wait, 10_000)
	cancel()
	fetches.EachRecord(func(r *kgo.Record) {
		if !l.first.marked.Load() {
			l.first.mark()
		}
		if l.counts == nil {
			if r.Value[1] == '0' {
				return
			}
			if c := r.Value[0]; c >= 'a' && c <= 'z' {
				r.Value[0] = c - 32 // the bytes are ours
			}
			l.send(ctx, produce, l.out, r, r.Value)
			return
		}
		n := l.counts[string(r.Key)]
		if n == nil {
			n = new(int64)
			l.counts[string(r.Key)] = n
		}
		*n++
		var row [16]byte
		binary.BigEndian.PutUint64(row[:], uint64(r.Timestamp.UnixMilli()))
		binary.BigEndian.PutUint64(row[8:], uint64(*n))
		l.send(ctx, produce, l.out, r, row[8:])
		l.send(ctx, produce, l.changelog, r, row[:])
	})
}

// send produces a record with the key and time of r.
func (l *loop) send(ctx context.Context, produce func(context.Context, *kgo.Record, func(*kgo.Record, error)), topic string, r *kgo.Record, value []byte) {
	w := l.free.Get().(*written)
	w.Record = kgo.Record{Topic: topic, Key: r.Key, Timestamp: r.Timestamp, Value: value}
	if len(value) <= len(w.number) { // it is the caller's
		w.Value = w.number[:copy(w.number[:], value)]
	}
	produce(ctx, &w.Record, w.promise)
}
