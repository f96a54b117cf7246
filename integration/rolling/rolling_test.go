package main

import (
	"testing"
	"time"

	"github.com/leatstream/leat/app"
)

func TestLongestPause(t *testing.T) {
	at := func(ms ...int) (out []time.Time) {
		for _, m := range ms {
			out = append(out, time.UnixMilli(int64(m)))
		}
		return out
	}
	for _, c := range []struct {
		times []time.Time
		want  int
	}{
		{at(90, 110, 150, 190, 210), 40},
		{at(50, 120, 130, 190, 210), 70}, // the pause had begun before
		{at(90, 110, 210), 90},           // it lasts
		{at(90, 110, 120), 80},
		{nil, 100},
	} {
		if got := longest(c.times, at(100)[0], at(200)[0]); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%v: %v, want %d ms", c.times, got, c.want)
		}
	}
}

func TestRestored(t *testing.T) {
	var r restored
	for _, e := range []app.RestoreEvent{
		{Task: "0_0", Store: "s", Phase: app.RestoreStart},
		{Task: "0_0", Store: "s", Phase: app.RestoreBatch, Records: 5},
		{Task: "0_1", Store: "s", Phase: app.RestoreDone, Position: 7},
		{Task: "0_0", Store: "s", Phase: app.RestoreDone, Records: 8},
		{Task: "0_2", Store: "s", Phase: app.RestoreStart, Position: 3},
		{Task: "0_2", Store: "s", Phase: app.RestoreDone, Records: 2},
		{Task: "0_3", Store: "s", Phase: app.UpdateStart},
	} {
		r.event(1, &e)
	}
	r.event(2, &app.RestoreEvent{Task: "0_2", Store: "s", Phase: app.RestoreStart}) // begins, and is taken away
	r.event(3, &app.RestoreEvent{Task: "0_2", Store: "s", Phase: app.RestoreDone})
	if tail, scratch, none, records := r.take(); tail != 1 || scratch != 2 || none != 2 || records != 10 {
		t.Errorf("tail %d, scratch %d, none %d, records %d", tail, scratch, none, records)
	}
	if tail, scratch, none, records := r.take(); tail+scratch+none+int(records) != 0 {
		t.Error("counted twice")
	}
}

func TestFlags(t *testing.T) {
	if _, err := parse([]string{"-member", "leave", "-bytes", "5e6"}); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"-member", "guest"}, {"-guarantee", "maybe"}, {"-instances", "0"}, {"more"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
