package statestore

import "github.com/leatstream/leat/window"

// Sized is implemented by the stores of tables. K is what the table's records have as a key: that of the window
// where there are windows.
type Sized[K, V any] interface {
	// Size returns how many bytes key and value take when they are serialized; present false leaves the value
	// out. What cannot be serialized counts nothing: writing it fails.
	Size(key K, value V, present bool) int
}

func (c *cached[K, V]) sizeOf(key K, value V, present bool) int {
	n := 0
	if b, err := c.keys.Append(c.sizeBuf[:0], key); err == nil {
		c.sizeBuf, n = b, len(b)
	}
	if !present {
		return n
	}
	if b, err := c.values.Append(c.sizeBuf[:0], value); err == nil {
		c.sizeBuf, n = b, n+len(b)
	}
	return n
}

// Size implements Sized.
func (s *timestamped[K, V]) Size(key K, value V, present bool) int {
	return s.sizeOf(key, value, present)
}

// Size implements Sized.
func (s *timestampedWindow[K, V]) Size(k window.Key[K], value V, present bool) int {
	return s.sizeOf(windowKey[K]{key: k.Key, time: k.Start}, value, present)
}

// Size implements Sized.
func (s *session[K, V]) Size(k window.Key[K], value V, present bool) int {
	return s.sizeOf(windowKey[K]{k.Key, k.End, k.Start}, value, present)
}
