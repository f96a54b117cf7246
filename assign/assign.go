// Package assign decides which member of the group runs which task.
//
// It is pure and deterministic: the plan is a function of the [Request] alone, whatever the order of its
// slices, so every leader makes the same plan, byte for byte, of the same group.
//
// # Invariants
//
//   - Each task has exactly one active member, in this generation or, while its owner gives it up, in the next.
//   - Balance: a member's number of stateful tasks, and its number of tasks in all, differ by less than one
//     from its share by capacity (with equal capacities: by at most one between members).
//   - Sticky: no balanced plan moves fewer of the stateful tasks that are owned; and with equal capacities
//     none of those moves fewer stateless ones. A task that must find a new member goes to the one with most
//     of its state, as far as balance allows.
//   - Convergence: once members own what a plan gave them, the next plan changes nothing.
//   - Cooperative: no task is given to a member while another one owns it.
//   - Warm: with warm-ups, a stateful task goes to no member that has to restore much while another one has
//     its state. It stays with that one, out of balance if need be, until a replica has caught up.
//   - Replicas: no process has two of a task. Standbys spread over tags first; then they stay where they are,
//     as far as balance by capacity allows.
//
// Userdata of the group protocol is the other half of the package: [Subscription] goes from a member to the
// leader, [Assignment] from the leader to a member. Any client that may join the group can send anything,
// so decoding is bounded and never panics.
//
// It refuses requests without members, and those that name a task or a member twice.
//
// Source: KIP-429 (cooperative rebalancing), KIP-441 (assignment by state).
package assign

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tasks returns the plan for a request. It fails if there is no member, or if a task or member comes twice.
// Neither the request nor what it refers to is changed or kept.
func Tasks(r Request) (Plan, error) {
	s, err := newSolver(r)
	if err != nil {
		return Plan{}, fmt.Errorf("assign tasks: %w", err)
	}
	stateful, total := s.shares()
	s.place(s.class(true), stateful)
	stateless := make([]int, len(total))
	for m := range total {
		stateless[m] = total[m] - stateful[m]
	}
	s.place(s.class(false), stateless)
	s.hold()
	s.replicate()
	return s.plan(), nil
}

const nobody = -1

// solver holds a request with tasks and members sorted and named by their index.
type solver struct {
	tasks    []TaskInfo
	members  []Member
	capacity []int
	owner    []int      // task → the member that owns it, or nobody
	disputed []bool     // task → several members claim it with equal right
	holders  [][]holder // task → members with some of its state, most first
	target   []int      // task → the member that shall run it
	// spread counts the tasks meant for a member by subtopology.
	spread []map[int]int

	request Request
	process []int   // member → its process's number
	running []int   // task → the owner, if it processes the task
	keeps   [][]int // task → the members that keep it up as a standby
	warming [][]int // task → the members that keep it up as a warm-up
	warmup  []int   // task → the member that shall warm up, or nobody
	awaited []int   // task → the member that it shall move to, or nobody
	standby [][]int // task → the members that shall keep it up, sorted
	load    []int   // member → the number of tasks meant for it
	probe   bool    // some task would be elsewhere if its member had caught up
	tags    tags
}

type holder struct {
	position int64
	member   int
}

func newSolver(r Request) (*solver, error) {
	if len(r.Members) == 0 {
		return nil, errors.New("the group has no member")
	}
	s := &solver{
		tasks:    slices.Clone(r.Tasks),
		members:  slices.Clone(r.Members),
		capacity: make([]int, len(r.Members)),
		owner:    make([]int, len(r.Tasks)),
		disputed: make([]bool, len(r.Tasks)),
		holders:  make([][]holder, len(r.Tasks)),
		target:   make([]int, len(r.Tasks)),
		spread:   make([]map[int]int, len(r.Members)),
		request:  r,
		process:  make([]int, len(r.Members)),
		running:  make([]int, len(r.Tasks)),
		keeps:    make([][]int, len(r.Tasks)),
		warming:  make([][]int, len(r.Tasks)),
		warmup:   make([]int, len(r.Tasks)),
		awaited:  make([]int, len(r.Tasks)),
		standby:  make([][]int, len(r.Tasks)),
		load:     make([]int, len(r.Members)),
	}
	slices.SortFunc(s.tasks, func(a, b TaskInfo) int { return a.ID.Compare(b.ID) })
	slices.SortFunc(s.members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	index := make(map[Task]int, len(s.tasks))
	for t, info := range s.tasks {
		if _, ok := index[info.ID]; ok {
			return nil, fmt.Errorf("task %v comes twice", info.ID)
		}
		index[info.ID] = t
		s.owner[t], s.target[t], s.running[t], s.warmup[t], s.awaited[t] = nobody, nobody, nobody, nobody, nobody
	}
	processes := make(map[string]int, len(s.members))
	for m, member := range s.members {
		if m > 0 && s.members[m-1].ID == member.ID {
			return nil, fmt.Errorf("member %q comes twice", member.ID)
		}
		s.capacity[m] = min(max(member.Capacity, 1), MaxCapacity)
		s.spread[m] = make(map[int]int)
		for _, id := range member.Owned {
			if t, ok := index[id]; ok {
				s.claim(t, m)
			}
		}
		for id, position := range member.Positions {
			if t, ok := index[id]; ok && position >= 0 {
				s.holders[t] = append(s.holders[t], holder{position, m})
			}
		}
		for _, list := range [...]struct {
			ids []Task
			of  [][]int
		}{{member.Standby, s.keeps}, {member.Warmup, s.warming}} {
			for _, id := range list.ids {
				if t, ok := index[id]; ok && !slices.Contains(list.of[t], m) {
					list.of[t] = append(list.of[t], m)
				}
			}
		}
		name := member.Process
		if name == "" {
			name = "\x00" + member.ID
		}
		if _, ok := processes[name]; !ok {
			processes[name] = len(processes)
		}
		s.process[m] = processes[name]
	}
	for t := range s.holders {
		slices.SortFunc(s.holders[t], compareHolders)
		if s.disputed[t] {
			s.owner[t] = nobody
		}
	}
	for m, member := range s.members {
		for _, id := range member.Running {
			if t, ok := index[id]; ok && s.owner[t] == m {
				s.running[t] = m
			}
		}
	}
	s.tags = newTags(r.RackTags, s.members)
	return s, nil
}

// claim notes that m says it owns t. A member that missed a generation still claims what others were given
// meanwhile; the later generation is right. With equal generations nobody can tell, so the task counts as
// owned by nobody and is given to nobody until all claimants have dropped it.
func (s *solver) claim(t, m int) {
	o := s.owner[t]
	switch {
	case o == m: // listed twice
	case o == nobody || s.members[m].Generation > s.members[o].Generation:
		s.owner[t], s.disputed[t] = m, false
	case s.members[m].Generation == s.members[o].Generation:
		s.disputed[t] = true
	}
}

// class returns the tasks that are stateful, or those that are not.
func (s *solver) class(stateful bool) []int {
	var out []int
	for t, info := range s.tasks {
		if info.Stateful == stateful {
			out = append(out, t)
		}
	}
	return out
}

func (s *solver) plan() Plan {
	empty := func() map[string][]Task {
		out := make(map[string][]Task, len(s.members))
		for _, m := range s.members {
			out[m.ID] = nil
		}
		return out
	}
	p := Plan{Active: empty(), Later: empty(), Standby: empty(), Warmup: empty(), Awaited: empty(), Probe: s.probe}
	for t, info := range s.tasks {
		add := func(to map[string][]Task, m int) {
			if m != nobody {
				id := s.members[m].ID
				to[id] = append(to[id], info.ID)
			}
		}
		if free := s.owner[t] == nobody && !s.disputed[t]; free || s.owner[t] == s.target[t] {
			add(p.Active, s.target[t])
		} else {
			add(p.Later, s.target[t])
		}
		add(p.Warmup, s.warmup[t])
		add(p.Awaited, s.awaited[t])
		for _, m := range s.standby[t] {
			add(p.Standby, m)
		}
	}
	return p
}
