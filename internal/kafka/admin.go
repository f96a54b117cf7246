package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Admin asks about and changes topics, offsets and groups. Its methods may be called concurrently. They
// block until the answer is there, ctx ends, or the request timeout of the Config has passed.
type Admin struct {
	cl *kgo.Client
}

// Connect checks that the cluster can be reached with cfg and returns an Admin for it. When no broker
// answers within the connect timeout, the error is of kind [Unreachable] and names the addresses; refused
// credentials are of kind [Unauthorized], a wrong Config is [Invalid].
func Connect(ctx context.Context, cfg Config) (*Admin, error) { panic("draft") }

// Close closes the connections. It must not be called while another method runs.
func (a *Admin) Close() { a.cl.Close() }

// Topic is what the cluster says about a topic.
type Topic struct {
	Name string
	// ID changes when the topic is deleted and made anew. Zero on brokers older than 2.8.
	ID [16]byte
	// Partitions is the number of partitions, 0 when the topic is missing.
	Partitions int32
	// Replication is the number of replicas of partition 0.
	Replication int
	// Missing tells that there is no topic of this name.
	Missing bool
}

// Topics describes the named topics; every name is in the result, one that does not exist with Missing set.
// With no names the result is empty. A topic that the principal may not describe is an error of kind
// [Unauthorized].
func (a *Admin) Topics(ctx context.Context, names ...string) (map[string]Topic, error) {
	panic("draft")
}

// TopicSpec is a topic to create.
type TopicSpec struct {
	Name       string
	Partitions int32
	// Replication is the replication factor; 0 and -1 mean the broker's default.
	Replication int16
	// Configs are the topic's configs, such as "cleanup.policy".
	Configs map[string]string
}

// CreateTopics creates the topics that do not exist yet and waits until every one of specs is known to the
// cluster with its partitions. A topic that exists already is left as it is, whatever its partitions and
// configs: compare with [Admin.Topics] and [Admin.TopicConfigs]. The errors of all topics come joined.
func (a *Admin) CreateTopics(ctx context.Context, specs ...TopicSpec) error { panic("draft") }

// TopicConfigs returns all configs in effect of each of the topics, defaults included.
func (a *Admin) TopicConfigs(ctx context.Context, names ...string) (map[string]map[string]string, error) {
	panic("draft")
}
