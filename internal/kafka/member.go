package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

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
	// Failed tells that the membership broke down, after Lost if there was something to lose. Of kind
	// [Fenced] or [Retriable] it is an incident (the session expired, the coordinator moved), after which the
	// member joins anew by itself. Otherwise (not authorized, wrong session timeout, an error of the Assignor)
	// it also goes on trying, but whoever knows better closes it.
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
	cl       *kgo.Client
	group    string
	instance *string
	teller   *teller
	// end ends the client's life at once, without leaving the group.
	end     context.CancelFunc
	closing sync.Once
}

// Join makes a member and starts joining in the background; the Handler hears of it. The cluster need not
// be reachable yet.
func Join(cfg Config, mc MemberConfig) (*Member, error) {
	if err := mc.validate(); err != nil {
		return nil, err
	}
	if mc.SessionTimeout == 0 {
		mc.SessionTimeout = 45 * time.Second
	}
	if mc.RebalanceTimeout == 0 {
		mc.RebalanceTimeout = 5 * time.Minute
	}
	if mc.HeartbeatInterval == 0 {
		mc.HeartbeatInterval = min(mc.SessionTimeout/15, 3*time.Second)
	}
	// From version 10 on OffsetCommit names topics by id only. A commit needs no more than the name.
	versions := kversion.Tip()
	versions.SetMaxKeyVersion(kmsg.OffsetCommit.Int16(), 9)
	h := &teller{handler: mc.Handler, owned: map[record.TopicPartition]bool{}}
	life, end := context.WithCancel(context.Background())
	opts := []kgo.Opt{
		kgo.MaxVersions(versions),
		kgo.ConsumerGroup(mc.Group),
		kgo.ConsumeTopics(mc.Topics...),
		kgo.Balancers(&balancer{assignor: mc.Assignor, teller: h}),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(mc.SessionTimeout),
		kgo.RebalanceTimeout(mc.RebalanceTimeout),
		kgo.HeartbeatInterval(mc.HeartbeatInterval),
		// Where to read from is not this client's business, so it need not ask either.
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			for _, ps := range offsets {
				for p := range ps {
					ps[p] = kgo.NewOffset().At(0)
				}
			}
			return offsets, nil
		}),
		kgo.OnPartitionsAssigned(h.assigned),
		kgo.OnPartitionsRevoked(h.revoked),
		kgo.OnPartitionsLost(h.lost),
		kgo.WithHooks(h),
		kgo.WithContext(life),
	}
	m := &Member{group: mc.Group, teller: h, end: end}
	if mc.InstanceID != "" {
		m.instance = &mc.InstanceID
		opts = append(opts, kgo.InstanceID(mc.InstanceID))
	}
	cl, err := newClient(cfg, opts...)
	if err != nil {
		end()
		return nil, err
	}
	// It has to be told before the first assignment, which is several round trips away.
	cl.PauseFetchTopics(mc.Topics...)
	m.cl = cl
	return m, nil
}

// validate reports every problem of c at once.
func (c *MemberConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, invalid("group config", format, args...)) }
	if c.Group == "" {
		bad("group: empty")
	}
	if len(c.Topics) == 0 {
		bad("topics: none given")
	}
	if c.Assignor == nil || c.Handler == nil {
		bad("assignor and handler are both needed")
	}
	if c.SessionTimeout < 0 || c.RebalanceTimeout < 0 || c.HeartbeatInterval < 0 {
		bad("durations must not be negative")
	}
	if c.SessionTimeout > 0 && c.HeartbeatInterval >= c.SessionTimeout {
		bad("heartbeat interval %v is not below the session timeout %v", c.HeartbeatInterval, c.SessionTimeout)
	}
	return errors.Join(errs...)
}

// Metadata returns the member's id and generation, or "" and -1 while it is in no group.
func (m *Member) Metadata() (memberID string, generation int32) { return m.cl.GroupMetadata() }

// Commit commits offsets with the member's id and generation, so that one that was fenced cannot. A failure
// of single partitions is a [*CommitError]; its kind is [Fenced] when the member is out of the group or of
// date, [Retriable] when the group is in the middle of a rebalance. An empty map does nothing.
func (m *Member) Commit(ctx context.Context, offsets map[record.TopicPartition]Offset) error {
	if len(offsets) == 0 {
		return nil
	}
	op := "commit offsets of group " + m.group
	req := commitRequest(m.group, offsets)
	req.MemberID, req.Generation = m.Metadata()
	req.InstanceID = m.instance
	if req.MemberID == "" || req.Generation < 0 {
		// Sent like this it would be the commit of a client without a group, which is not fenced.
		return &Error{Kind: Fenced, Op: op, Partition: -1, Err: kerr.UnknownMemberID}
	}
	resp, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return classify(op, "", -1, err)
	}
	failed := map[record.TopicPartition]error{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				failed[record.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = classify(op, t.Topic, p.Partition, err)
			}
		}
	}
	if len(failed) > 0 {
		return &CommitError{Partitions: failed}
	}
	return nil
}

// Rejoin makes the group rebalance, with this member's current userdata, whether it leads or not.
func (m *Member) Rejoin() { m.cl.ForceRebalance() }

// Close gives up the membership: [Handler.Revoked] is called with all that the member has, and only then,
// with leave, the group is told, so that it rebalances at once. Without leave it notices when the session
// timeout has passed. ctx bounds the wait for the broker, not the Handler. A second Close does nothing.
func (m *Member) Close(ctx context.Context, leave bool) error {
	var err error
	m.closing.Do(func() {
		defer m.end()
		if !leave {
			// franz-go always leaves in the end. So its part of giving up is done here, and then its life
			// ends in the middle, as if the process had died.
			m.teller.revokeAll(ctx)
			m.end()
			m.cl.Close()
			return
		}
		id, _ := m.Metadata()
		err = m.cl.LeaveGroupContext(ctx)
		if m.instance != nil && id != "" && err == nil {
			err = m.leaveStatic(ctx)
		}
		if ctx.Err() != nil {
			// Its patience is over, and so should be that of Close.
			m.end()
		}
		m.cl.Close()
		err = classify("leave group "+m.group, "", -1, err)
	})
	return err
}

// leaveStatic removes a static member, which franz-go lets stay.
func (m *Member) leaveStatic(ctx context.Context) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = m.group
	lm := kmsg.NewLeaveGroupRequestMember()
	lm.InstanceID = m.instance
	req.Members = append(req.Members, lm)
	resp, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	for _, r := range resp.Members {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil && !errors.Is(err, kerr.UnknownMemberID) {
			return err
		}
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}
