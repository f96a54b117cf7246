package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// Assignor divides the group's partitions. Its methods are called one at a time, from the member's
// goroutine.
type Assignor interface {
	// Name is the protocol's name. All members of a group must have one in common.
	Name() string
	// Userdata is what this member tells the group's leader. It is asked for at each join.
	Userdata() []byte
	// Assign says who gets what. Only the leader is asked. members are sorted by instance id and member
	// id; partitions are the counts of the topics that any of them subscribes to, without the topics that
	// do not exist. Every member should be in the result; one that is not gets an empty assignment.
	//
	// The result is the goal: a partition that another member still owns is held back by this package for
	// this generation, and the group rebalances once more when its owner has given it up. Userdata goes
	// out as it is. An error fails this rebalance; it is tried again with backoff.
	Assign(members []MemberInfo, partitions map[string]int32) (map[string]Assignment, error)
}

// MemberInfo is what a member told the leader as it joined.
type MemberInfo struct {
	ID string
	// InstanceID is the static member's id, or empty.
	InstanceID string
	Topics     []string
	// Userdata is the member's [Assignor.Userdata]. It comes from another process: decode it with care.
	Userdata []byte
	// Owned are the partitions that the member has from the generation before, sorted. A claim that a
	// member with a newer generation contradicts is left out.
	Owned []record.TopicPartition
}

// Assignment is what one member gets.
type Assignment struct {
	Partitions []record.TopicPartition
	Userdata   []byte
}

// Handler is told what happens to a membership. Its methods are called one at a time from the member's
// goroutine, never with an empty list, in this order for each rebalance: AssignmentData, Revoked (or Lost),
// Assigned, Complete. They must not call [Member.Close].
//
// While a method runs the member goes on heartbeating; when it takes longer than the rebalance timeout, the
// group goes on without this member.
type Handler interface {
	// AssignmentData gets the userdata that the leader sent to this member. It is also called when only
	// the userdata changed.
	AssignmentData(userdata []byte)
	// Revoked takes partitions away. It returns when everything that belongs to them is flushed and
	// committed, for which [Member.Metadata] and [Member.Commit] have the right generation.
	Revoked(ctx context.Context, revoked []record.TopicPartition)
	// Lost tells that partitions are gone already: others may have them, and commits would be refused.
	Lost(ctx context.Context, lost []record.TopicPartition)
	// Assigned gives partitions to this member, in addition to those it has.
	Assigned(ctx context.Context, added []record.TopicPartition)
	// Complete tells that the member has taken up its assignment of this generation. Another rebalance
	// may follow at once, namely when partitions are on the move.
	Complete(generation int32)
	// Failed tells that the membership broke down (not authorized, wrong session timeout, an error of the
	// Assignor …). The member goes on trying by itself; whoever knows better closes it.
	Failed(err error)
}

// MemberConfig says how to be a member of a group.
type MemberConfig struct {
	// Group is the group's id, for an application its application id.
	Group string
	// Topics are the topics whose partitions the group divides. They should exist; one that appears later
	// is noticed within the metadata's maximal age.
	Topics []string
	// InstanceID makes the member a static one: it may be away for up to the session timeout without a
	// rebalance. A static member that comes back gets its old assignment and its old userdata without the
	// Assignor being asked: compare, and [Member.Rejoin] when they are stale.
	InstanceID string
	// SessionTimeout is how long the broker waits for a heartbeat. Default 45 s.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long a member may take to give partitions up. Default 5 min.
	RebalanceTimeout time.Duration
	// HeartbeatInterval defaults to a fifteenth of the session timeout, at most 3 s.
	HeartbeatInterval time.Duration
	Assignor          Assignor
	Handler           Handler
}

// Member is one membership in a group. It sends no Fetch requests. Its methods may be called concurrently.
type Member struct {
	cl *kgo.Client
}

// Join makes a member and starts joining in the background; the Handler hears of it. The cluster need not
// be reachable yet.
func Join(cfg Config, mc MemberConfig) (*Member, error) { panic("draft") }

// Metadata returns the member's id and generation, or "" and -1 while it is in no group.
func (m *Member) Metadata() (memberID string, generation int32) { return m.cl.GroupMetadata() }

// Commit commits offsets with the member's id and generation, so that one that was fenced cannot. A failure
// of single partitions is a [*CommitError]; its kind is [Fenced] when the member is out of the group or of
// date, [Retriable] when the group is in the middle of a rebalance. An empty map does nothing.
func (m *Member) Commit(ctx context.Context, offsets map[record.TopicPartition]Offset) error {
	panic("draft")
}

// Rejoin makes the group rebalance, with this member's current userdata, whether it leads or not.
func (m *Member) Rejoin() { m.cl.ForceRebalance() }

// Close gives up the membership: [Handler.Revoked] is called with all that the member has, and only then,
// with leave, the group is told, so that it rebalances at once. Without leave it notices when the session
// timeout has passed. ctx bounds the wait for the broker, not the Handler. Close is called once.
func (m *Member) Close(ctx context.Context, leave bool) error { panic("draft") }
