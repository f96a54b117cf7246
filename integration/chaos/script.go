package main

import (
	"math/rand/v2"
	"time"
)

// kind is a kind of fault. Its text is what the table says.
type kind string

const (
	kill        kind = "application killed"
	stop        kind = "application stopped in order"
	zombie      kind = "zombie: application paused"
	wake        kind = "zombie: awake again"
	brokerKill  kind = "broker killed"
	brokerPause kind = "broker paused"
	cut         kind = "connections cut"
	wipe        kind = "application killed, state deleted"
	grow        kind = "application added"
	shrink      kind = "application removed"
	back        kind = "application back"
	calm        kind = "no fault"
	overlapping kind = "faults at the same time"
)

// kinds is the order of the table's rows.
var kinds = []kind{calm, kill, wipe, stop, back, zombie, wake, grow, shrink, cut, brokerKill, brokerPause, overlapping}

// step is one fault of a script.
type step struct {
	kind kind
	// pick chooses the victim among those that there are.
	pick uint32
	// how chooses between variants.
	how uint32
	// down is how long the fault lasts.
	down time.Duration
	// after is the wait from the end of the step before, once its effects are over; if overlap is set from its
	// beginning.
	after   time.Duration
	overlap bool
}

// scripted draws a script from a seed. The order, the times, the victims and the variants are all in it; what the
// processes make of the time is theirs.
func scripted(seed uint64, c counts, duration time.Duration) []step {
	r := rand.New(rand.NewPCG(seed, 0x6c656174))
	var steps []step
	add := func(k kind, n int) {
		for range n {
			steps = append(steps, step{kind: k})
		}
	}
	add(kill, c.kills)
	add(stop, c.stops)
	add(zombie, c.zombies)
	add(brokerKill, c.brokerKills)
	add(brokerPause, c.brokerPauses)
	add(cut, c.cuts)
	add(wipe, c.wipes)
	add(grow, c.scales) // or shrink, as there are processes
	add(calm, c.calm)
	r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	// What is left of each step's share of the time after an average fault.
	gap := duration/time.Duration(max(1, len(steps))) - 8*time.Second
	gap = min(max(gap, 500*time.Millisecond), 10*time.Second)
	for i := range steps {
		s := &steps[i]
		s.pick, s.how = r.Uint32(), r.Uint32()
		s.after = gap/2 + between(r, 0, gap)
		s.down = downtime(r, s.kind)
		if i > 0 && s.kind != calm && steps[i-1].kind != calm && r.IntN(6) == 0 {
			s.overlap, s.after = true, between(r, 0, 4*time.Second)
		}
	}
	return steps
}

// downtime draws how long a fault lasts.
func downtime(r *rand.Rand, k kind) time.Duration {
	switch k {
	case kill, wipe, stop:
		if r.IntN(3) > 0 { // as a supervisor would start it again
			return between(r, 0, time.Second)
		}
		return between(r, 0, sessionTimeout*3/2)
	case zombie: // beyond both timeouts, by less and by more
		return max(sessionTimeout, transactionTimeout) + between(r, 2*time.Second, 10*time.Second)
	case brokerKill:
		return between(r, 500*time.Millisecond, 15*time.Second)
	case brokerPause:
		return between(r, 5*time.Second, 15*time.Second)
	case cut: // shorter and longer than the session
		return between(r, 0, sessionTimeout*3/2)
	default:
		return 0
	}
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(max(1, high-low))))
}
