package assign

import "slices"

// tags hold the members' values of the tags that replicas are spread by, and what it costs to have two
// replicas in one place.
type tags struct {
	values [][]int // by member, then by tag
	weight []int64 // by tag: two replicas with a tag in common weigh more than with all later ones
}

func newTags(names []string, members []Member) tags {
	names = names[:min(len(names), MaxTags)]
	out := tags{values: make([][]int, len(members)), weight: make([]int64, len(names))}
	// A set of replicas has at most this many pairs, so later tags together weigh less than one earlier pair.
	const base = (MaxStandbys+1)*(MaxStandbys+2)/2 + 1
	w := int64(1)
	for i := range slices.Backward(names) {
		out.weight[i] = w
		w *= base
	}
	for i, name := range names {
		numbers := make(map[string]int)
		for m := range members {
			v := members[m].Tags[name]
			if _, ok := numbers[v]; !ok {
				numbers[v] = len(numbers)
			}
			if i == 0 {
				out.values[m] = make([]int, len(names))
			}
			out.values[m][i] = numbers[v]
		}
	}
	return out
}

// pair returns what it costs to have replicas on both members.
func (g *tags) pair(a, b int) int64 {
	var cost int64
	for i, w := range g.weight {
		if g.values[a][i] == g.values[b][i] {
			cost += w
		}
	}
	return cost
}

// beside returns what it costs to have one more replica, beside those on host and the members of set.
func (g *tags) beside(m, host int, set []int) int64 {
	if len(g.weight) == 0 {
		return 0
	}
	cost := g.pair(m, host)
	for _, x := range set {
		cost += g.pair(m, x)
	}
	return cost
}

// cost of replicas on host and all members of set.
func (g *tags) cost(host int, set []int) int64 {
	var cost int64
	for i, m := range set {
		cost += g.beside(m, host, set[:i])
	}
	return cost
}
