package kafka

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestClaimsOfOlderGenerationsLose(t *testing.T) {
	members := []MemberInfo{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	p0, p1, p2, p3 := tp("t", 0), tp("t", 1), tp("t", 2), tp("t", 3)
	owners := settleClaims(members, []claim{
		{0, 4, p0}, {1, 5, p0}, // b is newer
		{0, 5, p1}, {1, 4, p1}, // a is newer
		{0, 5, p2}, {1, 5, p2}, // a tie
		{2, 1, p3},
	})
	if diff := cmp.Diff(map[record.TopicPartition]string{p0: "b", p1: "a", p2: contested, p3: "c"}, owners); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]MemberInfo{
		{ID: "a", Owned: []record.TopicPartition{p1}}, {ID: "b", Owned: []record.TopicPartition{p0}}, {ID: "c", Owned: []record.TopicPartition{p3}},
	}, members); diff != "" {
		t.Error(diff)
	}
}

func TestMovingPartitionsAreNobodys(t *testing.T) {
	members := []MemberInfo{{ID: "a"}, {ID: "b"}}
	mine, moving, free, tie := tp("t", 0), tp("t", 1), tp("t", 2), tp("t", 3)
	owners := map[record.TopicPartition]string{mine: "a", moving: "a", tie: contested}
	got, err := cooperative(members, owners, plan{
		"a": {Partitions: []record.TopicPartition{mine, tie}, Userdata: []byte("x")},
		"b": {Partitions: []record.TopicPartition{moving, free}},
	}, map[string]int32{"t": 4})
	if err != nil {
		t.Fatal(err)
	}
	want := plan{
		"a": {Partitions: []record.TopicPartition{mine}, Userdata: []byte("x")},
		"b": {Partitions: []record.TopicPartition{free}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlansThatMakeNoSenseAreRefused(t *testing.T) {
	members := []MemberInfo{{ID: "a"}, {ID: "b"}}
	p := []record.TopicPartition{tp("t", 0)}
	for name, c := range map[string]struct {
		plan plan
		says string
	}{
		"unknown member":    {plan{"c": {}}, "no member"},
		"unknown topic":     {plan{"a": {Partitions: []record.TopicPartition{tp("u", 0)}}}, "u[0]"},
		"unknown partition": {plan{"a": {Partitions: []record.TopicPartition{tp("t", 1)}}}, "t[1]"},
		"negative":          {plan{"a": {Partitions: []record.TopicPartition{tp("t", -1)}}}, "t[-1]"},
		"twice":             {plan{"a": {Partitions: p}, "b": {Partitions: p}}, "both"},
	} {
		_, err := cooperative(members, nil, c.plan, map[string]int32{"t": 1})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the plans, no partition ever has two owners, and a plan that stays the same is reached.
func TestHandOverConvergesWithoutTwoOwners(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		const n = 12
		members := []MemberInfo{{ID: "a"}, {ID: "b"}, {ID: "c"}}
		owned := map[record.TopicPartition]string{}
		goal := map[record.TopicPartition]string{}
		for round := range 12 {
			if round < 9 {
				for p := range int32(n) {
					goal[tp("t", p)] = members[rng.IntN(3)].ID
				}
			}
			want := plan{}
			for p, id := range goal {
				a := want[id]
				a.Partitions = append(a.Partitions, p)
				want[id] = a
			}
			var claims []claim
			for p, id := range owned {
				claims = append(claims, claim{slices.IndexFunc(members, func(m MemberInfo) bool { return m.ID == id }), int32(round), p})
			}
			ms := slices.Clone(members)
			got, err := cooperative(ms, settleClaims(ms, claims), want, map[string]int32{"t": n})
			if err != nil {
				t.Fatal(err)
			}
			next := map[record.TopicPartition]string{}
			for id, a := range got {
				for _, p := range a.Partitions {
					if before := owned[p]; before != "" && before != id {
						t.Fatalf("seed %d: %v goes from %s to %s in one generation", seed, p, before, id)
					}
					next[p] = id
				}
			}
			owned = next
		}
		if diff := cmp.Diff(goal, owned); diff != "" {
			t.Fatalf("seed %d: does not settle: %s", seed, diff)
		}
	}
}

// What comes from other members must not take this one down.
func FuzzGroupMembers(f *testing.F) {
	b := &balancer{assignor: &spread{}, teller: &teller{handler: newPlayer("m", newBoard())}}
	f.Add(b.JoinGroupMetadata([]string{"t"}, map[string][]int32{"t": {0, 1}}, 3))
	f.Add([]byte{})
	f.Add([]byte{0, 3, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := kmsg.NewJoinGroupResponseMember()
		m.MemberID, m.ProtocolMetadata = "other", data
		mb, _, err := b.MemberBalancer([]kmsg.JoinGroupResponseMember{m})
		if err == nil {
			if p := b.Balance(mb.(*kgo.ConsumerBalancer), map[string]int32{"t": 3}); p != nil {
				for _, a := range p.IntoSyncAssignment() {
					if _, err := b.ParseSyncAssignment(a.MemberAssignment); err != nil {
						t.Errorf("own assignment cannot be read: %v", err)
					}
				}
			}
		}
		_, _ = b.ParseSyncAssignment(data)
	})
}
