package assign

import (
	"cmp"
	"slices"
)

// share is what a number of tasks comes to per member by capacity: members get floor or, where that is not
// exact, floor+1, and extra of them must get the one more.
type share struct {
	floor []int
	exact []bool
	extra int
}

func (s *solver) share(tasks int) share {
	var sum int
	for _, c := range s.capacity {
		sum += c
	}
	out := share{floor: make([]int, len(s.capacity)), exact: make([]bool, len(s.capacity)), extra: tasks}
	for m, c := range s.capacity {
		out.floor[m] = tasks * c / sum
		out.exact[m] = tasks*c%sum == 0
		out.extra -= out.floor[m]
	}
	return out
}

// shares returns how many stateful tasks, and how many tasks in all, each member shall run. Placing then
// only has to fill these numbers. Which members get one more than their floor decides how many tasks have
// to move, so those come first that own (or hold the state of) more than their floor anyway.
func (s *solver) shares() (stateful, total []int) {
	var nStateful int
	ownStateful, ownStateless, home := make([]int, len(s.members)), make([]int, len(s.members)), make([]int, len(s.members))
	for t, info := range s.tasks {
		o := s.owner[t]
		switch {
		case info.Stateful && o != nobody:
			ownStateful[o]++
			home[o]++
		case info.Stateful && len(s.holders[t]) > 0:
			home[s.holders[t][0].member]++
		case !info.Stateful && o != nobody:
			ownStateless[o]++
		}
		if info.Stateful {
			nStateful++
		}
	}
	sf, all := s.share(nStateful), s.share(len(s.tasks))

	// One more stateful task takes the place of a stateless one, unless the member also gets one more task
	// in all. squeeze ranks what that costs in stateless moves: nothing (there is room), one that one more
	// task in all would save, one that is lost anyway.
	squeeze := func(m int) int { return min(max(ownStateless[m]-(all.floor[m]-sf.floor[m]), -1), 1) }
	order := s.order(func(a, b int) int {
		return cmp.Or(
			preferTrue(ownStateful[a] > sf.floor[a], ownStateful[b] > sf.floor[b]),
			preferTrue(home[a] > sf.floor[a], home[b] > sf.floor[b]),
			cmp.Compare(squeeze(a), squeeze(b)),
		)
	})
	stateful = slices.Clone(sf.floor)
	// With unequal capacities a member whose floor is the same for stateful and for all tasks can take one
	// more stateful task only if it gets one more in all, and there are only so many of those.
	tight := all.extra
	for _, m := range order {
		if sf.extra == 0 {
			break
		}
		if sf.exact[m] {
			continue
		}
		if sf.floor[m] == all.floor[m] {
			if tight == 0 {
				continue
			}
			tight--
		}
		stateful[m]++
		sf.extra--
	}

	order = s.order(func(a, b int) int {
		return cmp.Or(
			preferTrue(stateful[a] > all.floor[a], stateful[b] > all.floor[b]),
			preferTrue(ownStateless[a] > all.floor[a]-stateful[a], ownStateless[b] > all.floor[b]-stateful[b]),
		)
	})
	total = slices.Clone(all.floor)
	for _, m := range order {
		if all.extra > 0 && !all.exact[m] {
			total[m]++
			all.extra--
		}
	}
	return stateful, total
}

// order returns the members sorted by less-first compare, ties by member id.
func (s *solver) order(compare func(a, b int) int) []int {
	out := make([]int, len(s.members))
	for m := range out {
		out[m] = m
	}
	slices.SortStableFunc(out, compare)
	return out
}

func preferTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}
