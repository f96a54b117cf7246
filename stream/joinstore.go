package stream

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// JoinStores says how a join of two streams keeps the records that wait for their partners: one store a side
// and, in left and outer joins, one for the records of both that have none yet. The zero value keeps them on
// disk, logged, under generated names.
type JoinStores struct {
	// Name is what the names of the stores begin with.
	Name string
	// InMemory keeps the stores in memory.
	InMemory bool
	// Unlogged leaves out the changelogs: what waits is lost when its task moves.
	Unlogged bool
	// ChangelogConfig holds settings of the changelog topics beyond the usual.
	ChangelogConfig map[string]string
}

// KeptIn says how a join of two streams keeps its records.
func KeptIn(s JoinStores) Option {
	return Option{optStores, func(o *options) error {
		s.ChangelogConfig = maps.Clone(s.ChangelogConfig)
		var err error
		if s.Name != "" {
			err = checkName(s.Name)
		}
		if err != nil {
			s.Name = "" // a generated one stands in, so that the mistake is reported once
		}
		o.stores = s
		return err
	}}
}

// OtherValues gives the serde of the values of a join's right stream, where it cannot be known from what went
// before.
func OtherValues[V any](s serde.Serde[V]) Option {
	return Option{optOther, func(o *options) error { o.otherValues = s; return nil }}
}

const (
	optStores optionKind = "KeptIn"
	optOther  optionKind = "OtherValues"
)

func (s *JoinStores) plan(c *call, name string, kind changelog.Kind) *plan.Store {
	return &plan.Store{Store: topology.Store{
		Name: name, Kind: kind, Persistent: !s.InMemory, Logged: !s.Unlogged, Config: s.ChangelogConfig, Caller: c.at,
	}}
}

// planSide describes the store of one side's records.
func planSide[K comparable, V any](c *call, name string, w span, keys serde.Serde[K], values serde.Serde[V]) *plan.Store {
	spec := statestore.WindowSpec{
		Size: w.before + w.after, Retention: w.retention(), Order: statestore.ByKey, NullsCount: c.options.stores.InMemory,
	}
	if c.options.stores.InMemory {
		spec.Order = statestore.ByTime
	}
	p := c.options.stores.plan(c, name, changelog.JoinWindow)
	p.Keys, p.Values, p.Retention = typeOf[K](), typeOf[V](), spec.Retention
	p.New = func(env statestore.Env) (statestore.Store, error) {
		return statestore.NewJoinWindow(env, keys, values, spec)
	}
	p.Restore = func(e statestore.Engine) (statestore.Restorer, error) {
		return statestore.RestoreWindow(e, spec, false)
	}
	return p
}

// waiting names a record that has no partner yet: by its time first, so that those whose time is over come first.
type waiting[K comparable] struct {
	time int64
	left bool
	key  K
}

// unmatched are the records of both sides of a left or outer join that have no partner yet. Both nodes of the
// join share the store, and with it the time that they have seen.
type unmatched[K comparable, L, R any] struct {
	statestore.List[waiting[K], either[L, R]]
	// streamTime is the highest timestamp of both sides since the task began.
	streamTime int64
	// minTime is not above the time of any record in the store, or the highest there is if none is known.
	minTime int64
	// nextTime is the wall-clock time before which the store is not looked through again.
	nextTime int64
}

func planUnmatched[K comparable, L, R any](c *call, name string, keys serde.Serde[K], l serde.Serde[L], r serde.Serde[R]) *plan.Store {
	p := c.options.stores.plan(c, name, changelog.List)
	p.Keys, p.Values = typeOf[K](), typeOf[either[L, R]]()
	p.New = func(env statestore.Env) (statestore.Store, error) {
		st, err := statestore.NewList(env, waitingSerde[K]{keys}, eitherSerde[L, R]{l, r})
		if err != nil {
			return nil, err
		}
		return &unmatched[K, L, R]{List: st, streamTime: -1, minTime: math.MaxInt64}, nil
	}
	return p
}

// waitingSerde is that of Kafka Streams: time int64 | 1 for the left side, 0 for the right | key.
type waitingSerde[K comparable] struct{ of serde.Serde[K] }

// Append implements serde.Serde.
func (s waitingSerde[K]) Append(dst []byte, k waiting[K]) ([]byte, error) {
	out := binary.BigEndian.AppendUint64(dst, uint64(k.time))
	return s.of.Append(append(out, flag(k.left)), k.key)
}

// Decode implements serde.Serde.
func (s waitingSerde[K]) Decode(b []byte) (k waiting[K], err error) {
	if len(b) < 9 || b[8] > 1 {
		return k, errors.New("the key of a record without a partner does not begin with its time and side")
	}
	k.time, k.left = int64(binary.BigEndian.Uint64(b)), b[8] == 1
	k.key, err = s.of.Decode(b[9:])
	return k, err
}

// either is a value of one of the sides.
type either[L, R any] struct {
	left   L
	right  R
	isLeft bool
}

// eitherSerde is that of Kafka Streams: 1 for a left value, 0 for a right one | value.
type eitherSerde[L, R any] struct {
	left  serde.Serde[L]
	right serde.Serde[R]
}

// Append implements serde.Serde.
func (s eitherSerde[L, R]) Append(dst []byte, e either[L, R]) ([]byte, error) {
	if e.isLeft {
		return s.left.Append(append(dst, 1), e.left)
	}
	return s.right.Append(append(dst, 0), e.right)
}

// Decode implements serde.Serde.
func (s eitherSerde[L, R]) Decode(b []byte) (e either[L, R], err error) {
	switch {
	case len(b) == 0 || b[0] > 1:
		err = errors.New("the value of a record without a partner does not begin with its side")
	case b[0] == 1:
		e.isLeft = true
		e.left, err = s.left.Decode(b[1:])
	default:
		e.right, err = s.right.Decode(b[1:])
	}
	return e, err
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
