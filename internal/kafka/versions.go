package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fencedCommits is the version of TxnOffsetCommit from which on it carries the member's generation, so that a
// member that has lost its tasks cannot commit: brokers from 2.5 on. Source: KIP-447.
const fencedCommits = 3

// Transactions is what a cluster offers to those who write in transactions.
type Transactions struct {
	// Fenced tells that commits in a transaction are refused for members that have been replaced.
	Fenced bool
	// Version is the transaction.version that the cluster has finalized; 2 from Kafka 4.0 on if nobody has kept it
	// back. Below, a late request of an earlier transaction can become part of a later one. Source: KIP-890.
	Version int16
}

// Transactions asks a broker what it offers.
func (a *Admin) Transactions(ctx context.Context) (t Transactions, err error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "leat", "0"
	resp, err := req.RequestWith(ctx, a.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return t, classify("ask for the broker's versions", "", -1, err)
	}
	for _, k := range resp.ApiKeys {
		if k.ApiKey == keyTxnOffsetCommit {
			t.Fenced = k.MaxVersion >= fencedCommits
		}
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			t.Version = f.MaxVersionLevel
		}
	}
	return t, nil
}
