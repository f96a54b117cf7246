package stream

import (
	"encoding/binary"
	"math/bits"
)

// valueHash tells apart the values that a row of the left table had: it goes out with a subscription and comes
// back with the response, which is stale if the row has another one by then. It is the 128-bit x64 variant of
// MurmurHash3 with Kafka Streams' seed, its two halves big-endian.
type valueHash [16]byte

const (
	murmurSeed = 104729
	murmurC1   = 0x87c37b91114253d5
	murmurC2   = 0x4cf5ad432745937f
)

func hashOf(b []byte) (h valueHash) {
	h1, h2 := uint64(murmurSeed), uint64(murmurSeed)
	size := uint64(len(b))
	for ; len(b) >= 16; b = b[16:] {
		h1 ^= murmur1(binary.LittleEndian.Uint64(b))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= murmur2(binary.LittleEndian.Uint64(b[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	var tail [16]byte
	copy(tail[:], b)
	h1 ^= murmur1(binary.LittleEndian.Uint64(tail[:])) // mixing zero yields zero
	h2 ^= murmur2(binary.LittleEndian.Uint64(tail[8:]))
	h1 ^= size
	h2 ^= size
	h1 += h2
	h2 += h1
	h1, h2 = murmurEnd(h1), murmurEnd(h2)
	h1 += h2
	h2 += h1
	binary.BigEndian.PutUint64(h[:], h1)
	binary.BigEndian.PutUint64(h[8:], h2)
	return h
}

func murmur1(k uint64) uint64 { return bits.RotateLeft64(k*murmurC1, 31) * murmurC2 }

func murmur2(k uint64) uint64 { return bits.RotateLeft64(k*murmurC2, 33) * murmurC1 }

func murmurEnd(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
