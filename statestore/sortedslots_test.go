package statestore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortedSlotsAreInTheOrderOfKeys(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		common := make([]byte, rng.IntN(12))
		letters := 1 + rng.IntN(3) // few, zero among them, so that heads are often equal
		var r sortedSlots[string, int]
		var want [][]byte
		for range rng.IntN(200) {
			key := bytes.Clone(common)
			for range rng.IntN(14) {
				key = append(key, byte(rng.IntN(letters)))
			}
			r.add(key, &slot[string, int]{key: string(key)})
			want = append(want, key)
		}
		r.sort()
		slices.SortFunc(want, bytes.Compare)
		var got [][]byte
		for i := range r.order {
			s := &r.order[i]
			if key := r.key(s); s.slot.key != string(key) {
				t.Fatalf("seed %d: key %x has slot %x", seed, key, s.slot.key)
			}
			got = append(got, r.key(s))
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("seed %d: %x, want %x", seed, got, want)
		}
	}
}
