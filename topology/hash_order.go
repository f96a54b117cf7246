package topology

import "slices"

// hashOrder returns distinct strings in the order in which a hash map of Java's with so many buckets iterates
// over them, when they were inserted in the given order. Describe needs it because Kafka Streams prints sets.
func hashOrder(in []string, buckets int) []string {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b string) int { return bucket(a, buckets) - bucket(b, buckets) })
	return out
}

func bucket(s string, buckets int) int {
	h := int32(0)
	for i := range len(s) { // names are ASCII, where Java's UTF-16 units are bytes
		h = 31*h + int32(s[i])
	}
	return int(uint32(h)^uint32(h)>>16) & (buckets - 1)
}

// hashMapCapacity is the number of buckets of a map that grew to n entries: doubled from 16 whenever more than
// three quarters are full.
func hashMapCapacity(n int) int {
	buckets := 16
	for 4*n > 3*buckets {
		buckets *= 2
	}
	return buckets
}

// hashCopyCapacity is the number of buckets of a set that was made as a copy of n entries.
func hashCopyCapacity(n int) int {
	want := max(int(float32(n)/0.75)+1, 16)
	buckets := 16
	for buckets < want {
		buckets *= 2
	}
	return buckets
}
