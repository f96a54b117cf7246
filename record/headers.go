package record

// Header is one header of a record. Keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// Headers are a record's headers in order. They are shared between copies of a record, so they must not be
// changed in place: With and Without return changed copies. A nil value means no headers.
type Headers []Header

// Last returns the value of the last header with this key, and whether there is one.
func (h Headers) Last(key string) ([]byte, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == key {
			return h[i].Value, true
		}
	}
	return nil, false
}

// With returns a copy of h with one more header at the end. The value is not copied.
func (h Headers) With(key string, value []byte) Headers {
	out := make(Headers, len(h), len(h)+1)
	copy(out, h)
	return append(out, Header{Key: key, Value: value})
}

// Without returns a copy of h with every header of this key removed.
func (h Headers) Without(key string) Headers {
	out := make(Headers, 0, len(h))
	for _, x := range h {
		if x.Key != key {
			out = append(out, x)
		}
	}
	return out
}
