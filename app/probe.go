package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leatstream/leat/assign"
)

// probeTick is how often a member that is awaited looks whether it has caught up, and the least that anybody waits.
const probeTick = 250 * time.Millisecond

// prober makes the group rebalance though its members stay the same: when this member has caught up with tasks
// that are to move to it, when it leads and tasks wait for others to, and when it is a static member that
// has got its predecessor's assignment.
//
// Source: KIP-441 (probing rebalances), KIP-345 (static membership).
type prober struct {
	in   *instance
	wake chan struct{}

	mu sync.Mutex
	// led tells that this instance made the plan of the rebalance that is going on, probe that it asks for another.
	led, probe bool
	// due is when the next rebalance is due; zero if none is.
	due time.Time
	// awaited are the tasks that are to move here, told those that the group has been told of: what the leader
	// does not take for caught up then waits for its next probe.
	awaited []assign.Task
	told    map[assign.Task]bool
	// stale tells that the assignment was another process's.
	stale bool
}

func newProber(in *instance) *prober {
	return &prober{in: in, wake: make(chan struct{}, 1), told: make(map[assign.Task]bool)}
}

// planned notes that this instance, as the leader, has made a plan.
func (p *prober) planned(plan assign.Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.led, p.probe = true, plan.Probe
}

// assigned notes what the leader has told this instance.
func (p *prober) assigned(a assign.Assignment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = a.Awaited
	for id := range p.told {
		if !slices.Contains(a.Awaited, id) {
			delete(p.told, id)
		}
	}
	// A static member that was restarted gets the assignment as it was, without anybody having asked what state
	// it has. What has lost its state directory must tell; so must what keeps its state in memory.
	p.stale = a.Process != "" && a.Process != p.in.state.process
}

// complete notes that the rebalance is over.
func (p *prober) complete() {
	p.mu.Lock()
	switch {
	case p.stale:
		p.due = time.Now()
		p.in.log.Info("the group's assignment is that of a process before this one; asking for a new one")
	case p.led && p.probe:
		p.due = time.Now().Add(p.in.cfg.ProbingInterval)
		p.in.log.Info("tasks wait for members to catch up; the group rebalances again", "within", p.in.cfg.ProbingInterval.String())
	default:
		p.due = time.Time{}
	}
	p.led, p.probe, p.stale = false, false, false
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run is the prober's goroutine. It ends with ctx.
func (p *prober) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, ok := p.wait(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			continue
		case <-timer.C:
		}
		p.check()
	}
}

// wait returns how long there is nothing to look for; ok is false if there is nothing to come either.
func (p *prober) wait() (d time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.untold()) > 0 {
		return probeTick, true
	}
	return max(probeTick, time.Until(p.due)), !p.due.IsZero()
}

// untold returns the awaited tasks that the group has not been told of.
func (p *prober) untold() []assign.Task {
	var out []assign.Task
	for _, id := range p.awaited {
		if !p.told[id] {
			out = append(out, id)
		}
	}
	return out
}

// check asks for a rebalance if it is time.
func (p *prober) check() {
	m := p.in.group.member.Load()
	if m == nil {
		return // the next assignment comes after it
	}
	p.mu.Lock()
	untold := p.untold()
	due := !p.due.IsZero() && !time.Now().Before(p.due)
	p.mu.Unlock()
	caughtUp := len(untold) > 0 && p.in.standbys.caughtUp(untold)
	if !due && !caughtUp {
		return
	}
	p.mu.Lock()
	p.due = time.Time{}
	if caughtUp {
		for _, id := range untold {
			p.told[id] = true
		}
	}
	p.mu.Unlock()
	p.in.log.Info("asking for a rebalance", "caught_up", caughtUp)
	m.Rejoin()
}
