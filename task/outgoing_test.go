package task_test

import (
	"encoding/binary"
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/task"
)

// TestTakenOutputsStay: what was taken can be written elsewhere while the task processes on, and its memory serves the
// task again afterwards.
func TestTakenOutputsStay(t *testing.T) {
	m := newMachine(t, statestore.NewMemory(), counting)
	var out [3]task.Outgoing
	step := func(i int, key int64) {
		m.fetch(key, batch)
		m.next += batch
		m.task.Offer(0, m.recs, m.next)
		for m.task.Step(0) {
		}
		if n := m.task.Unsent(); n != batch {
			t.Fatalf("%d outputs are unsent, want %d", n, batch)
		}
		if m.task.Take(&out[i]); m.task.Unsent() != 0 {
			t.Fatal("outputs were taken, and are still there")
		}
	}
	check := func(i int, key, count int64) {
		t.Helper()
		if n := len(out[i].Outputs); n != batch {
			t.Fatalf("%d outputs, want %d", n, batch)
		}
		for j, o := range out[i].Outputs {
			k, v := int64(binary.BigEndian.Uint64(o.Key)), int64(binary.BigEndian.Uint64(o.Value))
			if k != key+int64(j) || v != count {
				t.Fatalf("output %d is %d: %d, want %d: %d", j, k, v, key+int64(j), count)
			}
		}
	}
	for round := range int64(4) {
		for i := range out {
			step(i, int64(i)*batch)
		}
		for i := range out {
			check(i, int64(i)*batch, round+1)
		}
	}
	m.commit()
	i := 0
	if n := testing.AllocsPerRun(100, func() { step(i%len(out), 0); i++ }); n != 0 {
		t.Errorf("%v allocations a batch, want none", n)
	}
}
