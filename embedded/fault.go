package embedded

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault makes the broker refuse requests, to try what an application does then. Fields that are set must all
// fit; what a request is about is refused without having been done.
type Fault struct {
	// Request is the request's name in Kafka's protocol, such as "Produce" or "OffsetCommit".
	Request string
	// Topic, Group and TransactionalID are what it is about.
	Topic, Group, TransactionalID string
	// Containing limits a fault of Produce to batches that have these bytes in them; they must not be compressed.
	Containing string
	// Error is the error's name in Kafka's protocol, such as "TOPIC_AUTHORIZATION_FAILED".
	Error string
	// Count is how many requests are refused; 0 means one, a negative number all until the fault is lifted.
	Count int
}

// Fault begins to refuse requests. lift ends it; hits tells how many have been refused.
func (b *Broker) Fault(f Fault) (lift func(), hits func() int, err error) {
	fault := kfake.Fault{Topic: f.Topic, Group: f.Group, TxnID: f.TransactionalID, Count: f.Count}
	for key := range int16(kmsg.MaxKey) {
		if kmsg.NameForKey(key) == f.Request {
			fault.Keys = []kmsg.Key{kmsg.Key(key)}
		}
	}
	if fault.Keys == nil {
		return nil, nil, fmt.Errorf("embedded broker: fault: there is no request %q; use a name of Kafka's protocol such as Produce", f.Request)
	}
	for code := range int16(200) {
		if e := kerr.TypedErrorForCode(code); e != nil && e.Message == f.Error {
			fault.Err = e
		}
	}
	if fault.Err == nil {
		return nil, nil, fmt.Errorf("embedded broker: fault: there is no error %q; use a name of Kafka's protocol such as INVALID_RECORD", f.Error)
	}
	if f.Containing != "" {
		fault.When = func(req kmsg.Request) bool { return contains(req, f.Containing) }
	}
	h := b.cluster.Fault(fault)
	return h.Remove, h.Hits, nil
}

// contains tells whether a produce request has these bytes in one of its batches.
func contains(req kmsg.Request, what string) bool {
	produce, ok := req.(*kmsg.ProduceRequest)
	if !ok {
		return false
	}
	for i := range produce.Topics {
		for j := range produce.Topics[i].Partitions {
			if bytes.Contains(produce.Topics[i].Partitions[j].Records, []byte(what)) {
				return true
			}
		}
	}
	return false
}

// MoveLeaders gives partitions other leaders, at random, where there are several nodes.
func (b *Broker) MoveLeaders() { b.cluster.ShufflePartitionLeaders() }

// MoveCoordinators gives groups and transactions other coordinators, at random, where there are several nodes.
func (b *Broker) MoveCoordinators() { b.cluster.RehashCoordinators() }
