package assign

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Task names a unit of work: one partition of every source topic of one subtopology. Tasks are ordered by
// subtopology, then partition.
type Task struct {
	Subtopology int
	Partition   int32
}

// String returns the task's name as it stands in logs, metrics and directories: "0_3".
func (t Task) String() string {
	return strconv.Itoa(t.Subtopology) + "_" + strconv.FormatInt(int64(t.Partition), 10)
}

// Compare returns -1, 0 or +1 as t sorts before, equal to or after u.
func (t Task) Compare(u Task) int {
	if c := cmp.Compare(t.Subtopology, u.Subtopology); c != 0 {
		return c
	}
	return cmp.Compare(t.Partition, u.Partition)
}

var errTaskName = errors.New(`want "<subtopology>_<partition>" in decimal without leading zeros, as in "0_3"`)

// ParseTask returns the task of a name that [Task.String] made. Every other spelling ("00_3", "+0_3") is
// refused, so that two names never stand for one task.
func ParseTask(name string) (Task, error) {
	sub, part, _ := strings.Cut(name, "_")
	s, err1 := strconv.ParseInt(sub, 10, 32)
	p, err2 := strconv.ParseInt(part, 10, 32)
	t := Task{Subtopology: int(s), Partition: int32(p)}
	if err1 != nil || err2 != nil || s < 0 || p < 0 || t.String() != name {
		return Task{}, fmt.Errorf("parse task %q: %w", name, errTaskName)
	}
	return t, nil
}
