package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

const (
	// stallLimit is the time after which a stall is a violation. It is far above what recovery takes, so that a
	// busy machine raises no false alarm.
	stallLimit = 5 * time.Minute
	// wholeLimit bounds the wait for a broker to be back. When it is over the run has come to nothing: it is the
	// brokers' affair and proves nothing against the application.
	wholeLimit = 8 * time.Minute
)

// chaos carries out a script.
type chaos struct {
	settings settings
	cluster  *cluster
	observer *observer
	restores *restores
	slots    []*slot
	say      func(format string, args ...any)

	// broker is held while a broker is not whole: one may fail at a time.
	broker sync.Mutex
	wg     sync.WaitGroup

	mu       sync.Mutex
	done     map[kind]int
	violated []string
	// void is why the run proves nothing.
	void   error
	ending bool
}

// violation notes that something is not as it must be.
func (c *chaos) violation(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.say("VIOLATION: %s", text)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violated = append(c.violated, text)
}

func (c *chaos) count(k kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[k]++
}

// died restarts an instance that has ended by itself, which it must not.
func (c *chaos) died(s *slot, why string) {
	c.mu.Lock()
	ending := c.ending
	c.mu.Unlock()
	if ending {
		return
	}
	c.violation("instance %d ended by itself: %s", s.number, why)
	time.Sleep(time.Second)
	if err := s.start(); err != nil {
		c.violation("instance %d: %v", s.number, err)
	}
}

// play runs the script to its end, and heals everything.
func (c *chaos) play(ctx context.Context, script []step) error {
	for i, s := range script {
		if err := c.await(ctx, s); err != nil {
			return err
		}
		c.say("fault %d of %d: %s", i+1, len(script), s.kind)
		c.wg.Go(func() { c.carryOut(ctx, s) })
		if i+1 < len(script) && script[i+1].overlap {
			continue
		}
		c.wg.Wait()
		if c.void != nil {
			return c.void
		}
	}
	c.wg.Wait()
	return errors.Join(c.void, ctx.Err())
}

// await waits until it is time for a step.
func (c *chaos) await(ctx context.Context, s step) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.after):
		return nil
	}
}

// measure measures a stall until it is over.
func (c *chaos) measure(ctx context.Context, k kind) *stall {
	c.count(k)
	s := c.observer.begin(k)
	c.wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.over:
		case <-time.After(stallLimit):
			c.observer.giveUp(s)
			c.violation("%s at %s: no output for some partitions %v later", k, s.at.Format(time.TimeOnly), stallLimit)
		}
	})
	return s
}

func (c *chaos) carryOut(ctx context.Context, s step) {
	switch s.kind {
	case brokerKill, brokerPause:
		c.failBroker(ctx, s)
		return
	case calm:
		c.measure(ctx, calm)
		return
	case grow:
		c.scale(ctx, s)
		return
	}
	slot := c.victim(s.pick)
	if slot == nil {
		c.say("no instance to hit")
		return
	}
	defer slot.busy.Unlock()
	c.say("  instance %d for %v", slot.number, s.down.Round(time.Millisecond))
	var stalled *stall
	switch s.kind {
	case kill, wipe:
		stalled = c.measure(ctx, s.kind)
		slot.kill()
		if s.kind == wipe {
			if err := slot.wipe(); err != nil {
				c.violation("delete the state of instance %d: %v", slot.number, err)
			}
		}
	case stop:
		stalled = c.measure(ctx, s.kind)
		if err := slot.stop(); err != nil {
			c.violation("%v", err)
		}
	case zombie:
		c.measure(ctx, s.kind)
		slot.signal(syscall.SIGSTOP)
		sleep(ctx, s.down)
		c.measure(ctx, wake)
		slot.signal(syscall.SIGCONT)
		return
	case cut:
		c.cut(ctx, slot, s)
		return
	}
	sleep(ctx, s.down)
	select {
	case <-stalled.over:
		c.measure(ctx, back)
	default: // it is back before the others have noticed
	}
	if err := slot.start(); err != nil {
		c.violation("start instance %d: %v", slot.number, err)
	}
}

// victim chooses an instance that runs and is not hit by another fault, and marks it as hit.
func (c *chaos) victim(pick uint32) *slot {
	var free []*slot
	for _, s := range c.slots {
		if s.inUse() && s.current() != nil && s.busy.TryLock() {
			free = append(free, s)
		}
	}
	if len(free) == 0 {
		return nil
	}
	chosen := int(pick) % len(free)
	for i, s := range free {
		if i != chosen {
			s.busy.Unlock()
		}
	}
	return free[chosen]
}

// cut disturbs an instance's connections in one of four ways.
func (c *chaos) cut(ctx context.Context, slot *slot, s step) {
	some := slot.proxies
	c.measure(ctx, cut)
	switch s.how % 4 {
	case 0:
		c.say("  all connections reset")
		for _, p := range some {
			p.cut()
		}
		return
	case 1:
		c.say("  all connections refused")
		for _, p := range some {
			p.refuse()
		}
	case 2:
		c.say("  connections to one broker refused")
		some = some[int(s.pick>>8)%len(some):][:1]
		some[0].refuse()
	case 3:
		c.say("  all connections held")
		for _, p := range some {
			p.hold()
		}
	}
	sleep(ctx, s.down)
	for _, p := range some {
		p.allow()
	}
}

// scale adds an instance, or removes one when there are as many as there may be.
func (c *chaos) scale(ctx context.Context, s step) {
	for _, slot := range c.slots {
		if !slot.inUse() && slot.busy.TryLock() {
			defer slot.busy.Unlock()
			c.say("  instance %d added", slot.number)
			c.measure(ctx, grow)
			if err := slot.start(); err != nil {
				c.violation("start instance %d: %v", slot.number, err)
			}
			return
		}
	}
	slot := c.victim(s.pick)
	if slot == nil {
		return
	}
	defer slot.busy.Unlock()
	c.say("  instance %d removed", slot.number)
	c.measure(ctx, shrink)
	slot.retire()
	if err := slot.stop(); err != nil {
		c.violation("%v", err)
	}
}

// failBroker kills or pauses a broker, and waits until the cluster is whole again.
func (c *chaos) failBroker(ctx context.Context, s step) {
	c.broker.Lock()
	defer c.broker.Unlock()
	if !c.whole(ctx) {
		return
	}
	node := int(s.pick)%brokers + 1
	c.say("  broker %d for %v", node, s.down.Round(time.Millisecond))
	c.measure(ctx, s.kind)
	fail, heal := c.cluster.Kill, c.cluster.Restart
	if s.kind == brokerPause {
		fail, heal = c.cluster.Pause, c.cluster.Continue
	}
	if err := fail(node); err != nil {
		c.violation("%v", err)
		return
	}
	sleep(ctx, s.down)
	if err := heal(node); err != nil {
		c.violation("%v", err)
		return
	}
	c.whole(ctx)
}

// whole waits until all replicas are in sync, and tells whether they are.
func (c *chaos) whole(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	err := c.cluster.awaitWhole(limited)
	if err != nil && ctx.Err() == nil {
		c.mu.Lock()
		c.void = fmt.Errorf("the brokers do not recover within %v, so the run proves nothing: %w", wholeLimit, err)
		c.mu.Unlock()
	}
	return err == nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
