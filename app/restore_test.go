package app

import (
	"log/slog"
	"testing"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// TestRestoreHoldsWritesBack: what a restore has taken in reaches the backend together with its position, when
// there is enough of it, when the store is complete, or when the task is taken away.
func TestRestoreHoldsWritesBack(t *testing.T) {
	read := func(next int64, done bool) []*kafka.Restored {
		return []*kafka.Restored{{TopicPartition: countsChangelog, Next: next, Done: done, Records: []record.Raw{
			{Key: []byte("a"), Value: []byte("old"), Timestamp: 1},
			{Key: []byte("b"), Value: []byte("gone"), Timestamp: 2},
			{Key: []byte("a"), Value: []byte("new"), Timestamp: 3},
			{Key: []byte("b")},
		}}}
	}
	apply := func(done, standby bool, limit int) (*restorer, *restoring, statestore.Backend) {
		backend := statestore.NewMemory()
		r, re := restoringCounts(t, backend)
		r.in, re.standby = &instance{log: slog.New(slog.DiscardHandler)}, standby
		r.known = map[*entry]*restoring{re.entry: re}
		if err := r.applyTask(re, read(7, done), limit); err != nil {
			t.Fatal(err)
		}
		return r, re, backend
	}
	holds := func(what string, b statestore.Backend, want bool) {
		t.Helper()
		p, known, err := b.Position("counts")
		if err != nil || known != want || known && p.Next != 7 {
			t.Errorf("%s: the position is %d, %t (%v), want it known: %t", what, p.Next, known, err, want)
		}
		e, err := b.Open("counts")
		if err != nil {
			t.Fatal(err)
		}
		row, ok, err := e.Get([]byte("a"))
		if err != nil || ok != want || ok && string(row[8:]) != "new" {
			t.Errorf("%s: the row is %q, %t (%v), want it there: %t", what, row, ok, err, want)
		}
		if row, ok, _ := e.Get([]byte("b")); ok {
			t.Errorf("%s: a row that was deleted is %q", what, row)
		}
	}
	r, _, b := apply(false, false, restoreBatch)
	holds("little of it", b, false)
	r.keepAll()
	holds("little of it, kept", b, true)
	_, _, b = apply(false, false, 1)
	holds("enough of it", b, true)
	_, _, b = apply(true, false, restoreBatch)
	holds("all of it", b, true)
	_, _, b = apply(false, true, restoreBatch)
	holds("a standby", b, true)
}
