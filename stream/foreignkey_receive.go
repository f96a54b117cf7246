package stream

import (
	"fmt"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// receiveSubscriptions keeps the subscriptions in the task of the right row.
type receiveSubscriptions[K, KR comparable] struct {
	node
	store statestore.Timestamped[subscriber[KR, K], subscription[K]]
	out   *processor.Outlet[KR, subscription[K]]
}

// Process implements processor.Receiver.
func (s *receiveSubscriptions[K, KR]) Process(r record.Record[KR, subscription[K]]) {
	what := r.Value.instruction
	switch {
	case r.Null.Value():
		s.task.Drop(s.name, processor.DropNullValue)
		return
	case r.Null.Key() && what != subscribeAndAnswer:
		s.task.Drop(s.name, processor.DropNullKey)
		return
	case r.Null.Key(): // a left row without a right one; it only wants its answer
	case what == unsubscribe || what == unsubscribeAndAnswer:
		s.store.Delete(subscriber[KR, K]{r.Key, r.Value.key}, r.Timestamp)
	default:
		s.store.Put(subscriber[KR, K]{r.Key, r.Value.key}, r.Value, r.Timestamp)
	}
	s.out.Forward(r)
}

// answerSubscriptions answers subscriptions when they come.
type answerSubscriptions[K, KR comparable, R any] struct {
	right getter[KR, R]
	out   *processor.Outlet[K, answer[R]]
}

// Process implements processor.Receiver.
func (s *answerSubscriptions[K, KR, R]) Process(r record.Record[KR, subscription[K]]) {
	sub := &r.Value
	if sub.instruction == unsubscribe {
		return
	}
	a := answer[R]{hash: sub.hash, noHash: sub.noHash, noValue: true, partition: sub.partition}
	timestamp := r.Timestamp
	if !r.Null.Key() {
		if v, t, ok := s.right.get(r.Key); ok {
			timestamp = max(timestamp, t)
			if sub.instruction != unsubscribeAndAnswer {
				a.value, a.noValue = v, false
			}
		}
	}
	if a.noValue && sub.instruction == subscribe {
		return
	}
	s.out.Forward(record.Record[K, answer[R]]{Key: sub.key, Value: a, Timestamp: timestamp, Headers: r.Headers})
}

// tellSubscribers answers all subscriptions to a right row when it changes.
type tellSubscribers[K, KR comparable, R any] struct {
	node
	store     statestore.Timestamped[subscriber[KR, K], subscription[K]]
	keys      subscribers[KR, K]
	out       *processor.Outlet[K, answer[R]]
	dropsLate bool
	prefix    []byte
}

// Process implements processor.Receiver.
func (s *tellSubscribers[K, KR, R]) Process(r record.Record[KR, change[R]]) {
	if s.dropsLate && r.Value.late {
		s.task.Drop(s.name, processor.DropOutOfOrder)
		return
	}
	var err error
	if s.prefix, err = s.keys.prefix(s.prefix[:0], r.Key); err != nil { // the table's own store took the key
		s.task.Fail(s.name, fmt.Errorf("find subscribers: %w", err))
		return
	}
	for k, sub := range s.store.Prefix(s.prefix) {
		a := answer[R]{
			hash: sub.Value.hash, noHash: sub.Value.noHash, partition: sub.Value.partition,
			value: r.Value.new, noValue: r.Value.newNull,
		}
		s.out.Forward(record.Record[K, answer[R]]{Key: k.key, Value: a, Timestamp: r.Timestamp, Headers: r.Headers})
	}
}
