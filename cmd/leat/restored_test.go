package main

import (
	"testing"
	"time"

	"github.com/leatstream/leat/app"
)

func TestRestored(t *testing.T) {
	var r restored
	begin := time.Unix(0, 0)
	at := func(ms int, instance int, task string, phase app.RestorePhase, records int64) {
		r.observe(instance, app.RestoreEvent{Task: task, Store: "counts", Phase: phase, Records: records}, begin.Add(time.Duration(ms)*time.Millisecond))
	}
	check := func(when string, records int64, spent time.Duration) {
		t.Helper()
		if n, d := r.figures(); n != records || d != spent {
			t.Errorf("%s: %d records in %v, want %d in %v", when, n, d, records, spent)
		}
	}
	check("before the first event", 0, 0)
	at(0, 0, "1_0", app.RestoreDone, 0)
	at(100, 0, "1_1", app.RestoreDone, 0)
	check("stores that were complete", 0, 0)
	at(200, 0, "1_2", app.RestoreStart, 0)
	at(210, 0, "1_3", app.RestoreStart, 0)
	at(250, 0, "1_2", app.RestoreBatch, 400)
	check("under way", 400, 50*time.Millisecond)
	at(260, 0, "1_2", app.RestoreDone, 500)
	at(300, 0, "1_3", app.RestoreDone, 40)
	check("done", 540, 100*time.Millisecond)
	at(1000, 1, "1_3", app.RestoreStart, 0)
	at(1005, 1, "1_3", app.RestoreBatch, 7)
	check("in another instance after a pause", 547, 105*time.Millisecond)
	at(1010, 1, "1_3", app.RestoreStart, 0)
	at(1020, 1, "1_3", app.RestoreDone, 40)
	check("broken off and begun anew", 587, 120*time.Millisecond)
}
