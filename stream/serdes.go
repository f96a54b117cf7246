package stream

import (
	"reflect"

	"github.com/leatstream/leat/serde"
)

// Which serde an operator uses for a type T, first that there is:
//  1. the one given by an option, or by the handle of a topic or store;
//  2. the one of the stream or table that it came from, if that one has the same type (of a join, the left
//     side's before the right one's);
//  3. Kafka's own serde for the type, for strings, byte slices, integers, floats and bools.
//
// Kafka Streams takes the default serde of its configuration in place of 2 (where a function made the value)
// and 3.

// inherit returns a stream's serde for what an operator made of its keys or values, if the type is the same.
func inherit[T, From any](from serde.Serde[From]) serde.Serde[T] {
	if from != nil {
		if s, ok := any(from).(serde.Serde[T]); ok {
			return s
		}
	}
	return native[T]()
}

// native returns Kafka's serde for T, nil if T is none of its types.
func native[T any]() serde.Serde[T] {
	for _, s := range []any{serde.String, serde.Bytes, serde.Int64, serde.Int32, serde.Int16, serde.Float64, serde.Float32, serde.Bool} {
		if s, ok := s.(serde.Serde[T]); ok {
			return s
		}
	}
	return nil
}

// firstSerde returns the first serde that is not nil.
func firstSerde[T any](serdes ...serde.Serde[T]) serde.Serde[T] {
	for _, s := range serdes {
		if s != nil {
			return s
		}
	}
	return nil
}

// missing says what there is no serde for.
func missing(noKeys, noValues bool, key, value reflect.Type) string {
	switch {
	case noKeys && noValues:
		return "its keys (" + key.String() + ") and values (" + value.String() + ")"
	case noKeys:
		return "its keys (" + key.String() + ")"
	default:
		return "its values (" + value.String() + ")"
	}
}

// serdesOf returns what the options give, or else the serdes known so far.
func serdesOf[K, V any](c *call, node string, keys serde.Serde[K], values serde.Serde[V]) (serde.Serde[K], serde.Serde[V]) {
	return firstSerde(typed[serde.Serde[K]](c, node, optKeys, c.options.keys), keys, native[K]()),
		firstSerde(typed[serde.Serde[V]](c, node, optValues, c.options.values), values, native[V]())
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
