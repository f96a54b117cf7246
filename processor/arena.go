package processor

// Arena lays down the bytes of output records in large chunks, so that serializing one costs no allocation
// of its own. A chunk is freed by the garbage collector once no record refers to it, unless Reset has made
// it the next records'.
//
// Use: b, err := serde.Append(a.Free(), v); key := a.Keep(b).
type Arena struct{ chunk []byte }

const (
	// arenaChunk is the size of the first chunk, maxArenaChunk that of the largest. One that fills up is followed by
	// one of twice its size: after Reset, it has room for as much again.
	arenaChunk    = 64 << 10
	maxArenaChunk = 256 << 10
	// arenaMin is the room below which Free starts a new chunk: most keys and values fit in it, and at most
	// this much of a chunk is wasted.
	arenaMin = 1 << 10
)

// Free returns an empty slice to append to. It is valid until the next call of Free.
func (a *Arena) Free() []byte {
	if cap(a.chunk)-len(a.chunk) < arenaMin {
		a.chunk = make([]byte, 0, min(max(arenaChunk, 2*cap(a.chunk)), maxArenaChunk))
	}
	return a.chunk[len(a.chunk):]
}

// Keep takes what was appended to the last Free and returns it, with no room to grow into its neighbours. It
// is never nil.
func (a *Arena) Keep(b []byte) []byte {
	if n := len(a.chunk); len(b) <= cap(a.chunk)-n && (len(b) == 0 || &b[0] == &a.chunk[n : n+1][0]) {
		a.chunk = a.chunk[:n+len(b)]
		return a.chunk[n : n+len(b) : n+len(b)]
	}
	return b[:len(b):len(b)] // it outgrew the chunk and has memory of its own
}

// Reset makes the memory of everything kept so far available again: those bytes will change.
func (a *Arena) Reset() { a.chunk = a.chunk[:0] }
