package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// resolveAnswers joins the left rows with the answers to their subscriptions.
type resolveAnswers[K comparable, L, R, V any] struct {
	node
	left     getter[K, L]
	hash     hasher[L]
	join     join[K, L, R, V]
	leftJoin bool
	out      *processor.Outlet[K, V]
}

// Process implements processor.Receiver.
func (s *resolveAnswers[K, L, R, V]) Process(r record.Record[K, answer[R]]) {
	if dropNull(s.node, r.Null) {
		return
	}
	a := &r.Value
	row, _, found := s.left.get(r.Key)
	var current valueHash
	if found {
		var ok bool
		if current, ok = s.hash.of(row); !ok {
			return
		}
	}
	if found == a.noHash || current != a.hash {
		// The left row has changed since it subscribed; another answer is on its way.
		s.task.Drop(s.name, processor.DropStaleAnswer)
		return
	}
	out := record.Record[K, V]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, Null: record.NullValue}
	if found && (!a.noValue || s.leftJoin) {
		v, null, ok := s.join.of(r.Key, both[L, R]{left: row, right: a.value, noRight: a.noValue})
		if !ok {
			return
		}
		if !null {
			out.Value, out.Null = v, 0
		}
	}
	s.out.Forward(out)
}
