package assign

import (
	"cmp"
	"slices"
)

// hold keeps stateful tasks from moving to members that would have to restore much of them, as long as others
// have their state: it leaves or puts them there, and has the members that they shall move to warm up.
//
// What is missing least warms up first, so that something moves soon; replicas that are warming already go
// on before others begin.
//
// Source: KIP-441.
func (s *solver) hold() {
	left := s.request.MaxWarmups
	if left <= 0 {
		return
	}
	type move struct {
		task int
		new  bool
		lag  int64
	}
	var moves []move
	for _, m := range s.target {
		s.load[m]++
	}
	for t, info := range s.tasks {
		if !info.Stateful {
			continue
		}
		to := s.target[t]
		host := s.host(t, to)
		if host == to {
			continue
		}
		s.target[t], s.awaited[t], s.probe = host, to, true
		s.load[to]--
		s.load[host]++
		if s.request.Standbys > 0 && slices.Contains(s.keeps[t], to) {
			continue // it catches up as a standby
		}
		moves = append(moves, move{task: t, new: !slices.Contains(s.warming[t], to), lag: s.lag(t, to)})
	}
	slices.SortStableFunc(moves, func(a, b move) int {
		return cmp.Or(preferTrue(!a.new, !b.new), cmp.Compare(a.lag, b.lag))
	})
	for _, m := range moves[:min(left, len(moves))] {
		s.warmup[m.task] = s.awaited[m.task]
	}
	for _, m := range moves[min(left, len(moves)):] { // a later plan's
		s.awaited[m.task] = nobody
	}
}

// host returns the member that runs a task which is meant for a member: itself if it has caught up, or if
// nobody else has so much more of the state that it is worth waiting for.
func (s *solver) host(t, to int) int {
	if s.caughtUp(t, to) || s.members[to].NoReplicas {
		return to
	}
	owner := s.owner[t]
	if owner != nobody && s.running[t] == owner {
		return s.unless(to, owner)
	}
	best := nobody
	for _, h := range s.holders[t] {
		m := h.member
		if s.caughtUp(t, m) && (best == nobody || cmp.Or(
			preferTrue(m == owner, best == owner),
			cmp.Compare(s.load[m]*s.capacity[best], s.load[best]*s.capacity[m]),
		) < 0) {
			best = m
		}
	}
	switch {
	case best != nobody:
	case owner != nobody: // it is restoring, and as good as any
		best = owner
	case len(s.holders[t]) == 0:
		return to
	default:
		if best = s.holders[t][0].member; s.lag(t, to)-s.lag(t, best) <= s.request.AcceptableLag {
			return to
		}
	}
	return s.unless(to, best)
}

// unless returns host, or to if they are one process, which cannot have the task and warm up for it.
func (s *solver) unless(to, host int) int {
	if s.process[to] == s.process[host] {
		return to
	}
	return host
}

// caughtUp reports whether a member could run a task without restoring much. A member that restores a task
// is behind like any other.
func (s *solver) caughtUp(t, m int) bool {
	return s.running[t] == m || s.lag(t, m) <= s.request.AcceptableLag
}

// lag returns how many change records a member lacks. Where the ends of changelogs are not known, the member
// that has most lacks nothing.
func (s *solver) lag(t, m int) int64 {
	end := max(s.tasks[t].End, 0)
	if len(s.holders[t]) > 0 {
		end = max(end, s.holders[t][0].position)
	}
	return end - s.position(t, m)
}

// position returns how much state of a task a member has.
func (s *solver) position(t, m int) int64 {
	for _, h := range s.holders[t] {
		if h.member == m {
			return h.position
		}
	}
	return 0
}
