package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
	"github.com/leatstream/leat/window"
)

// Buffer says how much a suppression may hold back. Its zero value has no bounds.
type Buffer struct {
	// MaxRecords is the most keys that are held back in one task; 0 means no bound.
	MaxRecords int64
	// MaxBytes is the most bytes that they may take, counted with keys, values and where they came from; 0 means
	// no bound.
	MaxBytes int64
	// EmitEarly lets the oldest go on when a bound is passed. Without it the application stops with an error.
	EmitEarly bool
	// Unlogged keeps the buffer without a changelog: what it holds is lost when its task moves.
	Unlogged bool
	// ChangelogConfig holds settings of the changelog topic beyond the usual.
	ChangelogConfig map[string]string
}

// Validate reports everything that is wrong with the bounds.
func (b Buffer) Validate() error {
	var errs []error
	if b.MaxRecords < 0 {
		errs = append(errs, fmt.Errorf("MaxRecords is %d; it must be positive, or 0 for no bound", b.MaxRecords))
	}
	if b.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("MaxBytes is %d; it must be positive, or 0 for no bound", b.MaxBytes))
	}
	if b.EmitEarly && b.MaxRecords == 0 && b.MaxBytes == 0 {
		errs = append(errs, errors.New("EmitEarly has no meaning without a bound; set MaxRecords or MaxBytes"))
	}
	return errors.Join(errs...)
}

// SuppressUntilWindowCloses holds the updates of a table of windows back until their window has closed, and then
// sends on the last one of each: the final result. Windows close when the highest timestamp that has come has
// passed their end and grace period; without new records nothing is sent on. Deletions are left out. The order
// is that of the windows' ends, then of the serialized keys.
//
// Every way up from the table must lead to a windowed aggregation; where there are several, the longest grace
// period counts. A versioned table cannot be suppressed. Options: [Named].
//
// Source: KIP-328.
func SuppressUntilWindowCloses[K comparable, V any](t Table[window.Key[K], V], b Buffer, opts ...Option) Table[window.Key[K], V] {
	c := t.b.begin("SuppressUntilWindowCloses", opts, optName)
	grace, err := t.node.WindowGrace()
	if err != nil {
		c.fail("suppress the table %q until its windows close: %w", t.name, err)
	}
	if b.EmitEarly {
		c.fail("suppress the table %q until its windows close: EmitEarly would send on results that are not final; leave it out or use SuppressUntilTimeLimit", t.name)
		b.EmitEarly = false
	}
	return suppressTable(c, t, b, grace, true, func(r record.Record[window.Key[K], change[V]]) int64 { return r.Key.End })
}

// SuppressUntilTimeLimit holds the updates of each key back for so long, counted in the timestamps of the table's
// updates from the first one that is held, and then sends on the last one; without new records nothing is sent
// on. Zero holds nothing back. Options: [Named].
//
// Source: KIP-328.
func SuppressUntilTimeLimit[K comparable, V any](t Table[K, V], wait time.Duration, b Buffer, opts ...Option) Table[K, V] {
	c := t.b.begin("SuppressUntilTimeLimit", opts, optName)
	switch {
	case wait < 0:
		c.fail("suppress the table %q for %v: the time must not be negative", t.name, wait)
	case wait%time.Millisecond != 0:
		c.fail("suppress the table %q for %v: times count in whole milliseconds", t.name, wait)
	}
	return suppressTable(c, t, b, wait.Milliseconds(), false, func(r record.Record[K, change[V]]) int64 { return r.Timestamp })
}

// suppression is the upkeep of a suppressed table: what is held back is not in it yet.
type suppression[K comparable, V any] struct {
	parent Table[K, V]
	store  *plan.Store
}

func suppressTable[K comparable, V any](c *call, t Table[K, V], b Buffer, wait int64, final bool, time func(record.Record[K, change[V]]) int64) Table[K, V] {
	name := c.options.name
	store := name + "-store"
	if name == "" { // a given name uses up no number here
		name = c.b.plan.NewName("KTABLE-SUPPRESS-")
		store = c.b.plan.NewStoreName("KTABLE-SUPPRESS-")
	}
	c.failEach(fmt.Sprintf("buffer of node %q", name), b.Validate())
	t.sendOldValues(true)
	s := &suppression[K, V]{parent: t, store: planBuffer(c, t, name, store, b)}
	n := &plan.Node{
		Name: name, Output: changesOf[K, V](), Versioned: new(false), Caller: c.at,
		RefuseVersioned: fmt.Errorf("node %q suppresses a versioned table, whose updates can be out of order; keep the table in a store without a history", name),
		Write: processorNode(c, name, func(sc *topology.Scope, out *processor.Outlet[K, change[V]]) (any, error) {
			st, err := topology.StoreOf[statestore.Buffer[K, V]](sc, store)
			if err != nil {
				return nil, err
			}
			return newSuppressor(sc, st, out, b, wait, final, time), nil
		}, s.store),
	}
	c.b.plan.Add(n, t.node)
	return Table[K, V]{&table[K, V]{b: c.b, name: name, node: n, keys: t.keys, values: t.values, sources: t.sources, upkeep: s}}
}

func planBuffer[K comparable, V any](c *call, t Table[K, V], node, store string, b Buffer) *plan.Store {
	p := (&Store[K, V]{name: store, keys: t.keys, values: t.values, unlogged: b.Unlogged, config: b.ChangelogConfig}).plan(c, node, false)
	keys, values := t.keys, t.values
	p.Kind = changelog.KeyValue
	p.New = func(env statestore.Env) (statestore.Store, error) { return statestore.NewBuffer(env, keys, values) }
	p.Restore = statestore.RestoreBuffer
	return p
}

func (s *suppression[K, V]) sendOldValues(force bool) bool { return s.parent.sendOldValues(force) }

func (s *suppression[K, V]) view() view[K, V] {
	parent := s.parent.upkeep.view()
	return view[K, V]{unite([]string{s.store.Name}, parent.stores), func(sc *topology.Scope) (getter[K, V], error) {
		g, err := parent.open(sc)
		if err != nil {
			return nil, err
		}
		st, err := topology.StoreOf[statestore.Buffer[K, V]](sc, s.store.Name)
		return suppressedGetter[K, V]{st, g}, err
	}}
}

// suppressedGetter reads a table as it is without the updates that are held back.
type suppressedGetter[K comparable, V any] struct {
	buffer statestore.Buffer[K, V]
	parent getter[K, V]
}

func (g suppressedGetter[K, V]) get(key K) (V, int64, bool) {
	if v, null, held := g.buffer.Prior(key); held {
		return v, -1, !null // the time of what was there before is not known
	}
	return g.parent.get(key)
}

func (g suppressedGetter[K, V]) sent(sc *topology.Scope) getter[K, V] {
	return suppressedGetter[K, V]{g.buffer, sentOf(sc, g.parent)}
}
