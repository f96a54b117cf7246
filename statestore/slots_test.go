package statestore

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Hashes of few bits make every probe run into others.
func TestHashIndexAgainstAMap(t *testing.T) {
	for _, bits := range []int{1, 3, 8, 32} {
		rng := rand.New(rand.NewPCG(1, uint64(bits)))
		var x hashIndex
		model := map[uint32]uint32{} // number to hash
		for step := range 20_000 {
			number := rng.Uint32N(300)
			switch hash, ok := model[number]; {
			case ok && rng.IntN(2) == 0:
				x.remove(hash, number)
				delete(model, number)
			case !ok:
				hash = rng.Uint32() << (32 - bits)
				x.add(hash, number)
				model[number] = hash
			}
			if step == 15_000 {
				x.clear()
				clear(model)
			}
			if x.n != len(model) {
				t.Fatalf("%d bits, step %d: %d numbers, want %d", bits, step, x.n, len(model))
			}
			if step%97 != 0 {
				continue
			}
			for number := range uint32(300) {
				hash, want := model[number]
				if !want {
					hash = rng.Uint32() << (32 - bits)
				}
				if got := hasNumber(&x, hash, number); got != want {
					t.Fatalf("%d bits, step %d: number %d found: %v, want %v", bits, step, number, got, want)
				}
			}
		}
	}
}

func hasNumber(x *hashIndex, hash, number uint32) bool {
	n, place := x.probe(hash)
	for n != noNumber && n != number {
		n, place = x.again(hash, place)
	}
	return n == number
}

func TestSlotsAgainstAMap(t *testing.T) {
	type key struct {
		name string
		time int64
	}
	rng := rand.New(rand.NewPCG(2, 2))
	s := newSlots[key, int]()
	model := map[key]int{}
	for step := range 50_000 {
		k := key{string(rune('a' + rng.IntN(20))), rng.Int64N(40)}
		hash := s.hash(k)
		i, ok := s.find(k, hash)
		want, has := model[k]
		if ok != has || ok && s.at(i).value != want {
			t.Fatalf("step %d: %v is found: %v, want %v with %d", step, k, ok, has, want)
		}
		switch {
		case !ok:
			s.at(s.add(k, hash)).value = step
			model[k] = step
		case rng.IntN(3) == 0:
			s.remove(i)
			delete(model, k)
		}
		if s.len() != len(model) {
			t.Fatalf("step %d: %d keys, want %d", step, s.len(), len(model))
		}
	}
	if most := uint32(20 * 40); s.end > most {
		t.Errorf("%d slots were made for %d keys: removed ones are not used again", s.end, most)
	}
	s.clear()
	for k := range model {
		if _, ok := s.find(k, s.hash(k)); ok {
			t.Fatalf("%v is found after clear", k)
		}
	}
}

// A NaN is found by nobody, but has to leave when its turn comes.
func TestSlotsRemoveKeysThatDoNotEqualThemselves(t *testing.T) {
	s := newSlots[float64, int]()
	for range 40 {
		s.add(math.NaN(), s.hash(math.NaN()))
	}
	s.add(1, s.hash(1))
	for i := range uint32(40) {
		s.remove(i)
	}
	if i, ok := s.find(1, s.hash(1)); s.len() != 1 || !ok || s.at(i).key != 1 {
		t.Errorf("%d keys are left, and 1 is among them: %v", s.len(), ok)
	}
}
