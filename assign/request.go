package assign

// Request is all that a plan depends on. The order of its slices does not matter.
type Request struct {
	// Tasks are the tasks of the application, each once.
	Tasks []TaskInfo
	// Members are the group's members, each id once; at least one.
	Members []Member

	// Standbys is how many replicas of each stateful task's state are kept up beside the active task, as far
	// as there are other processes. At most [MaxStandbys].
	Standbys int
	// RackTags are the names of tags by which a task's replicas are spread, the most important one first.
	// Members without a value count as having one in common.
	RackTags []string
	// MaxWarmups is how many replicas, over all tasks, may catch up at a time so that a task can move there.
	// With none, stateful tasks move at once, and are restored before they go on.
	MaxWarmups int
	// AcceptableLag is by how many change records a member's state of a task may lag behind for the member to
	// count as caught up with it.
	AcceptableLag int64
}

// TaskInfo describes a task to place.
type TaskInfo struct {
	ID Task
	// Stateful says that the task has a store with a changelog, so that moving it costs a restore.
	// Stateful tasks are balanced among themselves first.
	Stateful bool
	// End is the sum of the end offsets of the task's changelog partitions, what a caught-up member's position
	// comes to. Where it is less than a member's position, as zero is, that position stands for it.
	End int64
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

	// Process names the process that the member is, in the sense of its state directory: two replicas of a
	// task are never on one. Empty means one of its own.
	Process string
	// Running are those of Owned that process records: their state is complete, whatever Positions says.
	Running []Task
	// Standby and Warmup are the tasks whose state the member keeps up, as the plan before said.
	Standby, Warmup []Task
	// Tags say where the member is, as in "zone": "a".
	Tags map[string]string
	// NoReplicas says that the member cannot keep up the state of tasks that it does not run: its version of
	// the code is from before that. Tasks move there at once.
	NoReplicas bool
}

const (
	// MaxCapacity bounds [Member.Capacity]: it comes from other members, and shares must not overflow.
	MaxCapacity = 1 << 16
	// MaxStandbys bounds [Request.Standbys].
	MaxStandbys = 32
	// MaxTags bounds the tags that count: see [Request.RackTags].
	MaxTags = 5
)

// Plan says who runs what. Every member of the request has an entry in all maps, and every task is in
// exactly one slice of Active and Later. Slices are in task order.
type Plan struct {
	// Active are the tasks that the member runs from this generation on: it owns them already, or nobody does.
	Active map[string][]Task
	// Later are the tasks meant for the member that another member still owns. They are given to nobody in
	// this generation: first the owner must give them up (they are missing from its Active), then the group
	// rebalances again, and that plan has them in Active.
	Later map[string][]Task
	// Standby are the tasks whose state the member keeps up without running them: they are active elsewhere.
	// A task that the member runs still, and gives up now, may be among them.
	Standby map[string][]Task
	// Warmup are tasks whose state the member catches up with, so that they can move there. They come on top
	// of the standbys.
	Warmup map[string][]Task
	// Awaited are the tasks that move to the member once it has caught up: its Warmup, and some of its Standby.
	// The members that run them until then are not those that a balanced plan would choose.
	Awaited map[string][]Task
	// Probe says that tasks are awaited, by members that have caught up or will: the group should rebalance
	// again before long, even if its members stay the same. Source: KIP-441.
	Probe bool
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
