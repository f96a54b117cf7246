package stream

import (
	"maps"
	"time"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Store names a store of one value a key, with the types of its keys and values. Operators that keep a table
// take it, processors get the store from their context by it ([Store.KeyValue], [Store.Timestamped]), and
// queries and the test driver find the store by it.
//
// Operators that make a table take a nil *Store, too. One that needs a store then makes one under a generated
// name, with serdes that it knows from what went before; one that needs none has none. An empty name asks for
// a generated name as well, and gives the serdes.
//
// A Store is not changed by its methods and is safe to share.
type Store[K comparable, V any] struct {
	name        string
	keys        serde.Serde[K]
	values      serde.Serde[V]
	inMemory    bool
	unlogged    bool
	uncached    bool
	timestamped bool
	// history is how long a versioned store keeps old versions; nil if it is not versioned.
	history *time.Duration
	// retention is how long a store of windows keeps them; nil if the windows decide.
	retention *time.Duration
	// windows is the length of the windows of a store that a processor keeps; nil if it keeps none.
	windows *time.Duration
	// sessions tells that a processor keeps sessions in the store.
	sessions bool
	config   map[string]string
}

// NewStore returns the handle of a store that is kept on disk and logged to a changelog topic.
func NewStore[K comparable, V any](name string, keys serde.Serde[K], values serde.Serde[V]) *Store[K, V] {
	return &Store[K, V]{name: name, keys: keys, values: values}
}

// Name is the store's name, empty if it is to be generated.
func (s *Store[K, V]) Name() string { return s.name }

// Keys is the serde of the store's keys.
func (s *Store[K, V]) Keys() serde.Serde[K] { return s.keys }

// Values is the serde of the store's values.
func (s *Store[K, V]) Values() serde.Serde[V] { return s.values }

// InMemory returns a handle of the store kept in memory.
func (s *Store[K, V]) InMemory() *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.inMemory = true })
}

// Unlogged returns a handle of the store without a changelog: it is lost when its task moves.
func (s *Store[K, V]) Unlogged() *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.unlogged = true })
}

// Uncached returns a handle of the store that takes no part in the record cache: each update goes downstream at
// once, whatever the size of the cache.
func (s *Store[K, V]) Uncached() *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.uncached = true })
}

// WithTimestamps returns a handle of the store that keeps a timestamp with each value where [Uses] makes it.
// Stores of tables do so anyway.
func (s *Store[K, V]) WithTimestamps() *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.timestamped = true })
}

// WithHistory returns a handle of the store that keeps the history of each key's value by timestamp, for so long
// (at least a millisecond). A table kept in it is versioned: records that come out of order take their place in
// time, joins with streams see the value as of the time of the stream's record, and other operators leave out
// what is not the latest. It does not take part in the record cache.
//
// Source: KIP-889, KIP-914.
func (s *Store[K, V]) WithHistory(d time.Duration) *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.history = &d })
}

// ChangelogConfig returns a handle of the store with settings of its changelog topic beyond the usual.
func (s *Store[K, V]) ChangelogConfig(config map[string]string) *Store[K, V] {
	return s.with(func(s *Store[K, V]) { s.config = maps.Clone(config) })
}

func (s *Store[K, V]) with(set func(*Store[K, V])) *Store[K, V] {
	c := *s
	set(&c)
	return &c
}

// KeyValue returns the store in the task of a processor that is connected to it ([Uses]).
func (s *Store[K, V]) KeyValue(ctx topology.StoreContext) (statestore.KeyValue[K, V], error) {
	return topology.StoreIn[statestore.KeyValue[K, V]](ctx, s.name)
}

// Timestamped returns the store with its timestamps in the task of a processor that is connected to it: a
// table's, or one made [Store.WithTimestamps].
func (s *Store[K, V]) Timestamped(ctx topology.StoreContext) (statestore.Timestamped[K, V], error) {
	return topology.StoreIn[statestore.Timestamped[K, V]](ctx, s.name)
}

// Versioned returns the store with its history in the task of a processor that is connected to it: a versioned
// table's, or one made [Store.WithHistory].
func (s *Store[K, V]) Versioned(ctx topology.StoreContext) (statestore.Versioned[K, V], error) {
	return topology.StoreIn[statestore.Versioned[K, V]](ctx, s.name)
}

// StoreHandle is the handle of a store of any kind.
type StoreHandle interface {
	Name() string
	// unmade returns the store as a processor's own.
	unmade(c *call, node string) *plan.Store
}

func (s *Store[K, V]) unmade(c *call, node string) *plan.Store {
	if s == nil || s.name == "" {
		c.fail("node %q uses a store without a name; give the handle's NewStore one", node)
		return nil
	}
	var p *plan.Store
	switch {
	case s.windows != nil:
		p = s.planOwnWindows(c, node)
	case s.sessions:
		p = s.planOwnSessions(c, node)
	default:
		p = s.plan(c, node, s.timestamped)
	}
	if p != nil {
		p.Cached = false // it has no updates to hold back
	}
	return p
}

// plan returns the description of the store that the handle stands for.
func (s *Store[K, V]) plan(c *call, node string, timestamped bool) *plan.Store {
	needKey[K](c, node)
	keys, values := s.keys, s.values
	if keys == nil || values == nil {
		c.fail("store %q of node %q has no serde for %s; pass a store made with NewStore", s.name, node, missing(keys == nil, values == nil, typeOf[K](), typeOf[V]()))
	}
	p := &plan.Store{
		Keys:   typeOf[K](),
		Values: typeOf[V](),
		Store: topology.Store{
			Name:       s.name,
			Kind:       changelog.KeyValue,
			Persistent: !s.inMemory,
			Logged:     !s.unlogged,
			Config:     s.config,
			Caller:     c.at,
			New: func(env statestore.Env) (statestore.Store, error) {
				return statestore.NewKeyValue(env, keys, values)
			},
		},
	}
	if timestamped {
		p.Kind = changelog.Timestamped
		p.Cached = !s.uncached
		p.New = func(env statestore.Env) (statestore.Store, error) {
			return statestore.NewTimestamped(env, keys, values)
		}
	}
	if s.history != nil {
		s.planHistory(c, node, p)
	}
	return p
}

// materialized is how an operator keeps its table: a copy of the user's handle, or of an empty one, with a
// name and serdes. queryable tells whether the user gave the name.
type materialized[K comparable, V any] struct {
	store     Store[K, V]
	queryable bool
	given     bool
}

func materialize[K comparable, V any](s *Store[K, V]) materialized[K, V] {
	if s == nil {
		return materialized[K, V]{}
	}
	return materialized[K, V]{store: *s, queryable: s.name != "", given: true}
}

// ofTopic is named for the table of a topic. The name of a topic that is refused is not refused again with the
// store's.
func (m *materialized[K, V]) ofTopic(c *call, topic string) {
	prefix := topic + "-"
	if checkName(topic) != nil {
		prefix = ""
	}
	m.named(c, prefix)
}

// named generates a name if the user gave none; only then it uses up a number.
func (m *materialized[K, V]) named(c *call, prefix string) {
	if m.store.name == "" {
		m.store.name = c.b.plan.NewStoreName(prefix)
	}
}

// serdes fills in the serdes that the handle does not give.
func (m *materialized[K, V]) serdes(keys serde.Serde[K], values serde.Serde[V]) {
	if m.store.keys == nil {
		m.store.keys = keys
	}
	if m.store.values == nil {
		m.store.values = values
	}
}

// versioned says for the graph whether the table that an operator keeps is versioned.
func (m *materialized[K, V]) versioned() *bool {
	v := m.store.history != nil
	return &v
}
