package assign

import (
	"cmp"
	"slices"
)

// replicate chooses the members that keep up each stateful task's state.
func (s *solver) replicate() {
	n := min(s.request.Standbys, MaxStandbys)
	counts := make([]int, len(s.members))
	for t, info := range s.tasks {
		if info.Stateful {
			s.standby[t] = s.choose(t, n, counts)
			for _, m := range s.standby[t] {
				counts[m]++
			}
		}
	}
	s.level(counts)
	for t, set := range s.standby {
		slices.Sort(set)
		if s.warmup[t] == nobody && !slices.Contains(set, s.awaited[t]) {
			s.awaited[t] = nobody // it was a standby, and does not catch up any more
		}
	}
}

// choose returns the standbys of a task: those that it has, unless others are better spread over the tags.
func (s *solver) choose(t, n int, counts []int) []int {
	host := s.target[t]
	// How well they can be spread must not depend on who has what, or standbys would move for ever between
	// choices that are equally good.
	plain := s.pick(t, n, func(a, b int) int { return cmp.Compare(a, b) })
	best := s.tags.cost(host, plain)
	var current []int
	for _, m := range s.keeps[t] {
		if s.eligible(t, m, current) {
			current = append(current, m)
		}
	}
	sticky := s.pick(t, n, func(a, b int) int {
		return cmp.Or(
			preferTrue(slices.Contains(current, a), slices.Contains(current, b)),
			preferTrue(s.owner[t] == a, s.owner[t] == b),
			preferTrue(s.lag(t, a) <= s.request.AcceptableLag, s.lag(t, b) <= s.request.AcceptableLag),
			cmp.Compare(counts[a]*s.capacity[b], counts[b]*s.capacity[a]),
			cmp.Compare(s.lag(t, a), s.lag(t, b)),
			cmp.Compare(a, b),
		)
	})
	if s.tags.cost(host, sticky) <= best {
		return sticky
	}
	return plain
}

// pick chooses up to n members for replicas of a task, one after another: the one that shares least with
// those before, then the first by compare.
func (s *solver) pick(t, n int, compare func(a, b int) int) []int {
	var set []int
	for range n {
		best := nobody
		var least int64
		for m := range s.members {
			if !s.eligible(t, m, set) {
				continue
			}
			cost := s.tags.beside(m, s.target[t], set)
			if best == nobody || cmp.Or(cmp.Compare(cost, least), compare(m, best)) < 0 {
				best, least = m, cost
			}
		}
		if best == nobody {
			break
		}
		set = append(set, best)
	}
	return set
}

// eligible reports whether a member can have a replica of a task beside those in set.
func (s *solver) eligible(t, m int, set []int) bool {
	p := s.process[m]
	if s.members[m].NoReplicas || p == s.process[s.target[t]] || s.warmup[t] != nobody && p == s.process[s.warmup[t]] {
		return false
	}
	return !slices.ContainsFunc(set, func(x int) bool { return s.process[x] == p })
}

// level moves standbys from members with many to members with few, by capacity, by way of others if it must
// be, as long as that helps. Each step makes the sum of the squares of the members' loads smaller, so it
// ends, and what it ends with it leaves alone.
func (s *solver) level(counts []int) {
	for again := true; again; {
		again = false
		full := s.order(func(a, b int) int { return cmp.Compare(counts[b]*s.capacity[a], counts[a]*s.capacity[b]) })
		for _, from := range full {
			for s.shift(from, counts) {
				again = true
			}
		}
	}
}

// step moves the standby of a task to a member; no task means no step.
type step struct{ task, from int }

// shift takes a standby from a member, on the shortest way on which that helps, and reports whether there is one.
func (s *solver) shift(from int, counts []int) bool {
	// What one standby less at a member gains, and one more costs, times the product of both capacities.
	helps := func(to int) bool {
		return (2*counts[from]-1)*s.capacity[to] > (2*counts[to]+1)*s.capacity[from]
	}
	reached := make([]step, len(s.members))
	for m := range reached {
		reached[m].task = nobody
	}
	used := make([]bool, len(s.tasks)) // the steps of one way are of different tasks
	some := false
	for to := range s.members {
		some = some || helps(to)
	}
	for ring := []int{from}; len(ring) > 0 && some; {
		ring = s.reach(from, ring, reached, used)
		best := nobody
		for _, to := range ring {
			if helps(to) && (best == nobody || (2*counts[to]+1)*s.capacity[best] < (2*counts[best]+1)*s.capacity[to]) {
				best = to
			}
		}
		if best == nobody {
			continue
		}
		counts[from]--
		counts[best]++
		for m := best; m != from; m = reached[m].from {
			set := s.standby[reached[m].task]
			set[slices.Index(set, reached[m].from)] = m
		}
		return true
	}
	return false
}

// reach adds to reached the members that a standby of the members in ring can be handed on to, where the
// standbys' places are as good by tags, and returns them.
func (s *solver) reach(from int, ring []int, reached []step, used []bool) []int {
	var next []int
	for _, u := range ring {
		found := make([]step, len(s.members))
		for m := range found {
			found[m].task = nobody
		}
		for t, set := range s.standby {
			i := slices.Index(set, u)
			if i < 0 || used[t] {
				continue
			}
			others := slices.Delete(slices.Clone(set), i, i+1)
			cost := s.tags.beside(u, s.target[t], others)
			for v := range s.members {
				if v == from || v == u || reached[v].task != nobody || !s.eligible(t, v, others) ||
					s.tags.beside(v, s.target[t], others) > cost {
					continue
				}
				if f := found[v].task; f == nobody || s.cheaper(t, f, u, v) {
					found[v] = step{task: t, from: u}
				}
			}
		}
		for v, f := range found {
			if f.task != nobody {
				reached[v] = f
				used[f.task] = true
				next = append(next, v)
			}
		}
	}
	return next
}

// cheaper reports whether handing on the standby of task a is better than that of task b: one that has only
// just been chosen loses nothing, one whose state the new member has costs nothing.
func (s *solver) cheaper(a, b, from, to int) bool {
	keptA, keptB := slices.Contains(s.keeps[a], from), slices.Contains(s.keeps[b], from)
	return cmp.Or(
		preferTrue(!keptA, !keptB),
		cmp.Compare(s.lag(a, to), s.lag(b, to)),
	) < 0
}
