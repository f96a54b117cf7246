package assign_test

import (
	"fmt"

	"github.com/leatstream/leat/assign"
)

// A second member joins: the first one gives up half of its tasks, and only when it has done so are they
// given away.
func ExampleTasks() {
	r := assign.Request{
		Tasks: []assign.TaskInfo{
			{ID: assign.Task{Subtopology: 0, Partition: 0}, Stateful: true},
			{ID: assign.Task{Subtopology: 0, Partition: 1}, Stateful: true},
		},
		Members: []assign.Member{
			{ID: "a", Capacity: 1, Owned: []assign.Task{{Subtopology: 0, Partition: 0}, {Subtopology: 0, Partition: 1}}},
			{ID: "b", Capacity: 1},
		},
	}
	first, err := assign.Tasks(r)
	fmt.Println(err, first.Active["a"], first.Active["b"], first.Later["b"], first.Settled())

	r.Members[0].Owned = first.Active["a"]
	second, err := assign.Tasks(r)
	fmt.Println(err, second.Active["a"], second.Active["b"], second.Later["b"], second.Settled())
	// Output:
	// <nil> [0_0] [] [0_1] false
	// <nil> [0_0] [0_1] [] true
}
