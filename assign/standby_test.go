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

// fleet is a simulated group whose members also keep up state: of what they run and of what they are given
// as standbys and warm-ups. Changelogs grow from plan to plan.
type fleet struct {
	request assign.Request // without members
	alive   map[string]*assign.Member
	gone    map[string]*assign.Member
	// fast members restore any task within one round.
	fast bool
}

const catchUp = 40_000 // what a replica reads in a round

func newFleet(rng *rand.Rand) *fleet {
	f := &fleet{alive: map[string]*assign.Member{}, gone: map[string]*assign.Member{}, fast: rng.IntN(2) == 0}
	f.request = assign.Request{
		Tasks: randomTasks(rng, 1+rng.IntN(60)), Standbys: rng.IntN(4), MaxWarmups: rng.IntN(4), AcceptableLag: 1000,
	}
	for i := range f.request.Tasks {
		f.request.Tasks[i].End = rng.Int64N(100_000)
	}
	switch rng.IntN(3) {
	case 0:
		f.request.RackTags = []string{"zone"}
	case 1:
		f.request.RackTags = []string{"zone", "host"}
	}
	return f
}

func (f *fleet) now() assign.Request {
	r := f.request
	r.Members = nil
	for _, id := range slices.Sorted(maps.Keys(f.alive)) {
		r.Members = append(r.Members, *f.alive[id])
	}
	return r
}

func (f *fleet) join(rng *rand.Rand, number int, capacity int) {
	id := fmt.Sprintf("m%02d", number)
	f.alive[id] = &assign.Member{
		ID: id, Capacity: capacity, Process: "process of " + id, Positions: map[assign.Task]int64{},
		Tags: map[string]string{"zone": fmt.Sprint(rng.IntN(3)), "host": fmt.Sprint(rng.IntN(5))},
	}
}

func (f *fleet) leave(id string) {
	m := f.alive[id]
	m.Owned, m.Running, m.Standby, m.Warmup = nil, nil, nil, nil
	f.gone[id] = m
	delete(f.alive, id)
}

// follow does what a plan says and lets a round pass.
func (f *fleet) follow(p assign.Plan) {
	ends := map[assign.Task]int64{}
	for i := range f.request.Tasks {
		t := &f.request.Tasks[i]
		t.End += 100
		ends[t.ID] = t.End
	}
	stateful := func(t assign.Task) bool {
		return slices.ContainsFunc(f.request.Tasks, func(i assign.TaskInfo) bool { return i.ID == t && i.Stateful })
	}
	for id, m := range f.alive {
		was := slices.Clone(m.Running)
		m.Owned, m.Running = p.Active[id], nil
		m.Standby, m.Warmup = p.Standby[id], p.Warmup[id]
		positions := maps.Clone(m.Positions)
		for _, t := range slices.Concat(m.Owned, m.Standby, m.Warmup) {
			if stateful(t) {
				positions[t] = min(positions[t]+catchUp, ends[t])
				if f.fast {
					positions[t] = ends[t]
				}
			}
		}
		for _, t := range m.Owned {
			if !stateful(t) || slices.Contains(was, t) || positions[t] == ends[t] {
				m.Running = append(m.Running, t)
				if stateful(t) {
					positions[t] = ends[t] - 50 // as of the last commit
				}
			}
		}
		m.Positions = positions
	}
}

// check reports what is wrong with a plan, whatever the group's state.
func (f *fleet) check(rng *rand.Rand, r assign.Request, p assign.Plan) error {
	host, err := targetOf(r, p)
	if err != nil {
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
	warmups := 0
	replicas := map[assign.Task][]string{}
	for id := range f.alive {
		for _, t := range slices.Concat(p.Standby[id], p.Warmup[id]) {
			replicas[t] = append(replicas[t], id)
			if host[t] == id {
				return fmt.Errorf("task %v has a replica on %s, beside the active one", t, id)
			}
		}
		for _, t := range p.Awaited[id] {
			if !slices.Contains(replicas[t], id) || !p.Probe {
				return fmt.Errorf("task %v is awaited by %s, which does not keep it, or without a probe", t, id)
			}
		}
		for _, t := range p.Warmup[id] {
			if !slices.Contains(p.Awaited[id], t) {
				return fmt.Errorf("task %v warms up on %s but is not awaited", t, id)
			}
		}
		warmups += len(p.Warmup[id])
	}
	if warmups > r.MaxWarmups {
		return fmt.Errorf("%d warm-ups, at most %d allowed", warmups, r.MaxWarmups)
	}
	for _, info := range r.Tasks {
		set := replicas[info.ID]
		if slices.Sort(set); len(slices.Compact(slices.Clone(set))) != len(set) {
			return fmt.Errorf("task %v has two replicas on one member: %v", info.ID, set)
		}
		want := 0
		if info.Stateful {
			warm := 0
			for id := range f.alive {
				if slices.Contains(p.Warmup[id], info.ID) {
					warm++
				}
			}
			want = warm + min(r.Standbys, len(f.alive)-1-warm)
		}
		if len(set) != want {
			return fmt.Errorf("task %v has replicas on %v, want %d", info.ID, set, want)
		}
		if err := f.checkWarm(r, info, host[info.ID]); err != nil {
			return err
		}
	}
	return nil
}

// checkWarm: with warm-ups no task goes to a member that is far behind while another one is not.
func (f *fleet) checkWarm(r assign.Request, info assign.TaskInfo, host string) error {
	if r.MaxWarmups == 0 || !info.Stateful || f.caughtUp(r, info, f.alive[host]) {
		return nil
	}
	for id, m := range f.alive {
		if f.caughtUp(r, info, m) {
			return fmt.Errorf("task %v goes to %s at %d of %d, but %s has caught up", info.ID, host, f.alive[host].Positions[info.ID], info.End, id)
		}
	}
	return nil
}

func (f *fleet) caughtUp(r assign.Request, info assign.TaskInfo, m *assign.Member) bool {
	return slices.Contains(m.Running, info.ID) || info.End-m.Positions[info.ID] <= r.AcceptableLag
}

// settle rebalances until nothing changes any more and checks what the group ends with. It must not take more
// rounds than warming up so many at a time needs.
func (f *fleet) settle(rng *rand.Rand) error {
	limit := 6
	if f.request.MaxWarmups > 0 {
		limit += 5 * (len(f.request.Tasks)/f.request.MaxWarmups + 1)
	}
	for range limit {
		r := f.now()
		p, err := assign.Tasks(r)
		if err != nil {
			return err
		}
		if err := f.check(rng, r, p); err != nil {
			return err
		}
		if !f.follows(p) || !p.Settled() || p.Probe {
			f.follow(p)
			continue
		}
		host, _ := targetOf(r, p)
		if err := checkBalance(r, host); err != nil {
			return err
		}
		return f.checkStandbys(r, p, host)
	}
	return fmt.Errorf("no end after %d rounds", limit)
}

// follows reports whether the members do already what a plan says.
func (f *fleet) follows(p assign.Plan) bool {
	for id, m := range f.alive {
		if !slices.Equal(m.Owned, p.Active[id]) || !slices.Equal(m.Standby, p.Standby[id]) || !slices.Equal(m.Warmup, p.Warmup[id]) {
			return false
		}
	}
	return true
}

// checkStandbys: without tags and with equal capacities members have equally many standbys; with tags no two
// replicas share a zone as long as there are others.
func (f *fleet) checkStandbys(r assign.Request, p assign.Plan, host map[assign.Task]string) error {
	equal := true
	var counts []int
	for _, m := range r.Members {
		equal = equal && m.Capacity == r.Members[0].Capacity
		counts = append(counts, len(p.Standby[m.ID]))
	}
	if equal && len(r.RackTags) == 0 && slices.Max(counts)-slices.Min(counts) > 1 {
		return fmt.Errorf("unequal numbers of standbys: %v", counts)
	}
	if len(r.RackTags) == 0 {
		return nil
	}
	zones := map[string]bool{}
	for _, m := range r.Members {
		zones[m.Tags["zone"]] = true
	}
	for t, h := range host {
		used := map[string]bool{f.alive[h].Tags["zone"]: true}
		n := 1
		for id, m := range f.alive {
			if slices.Contains(p.Standby[id], t) {
				used[m.Tags["zone"]] = true
				n++
			}
		}
		if want := min(n, len(zones)); len(used) != want {
			return fmt.Errorf("task %v: %d replicas in %d zones, want %d", t, n, len(used), want)
		}
	}
	return nil
}

// TestSimulatedFleets lets members come, go and come back with their state, and checks every plan on the way.
func TestSimulatedFleets(t *testing.T) {
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 3))
		f := newFleet(rng)
		equal := rng.IntN(2) == 0
		members := 0
		for event := range 12 {
			for range 1 + rng.IntN(3) {
				switch n := rng.IntN(3); {
				case len(f.alive) < 12 && (n == 0 || len(f.alive) == 0):
					capacity := 2
					if !equal {
						capacity = 1 + rng.IntN(4)
					}
					f.join(rng, members, capacity)
					members++
				case n == 1 && len(f.alive) > 1:
					f.leave(pick(rng, f.alive))
				case len(f.gone) > 0 && len(f.alive) < 12:
					id := pick(rng, f.gone)
					f.alive[id] = f.gone[id]
					delete(f.gone, id)
				}
			}
			if err := f.settle(rng); err != nil {
				t.Fatalf("seed %d, event %d, %+v: %v", seed, event, f.request, err)
			}
		}
	}
}

// TestStandbysStayWhereTheyAre: one member more of many moves no more standbys than its share.
func TestStandbysStayWhereTheyAre(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		f := newFleet(rng)
		f.request.RackTags, f.request.Standbys, f.request.MaxWarmups = nil, 1, 0
		for i := range 2 + rng.IntN(8) {
			f.join(rng, i, 1)
		}
		if err := f.settle(rng); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		before := map[assign.Task]string{}
		total := 0
		for id, m := range f.alive {
			for _, task := range m.Standby {
				before[task] = id
				total++
			}
		}
		f.join(rng, 99, 1)
		if err := f.settle(rng); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		moved := 0
		active := 0
		for id, m := range f.alive {
			for _, task := range m.Standby {
				if before[task] != id {
					moved++
				}
			}
			if id == "m99" {
				active = len(m.Owned)
			}
		}
		// Its own standbys, and those that moved over because their task became active beside them.
		if share := total/len(f.alive) + 1; moved > share+active {
			t.Errorf("seed %d: %d of %d standbys moved, the new member has a share of %d and %d active tasks", seed, moved, total, share, active)
		}
	}
}

// TestWarmupsGoOn: with room for one warm-up, the one that has begun goes on although another would be quicker.
func TestWarmupsGoOn(t *testing.T) {
	a, b := task(0, 0), task(0, 1)
	p, err := assign.Tasks(assign.Request{
		Tasks: []assign.TaskInfo{{ID: a, Stateful: true, End: 1000}, {ID: b, Stateful: true, End: 1000}, {ID: task(0, 2), Stateful: true, End: 1000}},
		Members: []assign.Member{
			{ID: "runs all", Owned: []assign.Task{a, b, task(0, 2)}, Running: []assign.Task{a, b, task(0, 2)}},
			{ID: "warms a", Positions: map[assign.Task]int64{a: 100}, Warmup: []assign.Task{a}},
			{ID: "has more of b", Positions: map[assign.Task]int64{b: 800}},
		},
		MaxWarmups: 1, AcceptableLag: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Warmup["warms a"], []assign.Task{a}) || len(p.Warmup["has more of b"]) > 0 || !p.Probe {
		t.Errorf("warm-ups %v, probe %v", p.Warmup, p.Probe)
	}
}

// TestMembersWithoutReplicas: a member of an older version is given tasks at once, and nothing else.
func TestMembersWithoutReplicas(t *testing.T) {
	a, b := task(0, 0), task(0, 1)
	p, err := assign.Tasks(assign.Request{
		Tasks: []assign.TaskInfo{{ID: a, Stateful: true, End: 1000}, {ID: b, Stateful: true, End: 1000}},
		Members: []assign.Member{
			{ID: "new", Owned: []assign.Task{a, b}, Running: []assign.Task{a, b}},
			{ID: "old", NoReplicas: true},
		},
		Standbys: 1, MaxWarmups: 1, AcceptableLag: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Later["old"]) != 1 || len(p.Standby["old"])+len(p.Warmup["old"]) > 0 || p.Probe {
		t.Errorf("%+v", p)
	}
}
