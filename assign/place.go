package assign

import (
	"cmp"
	"slices"
)

// place chooses a member for each of the given tasks, so that member m ends with room[m] of them. room must
// add up to the number of tasks.
//
//  1. Everything stays where it is owned.
//  2. Tasks without owner go to where most of their state is, as far as there is room.
//  3. Members with too many tasks give up those whose state members with room hold most completely,
//  4. then any, from the subtopology of which they have most;
//  5. what is left goes where its subtopology is least present.
func (s *solver) place(tasks, room []int) {
	free := slices.Clone(room) // negative: the member has that many too many
	put := func(t, m int) {
		if o := s.target[t]; o != nobody {
			free[o]++
			s.spread[o][s.tasks[t].ID.Subtopology]--
		}
		s.target[t] = m
		free[m]--
		s.spread[m][s.tasks[t].ID.Subtopology]++
	}
	for _, t := range tasks {
		if o := s.owner[t]; o != nobody {
			put(t, o)
		}
	}
	for _, c := range s.candidates(tasks, func(t int) bool { return s.target[t] == nobody }) {
		if s.target[c.task] == nobody && free[c.member] > 0 {
			put(c.task, c.member)
		}
	}
	excess := func(t int) bool { return s.target[t] != nobody && free[s.target[t]] < 0 }
	for _, c := range s.candidates(tasks, excess) {
		if excess(c.task) && free[c.member] > 0 {
			put(c.task, c.member)
		}
	}
	for m := range free {
		for free[m] < 0 {
			t := s.surplus(tasks, m)
			put(t, s.taker(t, free))
		}
	}
	for _, t := range tasks {
		if s.target[t] == nobody {
			put(t, s.taker(t, free))
		}
	}
}

type candidate struct {
	task, member int
	gap          int64
}

// candidates pairs the tasks for which want holds with the members that have some of their state, best
// first: by how far the member is behind the task's best holder. (Positions of different tasks cannot be
// compared as they stand; a running task's owner is its best holder, and near the end of its changelog.)
func (s *solver) candidates(tasks []int, want func(t int) bool) []candidate {
	var out []candidate
	for _, t := range tasks {
		if want(t) {
			for _, h := range s.holders[t] {
				out = append(out, candidate{t, h.member, s.holders[t][0].position - h.position})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(a.gap, b.gap) })
	return out
}

func compareHolders(a, b holder) int {
	return cmp.Or(cmp.Compare(b.position, a.position), cmp.Compare(a.member, b.member))
}

// surplus returns the task that member m gives up next: the last one of the subtopology of which it has most.
func (s *solver) surplus(tasks []int, m int) int {
	best := nobody
	for _, t := range tasks {
		if s.target[t] != m {
			continue
		}
		if best == nobody || s.spread[m][s.tasks[t].ID.Subtopology] >= s.spread[m][s.tasks[best].ID.Subtopology] {
			best = t
		}
	}
	return best
}

// taker returns the member with room that has least, by capacity, of the task's subtopology; then the one
// with most room by capacity; then the first by id.
func (s *solver) taker(t int, free []int) int {
	sub := s.tasks[t].ID.Subtopology
	best := nobody
	for m := range free {
		if free[m] <= 0 {
			continue
		}
		if best == nobody || cmp.Or(
			cmp.Compare(s.spread[m][sub]*s.capacity[best], s.spread[best][sub]*s.capacity[m]),
			cmp.Compare(free[best]*s.capacity[m], free[m]*s.capacity[best]),
		) < 0 {
			best = m
		}
	}
	return best
}
