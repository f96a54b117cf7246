package assign

// Request is all that a plan depends on. The order of its slices does not matter.
type Request struct {
	// Tasks are the tasks of the application, each once.
	Tasks []TaskInfo
	// Members are the group's members, each id once; at least one.
	Members []Member
}

// TaskInfo describes a task to place.
type TaskInfo struct {
	ID Task
	// Stateful says that the task has a store with a changelog, so that moving it costs a restore.
	// Stateful tasks are balanced among themselves first.
	Stateful bool
}

// Member is one member of the group: an instance of the application.
type Member struct {
	// ID is the group's member id. It breaks ties, so it must be the same on every leader.
	ID string
	// Capacity is the member's number of workers; its share of the tasks is in proportion. Anything below
	// one counts as one, anything above [MaxCapacity] as that.
	Capacity int
	// Generation is the group generation in which the member came to own its tasks. When two members claim
	// one task, the later generation is right.
	Generation int32
	// Owned are the tasks that the member runs as active now. Tasks that are not in the request are ignored.
	Owned []Task
	// Positions tells how much state of a task the member holds: the sum of the next offsets of its
	// changelog partitions. Only tasks of which it holds state have an entry, whether it runs them or not;
	// negative positions are ignored.
	Positions map[Task]int64
}

// MaxCapacity bounds [Member.Capacity]: it comes from other members, and shares must not overflow.
const MaxCapacity = 1 << 16

// Plan says who runs what. Every member of the request has an entry in both maps, and every task is in
// exactly one slice of the two maps. Slices are in task order.
type Plan struct {
	// Active are the tasks that the member runs from this generation on: it owns them already, or nobody does.
	Active map[string][]Task
	// Later are the tasks meant for the member that another member still owns. They are given to nobody in
	// this generation: first the owner must give them up (they are missing from its Active), then the group
	// rebalances again, and that plan has them in Active.
	Later map[string][]Task
}

// Settled reports whether the plan needs no further rebalance to take full effect.
func (p Plan) Settled() bool {
	for _, tasks := range p.Later {
		if len(tasks) > 0 {
			return false
		}
	}
	return true
}
