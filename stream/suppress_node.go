package stream

import (
	"fmt"
	"strings"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// suppressor holds updates back.
type suppressor[K comparable, V any] struct {
	node
	recaller processor.Recaller // nil in tasks that do not say where records come from
	buffer   statestore.Buffer[K, V]
	out      *processor.Outlet[K, change[V]]
	time     func(record.Record[K, change[V]]) int64
	bounds   Buffer
	wait     int64
	// final tells to leave deletions out.
	final bool
	// observed is the highest timestamp that has come. It begins anew with the task, as in Kafka Streams.
	observed int64

	expired, full func() bool
	emit          func(statestore.Update[K, V])
}

func newSuppressor[K comparable, V any](sc *topology.Scope, st statestore.Buffer[K, V], out *processor.Outlet[K, change[V]], b Buffer, wait int64, final bool, time func(record.Record[K, change[V]]) int64) *suppressor[K, V] {
	s := &suppressor[K, V]{node: newNode(sc), buffer: st, out: out, time: time, bounds: b, wait: wait, final: final, observed: -1}
	s.recaller, _ = sc.Task.(processor.Recaller)
	s.expired = func() bool { return !s.task.Failed() && st.MinTime() <= s.observed-s.wait }
	s.full = func() bool { return !s.task.Failed() && s.over() }
	s.emit = s.forward
	return s
}

// Process implements processor.Receiver.
func (s *suppressor[K, V]) Process(r record.Record[K, change[V]]) {
	s.observed = max(s.observed, r.Timestamp)
	origin := statestore.Origin{Offset: -1, Timestamp: r.Timestamp, Headers: r.Headers}
	if src, ok := s.task.Source(); ok {
		origin.TopicPartition, origin.Offset = src.TopicPartition, src.Offset
	} else {
		origin.Partition = -1
	}
	s.buffer.Clock(s.task.WallClock())
	s.buffer.Put(s.time(r), statestore.Update[K, V]{
		Key: r.Key, New: r.Value.new, Old: r.Value.old, NewNull: r.Value.newNull, OldNull: r.Value.oldNull, Origin: origin,
	})
	s.buffer.EvictWhile(s.expired, s.emit)
	switch {
	case !s.over():
	case s.bounds.EmitEarly:
		s.buffer.EvictWhile(s.full, s.emit)
	default:
		s.task.Fail(s.name, s.overflow())
	}
}

func (s *suppressor[K, V]) over() bool {
	b := &s.bounds
	return b.MaxRecords > 0 && s.buffer.Records() > b.MaxRecords || b.MaxBytes > 0 && s.buffer.Bytes() > b.MaxBytes
}

func (s *suppressor[K, V]) overflow() error {
	var passed []string
	if b := &s.bounds; b.MaxRecords > 0 && s.buffer.Records() > b.MaxRecords {
		passed = append(passed, fmt.Sprintf("%d records, MaxRecords is %d", s.buffer.Records(), b.MaxRecords))
	}
	if b := &s.bounds; b.MaxBytes > 0 && s.buffer.Bytes() > b.MaxBytes {
		passed = append(passed, fmt.Sprintf("%d bytes, MaxBytes is %d", s.buffer.Bytes(), b.MaxBytes))
	}
	return fmt.Errorf("suppress: the buffer %q is full: it holds %s; raise the bound, or let updates go on early with Buffer.EmitEarly where they need not be final", s.buffer.Name(), strings.Join(passed, " and "))
}

// forward sends on an update as if the record that it came of was the one in process.
func (s *suppressor[K, V]) forward(u statestore.Update[K, V]) {
	if u.NewNull && s.final {
		return
	}
	o := &u.Origin
	if s.recaller != nil {
		before := s.recaller.Recall(processor.Origin{
			Source: processor.Source{TopicPartition: o.TopicPartition, Offset: o.Offset}, Known: o.Topic != "", Timestamp: o.Timestamp,
		})
		defer s.recaller.Recall(before)
	}
	s.out.Forward(record.Record[K, change[V]]{
		Key: u.Key, Timestamp: o.Timestamp, Headers: o.Headers,
		Value: change[V]{new: u.New, newNull: u.NewNull, old: u.Old, oldNull: u.OldNull},
	})
}
