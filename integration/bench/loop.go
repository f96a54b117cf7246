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

// loop is the least that a program does which consumes and produces the bytes of W1, W2, W6 or the latency application:
// one franz-go client, one goroutine, no state but a Go map, and offsets committed, after what they led to is written, at
// the interval and when no records have come for a moment. It is written with care for speed: records that have been
// written are used again.
type loop struct {
	settings
	id, in, out string
	// changelog and counts are W2's and W6's, repartition is W6's.
	changelog, repartition string
	counts                 map[string]*uint64
	// timed tells that a result has the time which its record's value begins with, as the latency application's do.
	timed bool

	first  firstRecord
	failed atomic.Pointer[error]
	free   sync.Pool // of *written
}

// written is a record on its way, with room for a key and a small value and the promise bound once.
type written struct {
	kgo.Record
	key     [8]byte
	number  [24]byte
	promise func(*kgo.Record, error)
}

func (l *loop) run(ctx context.Context) error {
	l.free.New = func() any {
		w := &written{key: [8]byte{'k'}}
		w.promise = func(_ *kgo.Record, err error) {
			if err != nil {
				l.failed.CompareAndSwap(nil, new(err)) // &err would put that of each record on the heap
			}
			l.free.Put(w)
		}
		return w
	}
	topics := []string{l.in}
	if l.repartition != "" {
		topics = append(topics, l.repartition)
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(l.bootstrap...), kgo.ConsumerGroup(l.id), kgo.ConsumeTopics(topics...),
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
	for last, some := time.Now(), false; ctx.Err() == nil; {
		n := l.turn(ctx, cl.PollRecords, cl.Produce)
		if some = some || n > 0; !some || n > 0 && time.Since(last) < l.commit {
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
		last, some = time.Now(), false
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
		for last, some := time.Now(), false; ctx.Err() == nil; {
			n := l.turn(ctx, s.PollRecords, s.Produce)
			if some = some || n > 0; some && (n == 0 || time.Since(last) >= l.commit) {
				break
			}
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

// turn consumes what there is, or comes within a moment, and produces what it leads to. It returns how many records it
// was.
func (l *loop) turn(ctx context.Context, poll func(context.Context, int) kgo.Fetches, produce func(context.Context, *kgo.Record, func(*kgo.Record, error))) int {
	wait, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	fetches := poll(wait, 10_000)
	cancel()
	send := func(w *written) { produce(ctx, &w.Record, w.promise) }
	fetches.EachRecord(func(r *kgo.Record) {
		if !l.first.marked.Load() {
			l.first.mark()
		}
		switch {
		case l.counts == nil:
			if r.Value[1] == '0' {
				return
			}
			if c := r.Value[0]; c >= 'a' && c <= 'z' {
				r.Value[0] = c - 32 // the bytes are ours
			}
			send(l.write(l.out, r))
		case l.repartition != "" && r.Topic == l.in:
			w := l.write(l.repartition, r)
			setKey(w.key[:], hashNumber(r.Value))
			w.Key = w.key[:]
			send(w)
		default:
			n := l.counts[string(r.Key)]
			if n == nil {
				n = new(uint64)
				l.counts[string(r.Key)] = n
			}
			*n++
			w := l.write(l.out, r)
			w.Value = l.result(w.number[:0], r, *n)
			send(w)
			w = l.write(l.changelog, r)
			w.Value = binary.BigEndian.AppendUint64(w.number[:0], uint64(r.Timestamp.UnixMilli()))
			w.Value = l.result(w.Value, r, *n)
			send(w)
		}
	})
	return fetches.NumRecords()
}

// write returns a record to produce, with the key, the value and the time of r.
func (l *loop) write(topic string, r *kgo.Record) *written {
	w := l.free.Get().(*written)
	w.Record = kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp}
	return w
}

// result appends the value that the n-th record of its key leads to.
func (l *loop) result(dst []byte, r *kgo.Record, n uint64) []byte {
	dst = binary.BigEndian.AppendUint64(dst, n)
	if l.timed {
		dst = binary.BigEndian.AppendUint64(dst, uint64(addWithTime("", string(r.Value), countWithTime{}).sent))
	}
	return dst
}
