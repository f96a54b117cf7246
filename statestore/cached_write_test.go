package statestore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortedRowsAreInTheOrderOfKeys(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		common := make([]byte, rng.IntN(12))
		letters := 1 + rng.IntN(3) // few, zero among them, so that heads are often equal
		var r sortedRows
		var want [][]byte
		for range rng.IntN(200) {
			key := bytes.Clone(common)
			for range rng.IntN(14) {
				key = append(key, byte(rng.IntN(letters)))
			}
			r.add(key, append([]byte("row of "), key...))
			want = append(want, key)
		}
		r.sort()
		slices.SortFunc(want, bytes.Compare)
		var got [][]byte
		for _, s := range r.order {
			key, row := r.at(s)
			if !bytes.Equal(row[len("row of "):], key) {
				t.Fatalf("seed %d: key %x has row %x", seed, key, row)
			}
			got = append(got, key)
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("seed %d: %x, want %x", seed, got, want)
		}
	}
}
