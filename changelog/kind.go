package changelog

// Kind is the kind of a store as far as its changelog and its local rows are concerned.
type Kind uint8

// The kinds of stores.
const (
	// KeyValue stores hold one value a key: what processors use by themselves. Row and record value are the
	// same bytes.
	KeyValue Kind = iota
	// Timestamped stores hold one value with its timestamp a key: tables and aggregations. The row is int64
	// timestamp, big-endian, then the value; the record has the value alone and carries the timestamp as its own.
	Timestamped
	// Window stores hold values by key and window start.
	Window
	// TimestampedWindow stores hold values with their timestamps by key and window start.
	TimestampedWindow
	// JoinWindow stores hold the records that a stream-stream join waits with, duplicates included.
	JoinWindow
	// Session stores hold values by key and session.
	Session
	// Versioned stores hold the history of each key's value.
	Versioned
	// List stores hold a list of values a key: an outer join's records without a partner.
	List
)
