// Package partition chooses the partition of a key as Kafka's Java client does, so that records of one key
// meet in one partition whoever wrote them: state that was placed by another hash is lost at the next
// rebalance.
//
// It is pure and knows neither topics nor records. Records without a key are not its business: they go
// anywhere.
package partition

// Of returns the partition of a serialized key among n partitions. It panics if n is not positive.
func Of(key []byte, n int32) int32 {
	return (Murmur2(key) & 0x7fffffff) % n
}

// Murmur2 returns the 32-bit hash that Kafka's Java client takes of a key.
func Murmur2(key []byte) int32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h = h*m ^ k
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h ^= h >> 13
	h *= m
	return int32(h ^ h>>15)
}
