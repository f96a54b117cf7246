package stream

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/topology"
)

// Option is an extra of an operator. One that the operator has no use for is a mistake that Build reports.
type Option struct {
	kind  optionKind
	apply func(*options) error
}

type optionKind string

const (
	optName      optionKind = "Named"
	optKeys      optionKind = "Keys"
	optValues    optionKind = "Values"
	optUses      optionKind = "Uses"
	optParts     optionKind = "Partitions"
	optPartition optionKind = "PartitionBy"
	optReset     optionKind = "Reset"
	optTime      optionKind = "Timestamp"
	optInvalid   optionKind = "InvalidTimestamp"
)

type options struct {
	name       string
	keys       any
	values     any
	uses       []StoreHandle
	partitions int32
	partition  any
	reset      topology.OffsetReset
	timestamp  any
	invalid    topology.TimestampPolicy
	onClose    bool

	stores           JoinStores
	grace            *time.Duration
	otherValues      any
	foreignPartition any
	answerPartition  any
}

func (c *call) take(operator string, o Option, allowed []optionKind) {
	if !slices.Contains(allowed, o.kind) {
		c.fail("option %s has no meaning for %s, which takes %q", o.kind, operator, allowed)
		return
	}
	if err := o.apply(&c.options); err != nil {
		c.fail("option %s of %s: %w", o.kind, operator, err)
	}
}

// Named gives an operator's node a name in place of a generated one. For a grouping it also names the
// repartition topic, for [Repartition] only that. Names are made of ASCII letters, digits, '.', '_' and '-'.
func Named(name string) Option {
	return Option{optName, func(o *options) error {
		if err := checkName(name); err != nil {
			return err // a generated one stands in, so that the mistake is reported once
		}
		o.name = name
		return nil
	}}
}

// Keys gives the serde of an operator's keys, where it cannot be known from what went before.
func Keys[K any](s serde.Serde[K]) Option {
	return Option{optKeys, func(o *options) error { o.keys = s; return nil }}
}

// Values gives the serde of an operator's values, where it cannot be known from what went before.
func Values[V any](s serde.Serde[V]) Option {
	return Option{optValues, func(o *options) error { o.values = s; return nil }}
}

// Uses connects a processor to stores, which it gets from its context by their handles. A store that no
// operator of the program keeps is made as a plain key-value store, or a timestamped one if its handle says
// so. Processors that use the same store are in the same subtopology.
func Uses(stores ...StoreHandle) Option {
	return Option{optUses, func(o *options) error {
		o.uses = append(o.uses, stores...)
		return nil
	}}
}

// Partitions sets the number of partitions of a repartition topic. Without it the topic gets as many as the
// topics that its records come from.
func Partitions(n int32) Option {
	return Option{optParts, func(o *options) error {
		if n <= 0 {
			return errors.New("the number of partitions must be positive")
		}
		o.partitions = n
		return nil
	}}
}

// PartitionBy chooses the partition that a record is written to, of partitions in all; a negative number
// leaves it to the key's hash, as everywhere else.
func PartitionBy[K, V any](f func(key K, value V, partitions int32) int32) Option {
	return Option{optPartition, func(o *options) error { o.partition = f; return nil }}
}

// Reset says where a source begins on a partition that has no committed offset.
func Reset(r topology.OffsetReset) Option {
	return Option{optReset, func(o *options) error { o.reset = r; return nil }}
}

// Timestamp takes the time of a source's records from the function in place of Kafka's timestamp. See
// topology.SourceConfig for its arguments.
func Timestamp[K, V any](f func(r record.Record[K, V], src *record.Raw, partitionTime int64) int64) Option {
	return Option{optTime, func(o *options) error { o.timestamp = f; return nil }}
}

// InvalidTimestamp says what a source does about records with a negative timestamp; without it they end the
// application.
func InvalidTimestamp(p topology.TimestampPolicy) Option {
	return Option{optInvalid, func(o *options) error { o.invalid = p; return nil }}
}

func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return errors.New("name must not be empty, \".\" or \"..\"")
	case len(name) > 249:
		return errors.New("name is longer than the 249 characters that a topic may have")
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return errors.New("name has characters other than ASCII letters, digits, '.', '_' and '-': " + name)
		}
	}
	return nil
}

// typed returns an option's value as the type that the operator needs; nil if the option was not given.
func typed[T any](c *call, node string, kind optionKind, value any) (t T) {
	if value == nil {
		return t
	}
	t, ok := value.(T)
	if !ok {
		c.fail("node %q: option %s is for %T, the node's is %v", node, kind, value, reflect.TypeFor[T]())
	}
	return t
}
