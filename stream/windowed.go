package stream

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// Windowed is a grouped stream cut into tumbling, hopping, sliding or unlimited windows, to be aggregated into a table of
// one value a key and window.
type Windowed[K comparable, V any] struct{ *windowed[K, V] }

type windowed[K comparable, V any] struct {
	g       Grouped[K, V]
	w       window.Windows
	onClose bool
}

// WindowedBy cuts a grouped stream into windows. Options: [EmitOnClose].
//
// An aggregation of it drops and counts records without a key, and for each window that has closed
// (its end and grace period lie behind the highest timestamp that the aggregation has seen since it started) a
// record that is late for it. A null value is aggregated like any other, in sliding windows it is dropped. The
// table's time is the latest of each window's records. Records from before the start of an unlimited window are
// dropped and counted as well.
func WindowedBy[K comparable, V any](g Grouped[K, V], w window.Windows, opts ...Option) Windowed[K, V] {
	c := g.s.b.begin("WindowedBy", opts, optEmit)
	c.failEach(fmt.Sprintf("windows of the stream %q", g.s.name), w.Validate())
	if c.options.onClose && w.IsUnlimited() {
		c.fail("windows of the stream %q: an unlimited window never closes; leave EmitOnClose out", g.s.name)
	}
	return Windowed[K, V]{&windowed[K, V]{g, w, c.options.onClose}}
}

// EmitOnClose lets a windowed aggregation emit each window once, when it closes, in place of each update. It
// looks for closed windows as records come in, but not more than once a second of wall-clock time, and emits
// them in the order of time and then of keys, each with its own time and the headers of the record in process.
// Until when windows have been emitted is committed with the offsets.
//
// A window that its store no longer retains is not emitted. As in Kafka Streams that befalls sessions in a store
// [Store.InMemory], and windows that pass between two looks: give such stores a [Store.Retention] beyond the
// least.
//
// Source: KIP-825.
func EmitOnClose() Option {
	return Option{optEmit, func(o *options) error { o.onClose = true; return nil }}
}

const optEmit optionKind = "EmitOnClose"

// Retention returns a handle of the store that keeps windows, or sessions, for so long, counted from a window's
// start or a session's end: at least its size (twice the difference for sliding windows, the gap for sessions)
// and grace period, which is also what it is without Retention.
func (s *Store[K, V]) Retention(d time.Duration) *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.retention = &d })
}

// Windows returns the store of a windowed aggregation in the task of a processor that is connected to it.
func (s *Store[K, V]) Windows(ctx topology.StoreContext) (statestore.TimestampedWindow[K, V], error) {
	return topology.StoreIn[statestore.TimestampedWindow[K, V]](ctx, s.name)
}

// Sessions returns the store of an aggregation of sessions in the task of a processor that is connected to it.
func (s *Store[K, V]) Sessions(ctx topology.StoreContext) (statestore.Session[K, V], error) {
	return topology.StoreIn[statestore.Session[K, V]](ctx, s.name)
}
