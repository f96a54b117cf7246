package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// sendSubscriptions makes subscriptions of the updates of the left table.
type sendSubscriptions[K comparable, L any, KR comparable] struct {
	node
	out      *processor.Outlet[KR, subscription[K]]
	foreign  function[K, L, record.Optional[KR]]
	hash     hasher[L]
	same     sameForeign[KR]
	leftJoin bool
	// dropsLate leaves out updates that are not the latest of their key, as versioned tables have them.
	dropsLate bool
}

// Process implements processor.Receiver.
func (s *sendSubscriptions[K, L, KR]) Process(r record.Record[K, change[L]]) {
	ch := &r.Value
	if s.dropsLate && ch.late {
		s.task.Drop(s.name, processor.DropOutOfOrder)
		return
	}
	var before, now record.Optional[KR]
	sub := subscription[K]{key: r.Key, partition: -1, noHash: ch.newNull}
	ok := true
	if !ch.oldNull {
		before, ok = s.foreign.call(r.Key, ch.old)
	}
	if ok && !ch.newNull {
		if now, ok = s.foreign.call(r.Key, ch.new); ok {
			sub.hash, ok = s.hash.of(ch.new)
		}
	}
	changed := now.Valid != before.Valid
	if ok && now.Valid && before.Valid {
		var same bool
		same, ok = s.same.of(now.Value, before.Value)
		changed = !same
	}
	if !ok {
		return
	}
	if src, known := s.task.Source(); known {
		sub.partition = src.Partition
	}
	if s.leftJoin {
		s.left(r, sub, before, now, changed)
	} else {
		s.inner(r, sub, before, now, changed)
	}
}

// left has every update answered, without a right key as well: there is a result in any case.
func (s *sendSubscriptions[K, L, KR]) left(r record.Record[K, change[L]], sub subscription[K], before, now record.Optional[KR], changed bool) {
	if r.Value.newNull && r.Value.oldNull {
		return
	}
	if before.Valid && changed {
		s.forward(r, sub, before, unsubscribe)
	}
	s.forward(r, sub, now, subscribeAndAnswer)
}

func (s *sendSubscriptions[K, L, KR]) inner(r record.Record[K, change[L]], sub subscription[K], before, now record.Optional[KR], changed bool) {
	switch {
	case !now.Valid:
		if !r.Value.newNull {
			s.task.Drop(s.name, processor.DropNullJoinKey)
		}
		if before.Valid { // what came of the row has to go, if anything did
			s.forward(r, sub, before, unsubscribeAndAnswer)
		}
	case before.Valid && changed:
		// The two right rows may be in different tasks, so the new one has to say that there is no result
		// where the old one had one.
		s.forward(r, sub, before, unsubscribe)
		s.forward(r, sub, now, subscribeAndAnswer)
	default:
		s.forward(r, sub, now, subscribe)
	}
}

func (s *sendSubscriptions[K, L, KR]) forward(r record.Record[K, change[L]], sub subscription[K], foreign record.Optional[KR], what instruction) {
	sub.instruction, sub.noForeign = what, !foreign.Valid
	out := record.Record[KR, subscription[K]]{Key: foreign.Value, Value: sub, Timestamp: r.Timestamp, Headers: r.Headers}
	if !foreign.Valid {
		out.Null = record.NullKey
	}
	s.out.Forward(out)
}
