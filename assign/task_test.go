package assign_test

import (
	"testing"

	"github.com/leatstream/leat/assign"
)

func TestTaskNames(t *testing.T) {
	for _, task := range []assign.Task{{}, {Subtopology: 0, Partition: 3}, {Subtopology: 12, Partition: 2147483647}} {
		got, err := assign.ParseTask(task.String())
		if err != nil || got != task {
			t.Errorf("ParseTask(%q) = %v, %v", task.String(), got, err)
		}
	}
	if got := (assign.Task{Subtopology: 0, Partition: 3}).String(); got != "0_3" {
		t.Errorf("String = %q, want 0_3", got)
	}
	for _, name := range []string{"", "0", "_", "0_", "_0", "0_3_1", "-1_0", "0_-1", "+0_3", "00_3", "0_03", "0_2147483648", "a_b", " 0_3"} {
		if got, err := assign.ParseTask(name); err == nil {
			t.Errorf("ParseTask(%q) = %v, want an error", name, got)
		}
	}
}

func FuzzParseTask(f *testing.F) {
	for _, name := range []string{"0_3", "12_2147483647", "00_3", "_"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if task, err := assign.ParseTask(name); err == nil && task.String() != name {
			t.Errorf("%q is read as %v", name, task)
		}
	})
}

func TestTaskOrder(t *testing.T) {
	sorted := []assign.Task{{Subtopology: 0, Partition: 2}, {Subtopology: 0, Partition: 10}, {Subtopology: 1, Partition: 0}}
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := a.Compare(b), sign(i-j); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }
