package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leatstream/leat/record"
)

// defaultTransactionTimeout is Kafka Streams' own: how long a dead owner may hold up readers of committed data.
const defaultTransactionTimeout = 10 * time.Second

// keyTxnOffsetCommit is the request that adds offsets to a transaction. From version 6 on it names topics by
// id, which a client may not know yet; names serve as well.
const (
	keyTxnOffsetCommit     = 28
	versionTxnOffsetCommit = 5 // adds the group to the transaction by itself (KIP-890)
)

// transactional returns the options of a client that produces in transactions.
func transactional(cc ClientConfig) []kgo.Opt {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(keyTxnOffsetCommit, versionTxnOffsetCommit)
	return []kgo.Opt{
		kgo.TransactionalID(cc.TransactionalID),
		kgo.TransactionTimeout(cc.TransactionTimeout),
		kgo.MaxVersions(versions),
	}
}

// Begin begins a transaction; what is produced from now on belongs to it. It must not be called while one
// is open. The broker hears of it with the first record.
func (c *Client) Begin() error {
	return classify("begin a transaction", "", -1, c.cl.BeginTransaction())
}

// GroupMember names a member of a group in one generation, as [Member.Metadata] has it.
type GroupMember struct {
	Group      string
	ID         string
	Generation int32
	// InstanceID is a static member's, or empty.
	InstanceID string
}

// CommitInTransaction adds offsets to the open transaction, on behalf of a group's member. At least one
// record must have been produced in it: a transaction without any is never ended, and would leave the
// offsets pending. The broker refuses a member that has been replaced ([Fenced]); whether that is final, only
// the membership knows. Source: KIP-447.
func (c *Client) CommitInTransaction(ctx context.Context, m GroupMember, offsets map[record.TopicPartition]Offset) error {
	const op = "commit offsets in a transaction"
	id, epoch, err := c.cl.ProducerID(ctx)
	if err != nil {
		return classify(op, "", -1, err)
	}
	implicit, err := c.implicitAdds(ctx)
	if err != nil {
		return classify(op, "", -1, err)
	}
	if !implicit {
		add := kmsg.NewPtrAddOffsetsToTxnRequest()
		add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = c.transactionalID, id, epoch, m.Group
		resp, err := add.RequestWith(ctx, c.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return classify(op, "", -1, err)
		}
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = c.transactionalID, m.Group, id, epoch
	req.MemberID, req.Generation = m.ID, m.Generation
	if m.InstanceID != "" {
		req.InstanceID = &m.InstanceID
	}
	var topics byTopic[kmsg.TxnOffsetCommitRequestTopic]
	for tp, o := range offsets {
		t := topics.of(tp.Topic, func() kmsg.TxnOffsetCommitRequestTopic {
			t := kmsg.NewTxnOffsetCommitRequestTopic()
			t.Topic = tp.Topic
			return t
		})
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = tp.Partition, o.Next, &o.Metadata
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = topics.list
	resp, err := req.RequestWith(ctx, c.cl)
	if err != nil {
		return classify(op, "", -1, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return classify(op, t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}

// implicitAdds reports whether the cluster adds partitions and groups to a transaction as they are written
// (transaction version 2, KIP-890). It is asked once.
func (c *Client) implicitAdds(ctx context.Context) (bool, error) {
	c.versionMu.Lock()
	defer c.versionMu.Unlock()
	if c.versionKnown {
		return c.versionTwo, nil
	}
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "leat", "0"
	resp, err := req.RequestWith(ctx, c.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return false, err
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" && f.MaxVersionLevel >= 2 {
			c.versionTwo = true
		}
	}
	c.versionKnown = true
	return c.versionTwo, nil
}

// End commits or aborts the open transaction. Before a commit every record's done must have been called
// without an error ([Client.Flush]): franz-go commits what was written even if some of it failed.
//
// After an error the outcome of a commit is unknown: it may have taken place. The client is of no use any
// more; make a new one of the same transactional id, which ends what may be open, and ask for the group's
// committed offsets with requireStable.
func (c *Client) End(ctx context.Context, commit bool) error {
	if !commit {
		if err := c.cl.AbortBufferedRecords(ctx); err != nil {
			return over("abort a transaction", err)
		}
		return over("abort a transaction", c.cl.EndTransaction(ctx, kgo.TryAbort))
	}
	return over("commit a transaction", c.cl.EndTransaction(ctx, kgo.TryCommit))
}

// over classifies an error that ends a transaction. What has no kind of its own, such as the many ways to say
// that the coordinator has ended it already, is of kind Fenced: the client is done, its successor is not.
func over(op string, err error) error {
	err = classify(op, "", -1, err)
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Fatal {
		e.Kind = Fenced
	}
	return err
}

// ProducerFenced reports whether err says that a transaction is over because its producer has been replaced,
// or the coordinator has ended it.
func ProducerFenced(err error) bool {
	for _, e := range []error{
		kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping,
		kerr.UnknownProducerID, kerr.TransactionAbortable, kerr.OperationNotAttempted, kgo.ErrAborting,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Fence ends whatever the producer of a transactional id has open, and keeps it from writing ever after: its
// transaction is aborted, or completed if it was being committed. So the new owner of a task does not wait
// for the dead one's transaction to time out. It returns when the coordinator has taken the id over, which is
// before the transaction's markers are written.
func (a *Admin) Fence(ctx context.Context, transactionalID string) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = &transactionalID
	req.TransactionTimeoutMillis = int32(defaultTransactionTimeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := req.RequestWith(ctx, a.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == kerr.ConcurrentTransactions { //nolint:errorlint // franz-go returns these values themselves
		return nil // it is being ended already
	}
	return classify(fmt.Sprintf("fence transactional id %q", transactionalID), "", -1, err)
}

// openTransactionsWait bounds the wait for brokers to list transactions; whoever asks has another way out.
const openTransactionsWait = 5 * time.Second

// OpenTransactions returns the transactional ids with this prefix whose transaction is open or being ended.
// Ids that the principal may not describe are left out by the broker.
//
// Every broker is asked, as each knows its own. If one does not answer within a few seconds, what the others have
// said is returned together with the error.
func (a *Admin) OpenTransactions(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(a.timeout, openTransactionsWait))
	defer cancel()
	listed, err := kadm.NewClient(a.cl).ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	var out []string
	for id := range listed {
		if strings.HasPrefix(id, prefix) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, classify("list transactions", "", -1, err)
}
