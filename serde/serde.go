// Package serde turns keys and values into bytes and back.
//
// A [Serde] never sees null: leat writes a null key or value as Kafka's null and reads it back as the type's
// zero value with a null mark (see package record). Byte formats are those of Kafka's own serializers, so a
// topic can be shared with Java services: [String] is UTF-8, the integers and floats are big-endian.
//
// A serde must be safe for use from several goroutines at once; those of this package are.
package serde

// Serde converts between T and its bytes.
type Serde[T any] interface {
	// Append appends the bytes of v to dst and returns the extended slice. It does not keep dst. On an
	// error dst's contents up to its length are unchanged.
	Append(dst []byte, v T) ([]byte, error)
	// Decode returns the T that b holds. b is valid only during the call and is not changed: what the
	// result keeps must be copied. b is not nil, but may be empty.
	Decode(b []byte) (T, error)
}

// TopicBound is a serde whose bytes depend on the topic, as with a schema registry's subjects. leat calls
// ForTopic once per topic when the topology is built and uses its result from then on.
type TopicBound[T any] interface {
	Serde[T]
	// ForTopic returns the serde for the keys or the values of a topic.
	ForTopic(topic string, isKey bool) Serde[T]
}

// For returns s as it is to be used for the keys or values of a topic.
func For[T any](s Serde[T], topic string, isKey bool) Serde[T] {
	if b, ok := s.(TopicBound[T]); ok {
		return b.ForTopic(topic, isKey)
	}
	return s
}
