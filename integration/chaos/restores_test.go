package main

import (
	"testing"
	"time"

	"github.com/leatstream/leat/app"
)

// TestRestores tells each reason for a restore from the beginning from the others.
func TestRestores(t *testing.T) {
	const old = -2 * durableAfter
	start := func(position int64) *app.RestoreEvent {
		return &app.RestoreEvent{Task: "1_0", Store: "s", Phase: app.RestoreStart, Position: position, End: 10}
	}
	done := func(records int64) *app.RestoreEvent {
		return &app.RestoreEvent{Task: "1_0", Store: "s", Phase: app.RestoreDone, Position: 10, End: 10, Records: records}
	}
	copied := func(phase app.RestorePhase, position int64) *app.RestoreEvent {
		return &app.RestoreEvent{Task: "1_0", Store: "s", Phase: phase, Position: position, End: 10, Records: position}
	}
	held := func(r *restores, since time.Duration) { r.had[1]["1_0/s"] = time.Now().Add(since) }
	tests := []struct {
		name string
		run  func(r *restores)
		want restoreCounts
	}{
		{"first", func(r *restores) { r.seen(1, start(0)); r.seen(1, done(7)) }, restoreCounts{first: 1, scratchRecords: 7}},
		{"tail", func(r *restores) { held(r, old); r.killed(1); r.seen(1, start(5)); r.seen(1, done(5)) }, restoreCounts{tail: 1, tailRecords: 5}},
		{"complete", func(r *restores) { held(r, old); r.seen(1, done(0)) }, restoreCounts{complete: 1}},
		{"wiped", func(r *restores) { held(r, old); r.killed(1); r.wiped(1); r.seen(1, start(0)) }, restoreCounts{wipedAway: 1}},
		{"young", func(r *restores) { held(r, -time.Second); r.killed(1); r.seen(1, start(0)) }, restoreCounts{young: 1}},
		{"rebuilt", func(r *restores) { held(r, old); r.killed(1); r.seen(1, start(0)); r.seen(1, done(7)) }, restoreCounts{rebuilt: 1, scratchRecords: 7}},
		{"standby", func(r *restores) {
			r.seen(1, copied(app.UpdateStart, 0))
			r.seen(1, copied(app.UpdateBatch, 9))
			r.seen(1, copied(app.UpdatePromoted, 9))
			r.seen(1, start(9))
			r.seen(1, done(1))
		}, restoreCounts{copiesScratch: 1, promoted: 1, tail: 1, tailRecords: 1}},
		{"standby rebuilt", func(r *restores) {
			held(r, old)
			r.seen(1, copied(app.UpdateStart, 0))
			r.seen(1, copied(app.UpdateBatch, 9))
		}, restoreCounts{copiesScratch: 1, rebuilt: 1}},
		{"taken over before anything was there", func(r *restores) {
			r.started(2)
			r.seen(1, &app.RestoreEvent{Task: "1_0", Store: "s", Phase: app.RestoreDone})
			held(r, old)
			r.seen(2, done(7))
			r.seen(1, start(0))
			r.seen(1, done(7))
		}, restoreCounts{complete: 1, first: 1, scratchRecords: 14}},
		{"taken over by one that found the changelog empty, too", func(r *restores) {
			r.started(2)
			held(r, old)
			r.seen(2, &app.RestoreEvent{Task: "1_0", Store: "s", Phase: app.RestoreDone})
			r.seen(1, start(0))
			r.seen(1, done(7))
		}, restoreCounts{complete: 1, first: 1, scratchRecords: 7}},
		{"never committed", func(r *restores) { held(r, old); r.seen(1, start(0)); r.seen(1, done(0)) }, restoreCounts{complete: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRestores()
			r.started(1)
			test.run(r)
			got, wrong := r.counts()
			if got != test.want || len(wrong) != test.want.rebuilt {
				t.Errorf("got %+v with %q, want %+v", got, wrong, test.want)
			}
		})
	}
}
