package stream

import (
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// OfWindows returns a handle of the store that keeps a value a key and window where [Uses] makes it: windows of
// this size, [start, start+size), for so long after their start as retention says, which is not less than the size.
// The processor chooses the starts. It gets the store by [Store.PlainWindows], or by [Store.Windows] if it is made
// [Store.WithTimestamps].
//
// Source: org.apache.kafka.streams.state.Stores.windowStoreBuilder.
func (s *Store[K, V]) OfWindows(size, retention time.Duration) *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.windows, s.retention, s.sessions = &size, &retention, false })
}

// OfSessions returns a handle of the store that keeps a value a key and session, for so long after the session's end
// as retention says, where [Uses] makes it. The processor gets the store by [Store.Sessions].
//
// Source: org.apache.kafka.streams.state.Stores.sessionStoreBuilder.
func (s *Store[K, V]) OfSessions(retention time.Duration) *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.windows, s.retention, s.sessions = nil, &retention, true })
}

// PlainWindows returns the store of a processor's own windows, without timestamps, in the task of a processor that
// is connected to it.
func (s *Store[K, V]) PlainWindows(ctx topology.StoreContext) (statestore.Window[K, V], error) {
	return topology.StoreIn[statestore.Window[K, V]](ctx, s.name)
}

func (s *Store[K, V]) planOwnWindows(c *call, node string) *plan.Store {
	size := *s.windows
	if size < time.Millisecond || size%time.Millisecond != 0 {
		c.fail("store %q of node %q keeps windows of %v; their size must be whole milliseconds, at least one", s.name, node, size)
	}
	spec := statestore.WindowSpec{Size: size.Milliseconds(), Retention: s.retain(c, node, max(1, size.Milliseconds())), Order: s.order(false, statestore.ByTime)}
	kind := changelog.Window
	if s.timestamped {
		kind = changelog.TimestampedWindow
	}
	p := s.planSpec(c, node, true, kind, spec) // processors' stores take no part in the record cache
	keys, values, timestamped := s.keys, s.values, s.timestamped
	p.New = func(env statestore.Env) (statestore.Store, error) {
		if timestamped {
			return statestore.NewTimestampedWindow(env, keys, values, spec)
		}
		return statestore.NewWindow(env, keys, values, spec)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) {
		return statestore.RestoreWindow(e, spec, timestamped)
	}
	return p
}

func (s *Store[K, V]) planOwnSessions(c *call, node string) *plan.Store {
	if *s.retention < time.Millisecond {
		c.fail("store %q of node %q retains sessions for %v; it must be at least a millisecond", s.name, node, *s.retention)
	}
	spec := statestore.WindowSpec{Retention: s.retain(c, node, 0), Order: s.order(false, statestore.ByTime)}
	p := s.planSpec(c, node, true, changelog.Session, spec)
	keys, values := s.keys, s.values
	p.New = func(env statestore.Env) (statestore.Store, error) {
		return statestore.NewSession(env, keys, values, spec)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) { return statestore.RestoreSession(e, spec) }
	return p
}
