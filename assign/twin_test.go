package assign_test

import (
	"math/rand/v2"
	"testing"

	"github.com/leatstream/leat/assign"
)

// fewestMoves tries every assignment of the request's tasks and returns the fewest owned stateful tasks that
// a balanced one moves, and the fewest owned stateless tasks that one with as few stateful moves does.
func fewestMoves(r assign.Request) (stateful, stateless int) {
	owner := owners(r)
	target := map[assign.Task]string{}
	stateful, stateless = len(r.Tasks)+1, 0
	var try func(i, sf, sl int)
	try = func(i, sf, sl int) {
		if sf > stateful || sf == stateful && sl >= stateless {
			return
		}
		if i == len(r.Tasks) {
			if checkBalance(r, target) == nil {
				stateful, stateless = sf, sl
			}
			return
		}
		task := r.Tasks[i]
		for _, m := range r.Members {
			target[task.ID] = m.ID
			move := owner[task.ID] != "" && owner[task.ID] != m.ID
			switch {
			case !move:
				try(i+1, sf, sl)
			case task.Stateful:
				try(i+1, sf+1, sl)
			default:
				try(i+1, sf, sl+1)
			}
		}
	}
	try(0, 0, 0)
	return stateful, stateless
}

func moves(r assign.Request, target map[assign.Task]string) (stateful, stateless int) {
	owner := owners(r)
	for _, t := range r.Tasks {
		if owner[t.ID] != "" && owner[t.ID] != target[t.ID] {
			if t.Stateful {
				stateful++
			} else {
				stateless++
			}
		}
	}
	return stateful, stateless
}

// TestFewestMoves compares plans with the best of all assignments on small groups.
func TestFewestMoves(t *testing.T) {
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		r := assign.Request{Tasks: randomTasks(rng, 1+rng.IntN(7))}
		equal := rng.IntN(2) == 0
		for m := range 1 + rng.IntN(4) {
			capacity := 1
			if !equal {
				capacity += rng.IntN(3)
			}
			r.Members = append(r.Members, assign.Member{ID: string(rune('a' + m)), Capacity: capacity})
		}
		for _, task := range r.Tasks {
			if m := rng.IntN(len(r.Members) + 1); m < len(r.Members) {
				r.Members[m].Owned = append(r.Members[m].Owned, task.ID)
			}
		}
		p, err := assign.Tasks(r)
		if err != nil {
			t.Fatal(err)
		}
		target, err := targetOf(r, p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := checkBalance(r, target); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sf, sl := moves(r, target)
		wantSF, wantSL := fewestMoves(r)
		if sf != wantSF || equal && sl != wantSL {
			t.Errorf("seed %d (equal capacities: %v): plan moves %d stateful and %d stateless tasks, the best %d and %d\n%+v\n%v",
				seed, equal, sf, sl, wantSF, wantSL, r, target)
		}
	}
}
