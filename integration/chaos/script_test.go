package main

import (
	"slices"
	"testing"
	"time"
)

// TestScripted: a seed gives one script, another seed another, and each has the faults that were asked for.
func TestScripted(t *testing.T) {
	c := counts{kills: 30, stops: 5, zombies: 10, brokerKills: 10, brokerPauses: 2, cuts: 10, wipes: 5, scales: 6, calm: 5}
	first := scripted(7, c, 20*time.Minute)
	if !slices.Equal(first, scripted(7, c, 20*time.Minute)) {
		t.Error("the same seed gave another script")
	}
	if slices.Equal(first, scripted(8, c, 20*time.Minute)) {
		t.Error("another seed gave the same script")
	}
	if len(first) != c.total() {
		t.Errorf("%d steps, want %d", len(first), c.total())
	}
	got := map[kind]int{}
	for _, s := range first {
		got[s.kind]++
		if s.kind == zombie && s.down <= max(sessionTimeout, transactionTimeout) {
			t.Errorf("a zombie sleeps for %v, no longer than the timeouts", s.down)
		}
	}
	if got[kill] != 30 || got[brokerKill] != 10 || got[zombie] != 10 || got[wipe] != 5 {
		t.Errorf("steps %v", got)
	}
}
