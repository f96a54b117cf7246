package assign_test

import (
	"fmt"
	"testing"

	"github.com/leatstream/leat/assign"
)

// BenchmarkTasks plans 1000 tasks for 100 members, of which every fifth has just joined, while every member
// holds state of a tenth of all tasks, with standbys and warm-ups.
func BenchmarkTasks(b *testing.B) {
	var r assign.Request
	for i := range 1000 {
		r.Tasks = append(r.Tasks, assign.TaskInfo{ID: task(i/50, int32(i%50)), Stateful: i/50%4 > 0})
	}
	for m := range 100 {
		member := assign.Member{ID: fmt.Sprintf("m%03d", m), Capacity: 1 + m%3, Positions: map[assign.Task]int64{}}
		for i, t := range r.Tasks {
			if m%5 > 0 && i%100 == m {
				member.Owned = append(member.Owned, t.ID)
			}
			if (i*31+m)%10 == 0 {
				member.Positions[t.ID] = int64(i * m)
			}
		}
		r.Members = append(r.Members, member)
	}
	r.Standbys, r.MaxWarmups, r.AcceptableLag = 1, 2, 1000
	for b.Loop() {
		if _, err := assign.Tasks(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(r.Tasks)*b.N)/b.Elapsed().Seconds(), "tasks/s")
}
