package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// Kind says what an [Error] means for whoever has to react to it. It is itself an error, so that
// errors.Is(err, kafka.Fenced) asks whether err is of that kind.
type Kind uint8

const (
	// Fatal is an error that neither trying again nor rejoining cures; a person has to look.
	Fatal Kind = iota
	// Unreachable: no broker answered in time. Trying again later may help.
	Unreachable
	// Unauthorized: the cluster refused the credentials, or the principal may not do this.
	Unauthorized
	// UnknownTopic: a topic or partition does not exist, or was deleted and made anew.
	UnknownTopic
	// OffsetOutOfRange: the offset asked for is below the log's start or above its end.
	OffsetOutOfRange
	// DataLoss: the log was truncated below what had been read from it (an unclean leader election).
	DataLoss
	// TooLarge: a record is larger than the broker or this client takes.
	TooLarge
	// Fenced: another member or a newer generation took over. Drop the tasks and rejoin.
	Fenced
	// Retriable: the same call may succeed when tried again.
	Retriable
	// Timeout: a produced record was not acknowledged within the delivery timeout.
	Timeout
	// Corrupt: the broker's answer could not be decoded.
	Corrupt
	// Closed: the client was closed, or the call's context ended.
	Closed
	// Invalid: the configuration or the request contradicts itself or the broker's limits.
	Invalid
	// Refused: the broker does not take a record because of what is in it, and never will.
	Refused
)

var kindNames = [...]string{
	"fatal", "broker not reachable", "not authorized", "unknown topic", "offset out of range",
	"data loss", "record too large", "fenced", "retriable", "delivery timeout", "corrupt data", "closed", "invalid",
	"record refused",
}

// Error returns the kind's name.
func (k Kind) Error() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is every error that this package returns, except for the ends of contexts that a caller passed
// in, which are returned wrapped in one of kind [Closed].
type Error struct {
	Kind Kind
	// Op is what was attempted: "produce", "fetch", "commit offsets".
	Op string
	// Topic and Partition are the subject; Topic is empty when there is none, Partition -1 when it is
	// the whole topic.
	Topic     string
	Partition int32
	// Offset is the offset asked for, LogStart and LogEnd the log's limits; set for [OffsetOutOfRange]
	// and [DataLoss] (where LogEnd is the offset up to which the log is still the one that was read).
	Offset, LogStart, LogEnd int64
	// Remedy says what a person can do about it; empty when there is nothing to say.
	Remedy string
	// Cause is that of the [Output] that was not written.
	Cause Cause
	// Err is the cause.
	Err error

	// noPartition tells that only the partition is missing, not its topic.
	noPartition bool
}

// Error returns "op subject: kind or cause; remedy".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Topic != "" {
		b.WriteByte(' ')
		b.WriteString(e.Topic)
		if e.Partition >= 0 {
			fmt.Fprintf(&b, "[%d]", e.Partition)
		}
	}
	switch e.Kind {
	case OffsetOutOfRange:
		fmt.Fprintf(&b, "@%d: offset out of range, log has [%d, %d)", e.Offset, e.LogStart, e.LogEnd)
	case DataLoss:
		fmt.Fprintf(&b, "@%d: log was truncated to %d", e.Offset, e.LogEnd)
	default:
		if e.Kind == Corrupt && e.Op == "fetch" {
			fmt.Fprintf(&b, "@%d", e.Offset)
		}
		b.WriteString(": ")
		if e.Err != nil {
			b.WriteString(e.Err.Error())
		} else {
			b.WriteString(e.Kind.Error())
		}
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of the first [Error] in err's chain, and [Fatal] when there is none. It is
// meaningless for a nil error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if e, ok := errors.AsType[*CommitError](err); ok {
		return e.Kind()
	}
	return Fatal
}

// classify makes an Error of what franz-go or a response's error code said. A nil err stays nil.
func classify(op, topic string, partition int32, err error) error {
	if err == nil {
		return nil
	}
	return classified(op, topic, partition, err)
}

// classified is classify for an err that is not nil.
func classified(op, topic string, partition int32, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Op: op, Topic: topic, Partition: partition, Err: err}
	e.Kind, e.Remedy = judge(err, topic)
	return e
}

func classifyTP(op string, tp record.TopicPartition, err error) error {
	return classify(op, tp.Topic, tp.Partition, err)
}

// judge tells the kind of a cause and what can be done about it.
func judge(err error, topic string) (Kind, string) {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
		return Closed, ""
	case errors.Is(err, kgo.ErrRecordTimeout):
		return Timeout, "check the broker's health and the delivery timeout"
	case errors.Is(err, kgo.ErrRecordRetries):
		return Timeout, "check the broker's health"
	}
	if _, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err); ok || errors.Is(err, kgo.ErrMaxDecompress) {
		return TooLarge, "raise the maximal decompressed batch size if the producer of the topic is trusted"
	}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		return judgeCode(ke, topic)
	}
	if isConnError(err) {
		return Unreachable, ""
	}
	return Fatal, ""
}

// judgeCode tells the kind of an error code of the protocol.
func judgeCode(ke *kerr.Error, topic string) (Kind, string) {
	switch ke {
	case kerr.TopicAuthorizationFailed:
		return Unauthorized, fmt.Sprintf("grant the principal what it needs on topic %q", topic)
	case kerr.GroupAuthorizationFailed:
		return Unauthorized, "grant the principal READ on the group (the application id)"
	case kerr.TransactionalIDAuthorizationFailed:
		return Unauthorized, "grant the principal WRITE on transactional ids that start with the application id"
	case kerr.ClusterAuthorizationFailed:
		return Unauthorized, "grant the principal the operation on the cluster"
	case kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState:
		return Unauthorized, "check the SASL mechanism, user and password"
	case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InconsistentTopicID:
		return UnknownTopic, fmt.Sprintf("create topic %q, or check its name and that it was not deleted", topic)
	case kerr.OffsetOutOfRange:
		return OffsetOutOfRange, ""
	case kerr.MessageTooLarge, kerr.RecordListTooLarge:
		return TooLarge, fmt.Sprintf("raise max.message.bytes of topic %q (and the producer's batch size), or make the record smaller", topic)
	case kerr.InvalidRecord:
		return Refused, fmt.Sprintf("topic %q takes no such record: one that is compacted needs keys", topic)
	case kerr.InvalidTimestamp:
		return Refused, fmt.Sprintf("the record's time is outside of what topic %q takes; see its message.timestamp.before.max.ms and message.timestamp.after.max.ms", topic)
	case kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.StaleMemberEpoch,
		kerr.FencedMemberEpoch, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState,
		kerr.InvalidProducerIDMapping, kerr.UnknownProducerID, kerr.TransactionAbortable, kerr.OperationNotAttempted:
		return Fenced, ""
	case kerr.CorruptMessage:
		return Corrupt, ""
	case kerr.RebalanceInProgress, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
		kerr.UnstableOffsetCommit, kerr.ConcurrentTransactions:
		return Retriable, ""
	case kerr.InvalidSessionTimeout:
		return Invalid, "choose a session timeout between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms"
	case kerr.InvalidTransactionTimeout:
		return Invalid, "choose a transaction timeout that is not above the broker's transaction.max.timeout.ms"
	case kerr.InvalidReplicationFactor:
		return Invalid, "choose a replication factor that is no larger than the number of brokers"
	case kerr.InvalidTopicException, kerr.InvalidPartitions, kerr.InvalidConfig, kerr.InvalidRequest, kerr.OffsetMetadataTooLarge,
		kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.PolicyViolation:
		return Invalid, ""
	}
	if ke.Retriable {
		return Retriable, ""
	}
	return Fatal, ""
}

// InstanceTaken reports whether err says that another member has taken over the static instance id.
func InstanceTaken(err error) bool { return errors.Is(err, kerr.FencedInstanceID) }

// isConnError reports whether err comes from the connection and not from a broker's answer.
func isConnError(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return timedOut(err) || kgo.IsRetryableBrokerErr(err)
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// CommitError says which partitions of a commit failed. The partitions that it does not name are
// committed.
type CommitError struct {
	Partitions map[record.TopicPartition]error
}

// Kind returns the worst kind of its partitions: Fenced before anything else, Retriable only when every
// partition's failure is.
func (e *CommitError) Kind() Kind {
	worst := Retriable
	for _, err := range e.Partitions {
		switch k := KindOf(err); {
		case k == Fenced:
			return Fenced
		case k != Retriable:
			worst = k
		}
	}
	return worst
}

// Error names one failed partition and how many there are.
func (e *CommitError) Error() string {
	var first record.TopicPartition
	n := 0
	for tp, err := range e.Partitions {
		less := tp.Topic < first.Topic || tp.Topic == first.Topic && tp.Partition < first.Partition
		if KindOf(err) == e.Kind() && (n == 0 || less) {
			first, n = tp, n+1
		}
	}
	if len(e.Partitions) == 1 {
		return e.Partitions[first].Error()
	}
	return fmt.Sprintf("%v (and %d more partitions)", e.Partitions[first], len(e.Partitions)-1)
}

// Is reports whether target is e's Kind.
func (e *CommitError) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind()
}
