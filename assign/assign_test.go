package assign_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/assign"
)

// counts returns how many stateful and stateless tasks each member of the request has in a target.
func counts(r assign.Request, target map[assign.Task]string) (stateful, total map[string]int) {
	stateful, total = map[string]int{}, map[string]int{}
	for _, t := range r.Tasks {
		total[target[t.ID]]++
		if t.Stateful {
			stateful[target[t.ID]]++
		}
	}
	return stateful, total
}

// targetOf merges both halves of a plan and checks that each task is there exactly once.
func targetOf(r assign.Request, p assign.Plan) (map[assign.Task]string, error) {
	out := map[assign.Task]string{}
	for _, half := range []map[string][]assign.Task{p.Active, p.Later} {
		if len(half) != len(r.Members) {
			return nil, fmt.Errorf("plan names %d members, the request has %d", len(half), len(r.Members))
		}
		for m, tasks := range half {
			if !slices.IsSortedFunc(tasks, assign.Task.Compare) {
				return nil, fmt.Errorf("tasks of %s are not sorted: %v", m, tasks)
			}
			for _, t := range tasks {
				if o, ok := out[t]; ok {
					return nil, fmt.Errorf("task %v is given to %s and %s", t, o, m)
				}
				out[t] = m
			}
		}
	}
	for _, t := range r.Tasks {
		if _, ok := out[t.ID]; !ok {
			return nil, fmt.Errorf("task %v is given to nobody", t.ID)
		}
	}
	if len(out) != len(r.Tasks) {
		return nil, fmt.Errorf("plan has %d tasks, request %d", len(out), len(r.Tasks))
	}
	return out, nil
}

// within checks |count - tasks*capacity/sum| < 1 in integers.
func within(count, tasks, capacity, sum int) bool {
	d := count*sum - tasks*capacity
	return -sum < d && d < sum
}

func checkBalance(r assign.Request, target map[assign.Task]string) error {
	sum, nStateful := 0, 0
	for _, m := range r.Members {
		sum += max(m.Capacity, 1)
	}
	for _, t := range r.Tasks {
		if t.Stateful {
			nStateful++
		}
	}
	stateful, total := counts(r, target)
	for _, m := range r.Members {
		if !within(stateful[m.ID], nStateful, max(m.Capacity, 1), sum) {
			return fmt.Errorf("member %s (capacity %d of %d) has %d of %d stateful tasks", m.ID, m.Capacity, sum, stateful[m.ID], nStateful)
		}
		if !within(total[m.ID], len(r.Tasks), max(m.Capacity, 1), sum) {
			return fmt.Errorf("member %s (capacity %d of %d) has %d of %d tasks", m.ID, m.Capacity, sum, total[m.ID], len(r.Tasks))
		}
	}
	return nil
}

func owners(r assign.Request) map[assign.Task]string {
	out := map[assign.Task]string{}
	for _, m := range r.Members {
		for _, t := range m.Owned {
			out[t] = m.ID
		}
	}
	return out
}

func checkCooperative(r assign.Request, p assign.Plan) error {
	owner := owners(r)
	for m, tasks := range p.Active {
		for _, t := range tasks {
			if o := owner[t]; o != "" && o != m {
				return fmt.Errorf("task %v is active on %s while %s owns it", t, m, o)
			}
		}
	}
	for m, tasks := range p.Later {
		for _, t := range tasks {
			if o := owner[t]; o == "" || o == m {
				return fmt.Errorf("task %v is withheld from %s although %q owns it", t, m, o)
			}
		}
	}
	return nil
}

func shuffled(rng *rand.Rand, r assign.Request) assign.Request {
	out := r
	out.Tasks, out.Members = slices.Clone(r.Tasks), slices.Clone(r.Members)
	rng.Shuffle(len(out.Tasks), func(i, j int) { out.Tasks[i], out.Tasks[j] = out.Tasks[j], out.Tasks[i] })
	rng.Shuffle(len(out.Members), func(i, j int) { out.Members[i], out.Members[j] = out.Members[j], out.Members[i] })
	for i := range out.Members {
		owned := slices.Clone(out.Members[i].Owned)
		rng.Shuffle(len(owned), func(i, j int) { owned[i], owned[j] = owned[j], owned[i] })
		out.Members[i].Owned = owned
	}
	return out
}

// group is a simulated group: its members follow the plans that they get.
type group struct {
	tasks []assign.TaskInfo
	alive map[string]*assign.Member
	gone  map[string]*assign.Member // stopped members keep their state
	clock int64
}

func (g *group) request() assign.Request {
	r := assign.Request{Tasks: g.tasks}
	for _, m := range g.alive {
		r.Members = append(r.Members, *m)
	}
	return r
}

// follow lets members take over what a plan gives them, drop what it does not, and hold state of what they run.
func (g *group) follow(p assign.Plan) {
	g.clock += 1000
	for id, m := range g.alive {
		m.Owned = p.Active[id]
		positions := map[assign.Task]int64{}
		maps.Copy(positions, m.Positions)
		for _, t := range m.Owned {
			positions[t] = g.clock
		}
		m.Positions = positions
	}
}

func (g *group) step(rng *rand.Rand, next *int) {
	switch n := rng.IntN(3); {
	case len(g.alive) < 50 && (n == 0 || len(g.alive) == 0):
		*next++
		id := fmt.Sprintf("m%04d-%d", rng.IntN(10000), *next)
		g.alive[id] = &assign.Member{ID: id, Capacity: 1 + rng.IntN(4)}
	case n == 1 && len(g.alive) > 1:
		id := pick(rng, g.alive)
		g.gone[id] = g.alive[id]
		g.gone[id].Owned = nil
		delete(g.alive, id)
	case len(g.gone) > 0 && len(g.alive) < 50:
		id := pick(rng, g.gone)
		g.alive[id] = g.gone[id]
		delete(g.gone, id)
	}
}

func pick(rng *rand.Rand, members map[string]*assign.Member) string {
	ids := make([]string, 0, len(members))
	for id := range members {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids[rng.IntN(len(ids))]
}

func randomTasks(rng *rand.Rand, most int) []assign.TaskInfo {
	var out []assign.TaskInfo
	for sub := 0; len(out) < most; sub++ {
		stateful := rng.IntN(2) == 0
		for p := range 1 + rng.IntN(most) {
			if len(out) < most {
				out = append(out, assign.TaskInfo{ID: assign.Task{Subtopology: sub, Partition: int32(p)}, Stateful: stateful})
			}
		}
	}
	return out
}

// TestSimulatedGroups lets members come, go and come back, and checks every plan on the way.
func TestSimulatedGroups(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		g := &group{tasks: randomTasks(rng, 1+rng.IntN(500)), alive: map[string]*assign.Member{}, gone: map[string]*assign.Member{}}
		next := 0
		for event := range 25 {
			for range 1 + rng.IntN(5) {
				g.step(rng, &next)
			}
			if len(g.alive) == 0 {
				continue
			}
			if err := g.settle(rng); err != nil {
				t.Fatalf("seed %d, event %d: %v", seed, event, err)
			}
		}
	}
}

// settle rebalances until the plan is settled, which must take two rounds, and a third must change nothing.
func (g *group) settle(rng *rand.Rand) error {
	var first map[assign.Task]string
	for round := range 3 {
		r := g.request()
		p, err := assign.Tasks(r)
		if err != nil {
			return err
		}
		target, err := targetOf(r, p)
		if err != nil {
			return err
		}
		if err := checkBalance(r, target); err != nil {
			return err
		}
		if err := checkCooperative(r, p); err != nil {
			return err
		}
		again, err := assign.Tasks(shuffled(rng, r))
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(p, again) {
			return fmt.Errorf("plan depends on the order of the input:\n%s", cmp.Diff(p, again))
		}
		switch round {
		case 0:
			first = target
		case 1:
			if !p.Settled() {
				return fmt.Errorf("second rebalance is not the last: %v", p.Later)
			}
			// What the first plan left in place must stay in place while the rest moves.
			owner := owners(r)
			for task, m := range target {
				if owner[task] != "" && m != first[task] {
					return fmt.Errorf("task %v: first plan %s, second %s, owned by %s", task, first[task], m, owner[task])
				}
			}
		case 2:
			for task, m := range owners(r) {
				if target[task] != m {
					return fmt.Errorf("no convergence: task %v moves from %s to %s", task, m, target[task])
				}
			}
		}
		g.follow(p)
	}
	return nil
}

func TestRequestRefused(t *testing.T) {
	one := []assign.TaskInfo{{ID: assign.Task{Subtopology: 0, Partition: 1}}}
	for want, r := range map[string]assign.Request{
		"assign tasks: the group has no member": {Tasks: one},
		`assign tasks: member "a" comes twice`:  {Members: []assign.Member{{ID: "a"}, {ID: "a"}}},
		"assign tasks: task 0_1 comes twice":    {Tasks: append(one, one...), Members: []assign.Member{{ID: "a"}}},
	} {
		if _, err := assign.Tasks(r); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
