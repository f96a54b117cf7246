package kafka

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// balancer makes of an Assignor what franz-go calls a group balancer, and keeps the cooperative rule.
// Source: KIP-429.
type balancer struct {
	assignor Assignor
	teller   *teller
}

// ProtocolName implements kgo.GroupBalancer.
func (b *balancer) ProtocolName() string { return b.assignor.Name() }

// IsCooperative implements kgo.GroupBalancer.
func (b *balancer) IsCooperative() bool { return true }

// JoinGroupMetadata implements kgo.GroupBalancer.
func (b *balancer) JoinGroupMetadata(topics []string, owned map[string][]int32, generation int32) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version = 3
	m.Topics = topics
	m.Generation = generation
	m.UserData = b.assignor.Userdata()
	for _, t := range slices.Sorted(maps.Keys(owned)) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = t, owned[t]
		m.OwnedPartitions = append(m.OwnedPartitions, o)
	}
	return m.AppendTo(nil)
}

// ParseSyncAssignment implements kgo.GroupBalancer. Every member gets its assignment here, before it is told
// of revoked and added partitions.
func (b *balancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	var a kmsg.ConsumerMemberAssignment
	out := map[string][]int32{}
	if len(assignment) > 0 {
		if err := a.ReadFrom(assignment); err != nil {
			return nil, &Error{Kind: Corrupt, Op: "read assignment", Partition: -1, Err: err}
		}
	}
	for _, t := range a.Topics {
		out[t.Topic] = append(out[t.Topic], t.Partitions...)
	}
	b.teller.assignmentData(a.UserData)
	return out, nil
}

// MemberBalancer implements kgo.GroupBalancer.
func (b *balancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	cb, err := kgo.NewConsumerBalancer(b, members)
	if err != nil {
		return nil, nil, &Error{Kind: Corrupt, Op: "read group members", Partition: -1, Err: err}
	}
	return cb, cb.MemberTopics(), nil
}

// Balance implements kgo.ConsumerBalancerBalance.
func (b *balancer) Balance(cb *kgo.ConsumerBalancer, partitions map[string]int32) kgo.IntoSyncAssignment {
	var members []MemberInfo
	var claims []claim
	cb.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		info := MemberInfo{ID: m.MemberID, Topics: meta.Topics, Userdata: meta.UserData}
		if m.InstanceID != nil {
			info.InstanceID = *m.InstanceID
		}
		for _, t := range meta.OwnedPartitions {
			for _, p := range t.Partitions {
				claims = append(claims, claim{len(members), meta.Generation, record.TopicPartition{Topic: t.Topic, Partition: p}})
			}
		}
		members = append(members, info)
	})
	owners := settleClaims(members, claims)
	plan, err := b.assign(members, partitions)
	if err == nil {
		plan, err = cooperative(members, owners, plan, partitions)
	}
	if err != nil {
		cb.SetError(&Error{Kind: Fatal, Op: "assign partitions", Partition: -1, Err: err})
		return nil
	}
	return plan
}

// assign calls the Assignor. What it works on comes from other processes, so a panic of its must not take
// this one down: it fails the rebalance.
func (b *balancer) assign(members []MemberInfo, partitions map[string]int32) (p plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("assignor %s panicked: %v", b.assignor.Name(), r)
		}
	}()
	return b.assignor.Assign(members, maps.Clone(partitions))
}

// claim is a member's word that it owns a partition.
type claim struct {
	member     int
	generation int32
	tp         record.TopicPartition
}

// contested marks a partition that several members claim with equal right.
const contested = ""

// settleClaims finds each partition's owner and tells the members what they own. The newest generation wins:
// a member that missed rebalances may claim what others got meanwhile. A tie is nobody's.
func settleClaims(members []MemberInfo, claims []claim) map[record.TopicPartition]string {
	best := map[record.TopicPartition]claim{}
	owners := map[record.TopicPartition]string{}
	for _, c := range claims {
		b, ok := best[c.tp]
		switch {
		case !ok || c.generation > b.generation:
			best[c.tp], owners[c.tp] = c, members[c.member].ID
		case c.generation == b.generation && c.member != b.member:
			owners[c.tp] = contested
		}
	}
	for tp, c := range best {
		if owners[tp] != contested {
			m := &members[c.member]
			m.Owned = append(m.Owned, tp)
		}
	}
	for i := range members {
		slices.SortFunc(members[i].Owned, comparePartitions)
	}
	return owners
}

// plan is the assignment by member id.
type plan map[string]Assignment

// cooperative checks a plan and takes out of it what is on the move: a partition whose owner is somebody else
// goes to nobody in this generation. Its owner finds it missing, gives it up and rejoins, and the next
// generation's plan can give it away.
func cooperative(members []MemberInfo, owners map[record.TopicPartition]string, p plan, partitions map[string]int32) (plan, error) {
	known := map[string]bool{}
	for _, m := range members {
		known[m.ID] = true
	}
	given := map[record.TopicPartition]string{}
	out := make(plan, len(members))
	for _, id := range slices.Sorted(maps.Keys(p)) {
		if !known[id] {
			return nil, fmt.Errorf("assignor gave partitions to %q, which is no member", id)
		}
		a := Assignment{Userdata: p[id].Userdata}
		for _, tp := range p[id].Partitions {
			if tp.Partition < 0 || tp.Partition >= partitions[tp.Topic] {
				return nil, fmt.Errorf("assignor gave away %s[%d], which does not exist", tp.Topic, tp.Partition)
			}
			if other, twice := given[tp]; twice {
				return nil, fmt.Errorf("assignor gave %s[%d] to both %q and %q", tp.Topic, tp.Partition, other, id)
			}
			given[tp] = id
			if owner, owned := owners[tp]; owned && owner != id {
				continue
			}
			a.Partitions = append(a.Partitions, tp)
		}
		out[id] = a
	}
	for id := range known {
		if _, ok := out[id]; !ok {
			out[id] = Assignment{}
		}
	}
	return out, nil
}

// IntoSyncAssignment implements kgo.IntoSyncAssignment.
func (p plan) IntoSyncAssignment() []kmsg.SyncGroupRequestGroupAssignment {
	var out []kmsg.SyncGroupRequestGroupAssignment
	for _, id := range slices.Sorted(maps.Keys(p)) {
		k := kmsg.NewConsumerMemberAssignment()
		k.UserData = p[id].Userdata
		tps := slices.Clone(p[id].Partitions)
		slices.SortFunc(tps, comparePartitions)
		for _, tp := range tps {
			if n := len(k.Topics); n == 0 || k.Topics[n-1].Topic != tp.Topic {
				t := kmsg.NewConsumerMemberAssignmentTopic()
				t.Topic = tp.Topic
				k.Topics = append(k.Topics, t)
			}
			t := &k.Topics[len(k.Topics)-1]
			t.Partitions = append(t.Partitions, tp.Partition)
		}
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = id, k.AppendTo(nil)
		out = append(out, a)
	}
	return out
}

func comparePartitions(a, b record.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
