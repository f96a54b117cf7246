package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// spread is an assignor that deals the partitions out to the members in turn, without regard to who has them,
// so that partitions move often. Its userdata says who sent it, and its assignments how many members there are.
type spread struct {
	says string

	mu      sync.Mutex
	members []MemberInfo
	fail    error
	crash   bool
}

func (s *spread) Name() string     { return "spread" }
func (s *spread) Userdata() []byte { s.mu.Lock(); defer s.mu.Unlock(); return []byte(s.says) }

func (s *spread) Assign(members []MemberInfo, partitions map[string]int32) (map[string]Assignment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = members
	if s.crash {
		panic("out of range")
	}
	if s.fail != nil {
		return nil, s.fail
	}
	out := map[string]Assignment{}
	i := 0
	for _, topic := range slices.Sorted(maps.Keys(partitions)) {
		for p := range partitions[topic] {
			m := members[i%len(members)]
			a := out[m.ID]
			a.Partitions = append(a.Partitions, record.TopicPartition{Topic: topic, Partition: p})
			out[m.ID] = a
			i++
		}
	}
	for _, m := range members {
		a := out[m.ID]
		a.Userdata = fmt.Append(nil, len(members), " members")
		out[m.ID] = a
	}
	return out, nil
}

// board is what all members of a test's group see: who owns what, and whether two ever did at the same time.
type board struct {
	mu     sync.Mutex
	owners map[record.TopicPartition]string
	wrong  []string
}

// player is a Handler that keeps the board.
type player struct {
	name  string
	board *board
	// onRevoked, when set, runs in Revoked before the partitions are given up.
	onRevoked func(ctx context.Context, tps []record.TopicPartition)

	mu       sync.Mutex
	owned    map[record.TopicPartition]bool
	data     string
	complete int
	failed   []error
	calls    []string
}

func newPlayer(name string, b *board) *player {
	return &player{name: name, board: b, owned: map[record.TopicPartition]bool{}}
}

func (p *player) AssignmentData(userdata []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data = string(userdata)
	p.calls = append(p.calls, "data")
}

func (p *player) Assigned(_ context.Context, added []record.TopicPartition) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, "assigned")
	for _, tp := range added {
		if other := p.board.owners[tp]; other != "" {
			p.board.wrong = append(p.board.wrong, fmt.Sprintf("%v given to %s while %s has it", tp, p.name, other))
		}
		p.board.owners[tp] = p.name
		p.owned[tp] = true
	}
	if len(added) == 0 {
		p.board.wrong = append(p.board.wrong, "Assigned with nothing")
	}
}

func (p *player) Revoked(ctx context.Context, revoked []record.TopicPartition) {
	if p.onRevoked != nil {
		p.onRevoked(ctx, revoked)
	}
	p.drop("revoked", revoked)
}

func (p *player) Lost(_ context.Context, lost []record.TopicPartition) { p.drop("lost", lost) }

func (p *player) drop(how string, tps []record.TopicPartition) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, how)
	for _, tp := range tps {
		if p.board.owners[tp] == p.name {
			delete(p.board.owners, tp)
		} else if how == "revoked" {
			p.board.wrong = append(p.board.wrong, fmt.Sprintf("%v revoked from %s, which has it not", tp, p.name))
		}
		delete(p.owned, tp)
	}
	if len(tps) == 0 {
		p.board.wrong = append(p.board.wrong, how+" with nothing")
	}
}

func (p *player) Complete(int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete++
	p.calls = append(p.calls, "complete")
}

func (p *player) Failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = append(p.failed, err)
}

func (p *player) see() (owned int, data string, complete int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.owned), p.data, p.complete
}

func (e *env) join(t *testing.T, mc MemberConfig) *Member {
	t.Helper()
	if mc.SessionTimeout == 0 {
		mc.SessionTimeout = 6 * time.Second
	}
	if mc.HeartbeatInterval == 0 {
		mc.HeartbeatInterval = 100 * time.Millisecond
	}
	m, err := Join(e.cfg, mc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background(), true) })
	return m
}

func newBoard() *board { return &board{owners: map[record.TopicPartition]string{}} }

func TestMembersHandPartitionsOver(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		group, topics := e.name(t, "g"), []string{e.topic(t, 5), e.topic(t, 2)}
		b := newBoard()
		shares := func(want ...*player) func() bool {
			return func() bool {
				total := 0
				for _, p := range want {
					n, data, _ := p.see()
					if n < 7/len(want) || data != fmt.Sprint(len(want), " members") {
						return false
					}
					total += n
				}
				return total == 7
			}
		}
		var ps [3]*player
		var ms [3]*Member
		for i := range ps {
			ps[i] = newPlayer(fmt.Sprint("m", i), b)
			ms[i] = e.join(t, MemberConfig{Group: group, Topics: topics, Assignor: &spread{says: ps[i].name}, Handler: ps[i]})
			// Revoking takes its time, and commits with the right generation.
			ps[i].onRevoked = func(ctx context.Context, tps []record.TopicPartition) {
				offsets := map[record.TopicPartition]Offset{}
				for _, tp := range tps {
					offsets[tp] = Offset{Next: int64(i + 1), Metadata: ps[i].name}
				}
				time.Sleep(20 * time.Millisecond)
				if err := ms[i].Commit(ctx, offsets); err != nil && !errors.Is(err, Retriable) {
					t.Errorf("%s: commit while revoking: %v", ps[i].name, err)
				}
			}
			eventually(t, fmt.Sprint(i+1, " members share"), shares(ps[:i+1]...))
		}
		if err := ms[1].Close(t.Context(), true); err != nil {
			t.Error(err)
		}
		if n, _, _ := ps[1].see(); n != 0 {
			t.Errorf("closed, and still has %d partitions", n)
		}
		eventually(t, "two members share", shares(ps[0], ps[2]))
		if err := ms[0].Close(t.Context(), true); err != nil {
			t.Error(err)
		}
		eventually(t, "the last one has all", shares(ps[2]))
		committed, err := e.admin.GroupOffsets(t.Context(), group, true)
		if err != nil {
			t.Fatal(err)
		}
		for tp, o := range committed {
			if o.Metadata != fmt.Sprintf("m%d", o.Next-1) {
				t.Errorf("%v: %+v", tp, o)
			}
		}
		if len(committed) == 0 {
			t.Error("revoking committed nothing")
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, w := range b.wrong {
			t.Error(w)
		}
		for _, p := range ps {
			checkOrder(t, p)
		}
	})
}

// checkOrder checks that each rebalance told of its userdata, then of what left, then of what came, then of its
// completion.
func checkOrder(t *testing.T, p *player) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	rank := map[string]int{"data": 0, "lost": 1, "revoked": 1, "assigned": 2, "complete": 3}
	for i := 1; i < len(p.calls); i++ {
		a, b := p.calls[i-1], p.calls[i]
		// The last revoke is that of Close, which follows a completed rebalance.
		if rank[b] <= rank[a] && b != "data" && !(a == "complete" && b == "revoked") {
			t.Errorf("%s: %s after %s in %v", p.name, b, a, p.calls)
			return
		}
	}
	if len(p.failed) > 0 {
		t.Errorf("%s failed: %v", p.name, p.failed)
	}
}

func TestRejoinCarriesNewUserdata(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		group, topics := e.name(t, "g"), []string{e.topic(t, 2)}
		b := newBoard()
		lead, follow := &spread{says: "lead"}, &spread{says: "before"}
		pl, pf := newPlayer("lead", b), newPlayer("follow", b)
		e.join(t, MemberConfig{Group: group, Topics: topics, Assignor: lead, Handler: pl})
		eventually(t, "one member", func() bool { n, _, _ := pl.see(); return n == 2 })
		m := e.join(t, MemberConfig{Group: group, Topics: topics, Assignor: follow, Handler: pf})
		eventually(t, "two members", func() bool { n, _, _ := pf.see(); return n == 1 })
		follow.mu.Lock()
		follow.says = "after"
		follow.mu.Unlock()
		m.Rejoin()
		eventually(t, "the leader hears", func() bool {
			lead.mu.Lock()
			defer lead.mu.Unlock()
			return slices.ContainsFunc(lead.members, func(m MemberInfo) bool { return string(m.Userdata) == "after" })
		})
		lead.mu.Lock()
		defer lead.mu.Unlock()
		for _, m := range lead.members {
			if len(m.Owned) != 1 || len(m.Topics) != 1 {
				t.Errorf("the leader was told %+v", m)
			}
		}
	})
}

func TestCommitIsFenced(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		group, topic := e.name(t, "g"), e.topic(t, 1)
		p := newPlayer("m", newBoard())
		m := e.join(t, MemberConfig{Group: group, Topics: []string{topic}, Assignor: &spread{}, Handler: p})
		at := map[record.TopicPartition]Offset{tp(topic, 0): {Next: 5, Metadata: "é"}}
		// Before it is a member: that must not pass for a commit without a group.
		if id, generation := m.Metadata(); id == "" || generation < 0 {
			wantKind(t, m.Commit(t.Context(), at), Fenced)
		}
		eventually(t, "joined", func() bool { n, _, _ := p.see(); return n == 1 })
		if err := m.Commit(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if err := m.Commit(t.Context(), nil); err != nil {
			t.Error(err)
		}
		got, err := e.admin.GroupOffsets(t.Context(), group, true)
		if err != nil || got[tp(topic, 0)] != at[tp(topic, 0)] || len(got) != 1 {
			t.Errorf("committed %v, %v", got, err)
		}
		// An unknown partition fails alone.
		err = m.Commit(t.Context(), map[record.TopicPartition]Offset{tp(topic, 0): {Next: 6}, tp("nowhere", 3): {Next: 1}})
		ce, ok := errors.AsType[*CommitError](err)
		if !ok || len(ce.Partitions) != 1 || KindOf(ce.Partitions[tp("nowhere", 3)]) != UnknownTopic {
			t.Errorf("commit of an unknown partition: %v", err)
		}
		// Thrown out by somebody else.
		id, _ := m.Metadata()
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = group
		lm := kmsg.NewLeaveGroupRequestMember()
		lm.MemberID = id
		leave.Members, leave.MemberID = append(leave.Members, lm), id
		if _, err := leave.RequestWith(t.Context(), m.cl); err != nil {
			t.Fatal(err)
		}
		err = m.Commit(t.Context(), at)
		if again, _ := m.Metadata(); again == id {
			wantKind(t, err, Fenced)
		}
		eventually(t, "lost and joined anew", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return slices.Contains(p.calls, "lost") && len(p.owned) == 1
		})
	})
}

func TestAMemberFetchesNothing(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 3)
	e.fill(t, tp(topic, 0), 0, 10)
	n := fetches(e)
	p := newPlayer("m", newBoard())
	m := e.join(t, MemberConfig{Group: e.name(t, "g"), Topics: []string{topic}, Assignor: &spread{}, Handler: p})
	eventually(t, "joined", func() bool { n, _, _ := p.see(); return n == 3 })
	m.Rejoin()
	eventually(t, "rejoined", func() bool { _, _, c := p.see(); return c > 1 })
	time.Sleep(200 * time.Millisecond)
	if n.Load() != 0 {
		t.Errorf("the member sent %d Fetch requests", n.Load())
	}
}

func TestLeavingOrNot(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		for _, static := range []bool{false, true} {
			group, topic := e.name(t, "g"), e.topic(t, 1)
			b := newBoard()
			mc := MemberConfig{Group: group, Topics: []string{topic}, Assignor: &spread{}}
			if static {
				mc.InstanceID = "one"
			}
			join := func(name string) (*Member, *player) {
				p := newPlayer(name, b)
				mc.Handler = p
				m := e.join(t, mc)
				eventually(t, name+" has the partition", func() bool { n, _, _ := p.see(); return n == 1 })
				return m, p
			}
			m, p := join("first")
			if err := m.Close(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			checkOrder(t, p)
			if n := members(t, e, group); n != 0 {
				t.Errorf("static %v: left, and %d members remain", static, n)
			}
			m, p = join("second")
			if err := m.Close(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if n, _, _ := p.see(); n != 0 {
				t.Errorf("static %v: closed without being told to give up", static)
			}
			if n := members(t, e, group); n != 1 {
				t.Errorf("static %v: closed without leaving, and there are %d members", static, n)
			}
			begin := time.Now()
			m, _ = join("third")
			if d := time.Since(begin); static && d > 5*time.Second {
				t.Errorf("a static member waited %v for its own partition", d)
			} else if !static && d < time.Second {
				t.Errorf("a new member waited only %v for the session timeout of the one before", d)
			}
			if err := m.Close(t.Context(), true); err != nil {
				t.Error(err)
			}
		}
	})
}

// members counts a group's members.
func members(t *testing.T, e *env, group string) int {
	t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(t.Context(), e.admin.cl)
	if err != nil {
		t.Fatal(err)
	}
	return len(resp.Groups[0].Members)
}

func TestAFailingAssignorIsToldAndTriedAgain(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 1)
	for _, c := range []struct {
		a    *spread
		says string
	}{{&spread{fail: errors.New("no way")}, "no way"}, {&spread{crash: true}, "panicked: out of range"}} {
		p := newPlayer("m", newBoard())
		e.join(t, MemberConfig{Group: e.name(t, "g"), Topics: []string{topic}, Assignor: c.a, Handler: p})
		eventually(t, "told", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.failed) > 0 })
		p.mu.Lock()
		wantKind(t, p.failed[0], Fatal, c.says)
		p.mu.Unlock()
		c.a.mu.Lock()
		c.a.fail, c.a.crash = nil, false
		c.a.mu.Unlock()
		eventually(t, "recovered", func() bool { n, _, _ := p.see(); return n == 1 })
	}
}

func TestSessionTimeoutOutsideTheBrokersLimits(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		p := newPlayer("m", newBoard())
		e.join(t, MemberConfig{Group: e.name(t, "g"), Topics: []string{e.topic(t, 1)}, SessionTimeout: 24 * time.Hour, Assignor: &spread{}, Handler: p})
		eventually(t, "told", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.failed) > 0 })
		p.mu.Lock()
		defer p.mu.Unlock()
		wantKind(t, p.failed[0], Invalid, "group.max.session.timeout.ms")
	})
}

func TestMetadataIsSafeWhileRebalancing(t *testing.T) {
	e := newFake(t)
	p := newPlayer("m", newBoard())
	m := e.join(t, MemberConfig{Group: e.name(t, "g"), Topics: []string{e.topic(t, 1)}, Assignor: &spread{}, Handler: p})
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			m.Metadata()
		}
	})
	for i := range 3 {
		eventually(t, "completed", func() bool { _, _, c := p.see(); return c > i })
		m.Rejoin()
	}
	stop.Store(true)
	wg.Wait()
}
