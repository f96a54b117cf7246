// Package topology is the graph that a leat application runs: sources, processors, sinks and stores, split
// into subtopologies. It owns validation, generated names, Kafka Streams' numbering of subtopologies and the
// texts of Describe and Mermaid.
//
// A [Builder] collects nodes; its Build checks everything and reports all problems together, each with the
// place in the user's code that made it. The result, a [Topology], is immutable. Package task makes its
// running parts, one set a task, through each node's factory.
//
// Package stream builds topologies from operators. To build one by hand, [From], [Process] and [To] connect
// sources, processors and sinks by typed handles. All three kinds of running parts are made here, by [NewSource],
// [NewProcessor] and [NewSink], and call user code (serdes, extractors, processors, partitioners) so that a
// panic in it is an error of its node.
package topology

import (
	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// Topology is a validated graph.
type Topology struct {
	// Subtopologies in the order of their ids, which are their indices; a group of global stores takes an
	// id too.
	Subtopologies []*Subtopology
	// Warnings are findings that do not keep the topology from running.
	Warnings []string
}

// Subtopology is a connected part of the graph: the unit that is split into tasks by partition.
type Subtopology struct {
	ID int
	// Nodes in the order in which they were added.
	Nodes []*Node
	// Stores in the order in which they were added.
	Stores []*Store
	// Repartitions are the internal topics that the subtopology reads.
	Repartitions []*Repartition
	// Copartitioned are sets of topics that must have equal numbers of partitions.
	Copartitioned [][]Topic
	// Global tells a group of global stores, which has no tasks.
	Global bool
}

// Sources returns the source nodes in order.
func (s *Subtopology) Sources() []*Node { return s.kind(Source) }

// Sinks returns the sink nodes in order.
func (s *Subtopology) Sinks() []*Node { return s.kind(Sink) }

func (s *Subtopology) kind(k Kind) []*Node {
	var out []*Node
	for _, n := range s.Nodes {
		if n.Kind == k {
			out = append(out, n)
		}
	}
	return out
}

// Topic is a topic's name as the topology knows it. An internal one becomes a full name with the
// application id.
type Topic struct {
	Name     string
	Internal bool
}

// For returns the topic's full name in an application.
func (t Topic) For(application string) string {
	if t.Internal {
		return application + "-" + t.Name
	}
	return t.Name
}

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Source Kind = iota
	Processor
	Sink
)

// Node is one node of the graph.
type Node struct {
	Name string
	Kind Kind
	// Topics are what a source reads; for a sink the one topic that it writes, none if it is chosen for
	// each record.
	Topics []Topic
	// Extractor names how a dynamic sink chooses its topic, for Describe.
	Extractor string
	// Stores are the names of the stores that a processor is connected to.
	Stores []string
	// Parents and Children are names of nodes, in the order in which they were connected.
	Parents  []string
	Children []string
	// Reset says where a source begins that has no committed offset.
	Reset OffsetReset
	// New makes the node's running part in one task: a [SourceNode] for a source, for the others a
	// processor.Receiver of the node's input types. What it returns may implement [Initializer] and
	// [Closer].
	New func(*Scope) (any, error)
	// Caller is the file and line of the user's code that made the node.
	Caller string
}

// OffsetReset says where to begin on a partition that has no committed offset.
type OffsetReset uint8

const (
	// ResetDefault takes the application's setting, which is the earliest offset if it has none.
	ResetDefault OffsetReset = iota
	// ResetEarliest begins with the oldest record.
	ResetEarliest
	// ResetLatest begins with the first record written from now on.
	ResetLatest
	// ResetNone stops with an error.
	ResetNone
)

// Repartition is an internal topic that carries records from one subtopology to another.
type Repartition struct {
	Topic Topic
	// Partitions is the number that the user asked for, 0 if it follows from the topics before it.
	Partitions int32
	// Config holds extra topic settings.
	Config map[string]string
	// Generated tells that the name was made of the place in the program, see [Topology.CheckNames].
	Generated bool
	// Caller is the file and line of the user's code that made the topic.
	Caller string
}

// Store describes a store.
type Store struct {
	Name string
	// Generated tells that the name was made of the place in the program, see [Topology.CheckNames].
	Generated bool
	Kind      changelog.Kind
	// Persistent stores live in the state directory, others in memory.
	Persistent bool
	// Logged stores have a changelog topic, unless Source names a topic that serves as one.
	Logged bool
	// Source is the source topic that serves as the changelog (an optimised table, a global store).
	Source string
	// Cached stores take part in the record cache.
	Cached bool
	// Config holds settings of the changelog topic beyond the usual.
	Config map[string]string
	// Retention is how long entries are kept, in milliseconds, for stores that expire.
	Retention int64
	// Nodes are the names of the processors that use the store.
	Nodes []string
	// New makes the store of one task.
	New func(statestore.Env) (statestore.Store, error)
	// Restore makes what brings the store's local state up to its changelog; nil for the kinds whose rows
	// changelog.Row knows.
	Restore func(statestore.Engine) (statestore.Restorer, error)
	// Caller is the file and line of the user's code that made the store.
	Caller string
}

// Changelog returns the store's changelog topic, and whether it has one.
func (s *Store) Changelog() (Topic, bool) {
	switch {
	case s.Source != "":
		return Topic{Name: s.Source}, true
	case s.Logged:
		return Topic{Name: s.Name + "-changelog", Internal: true}, true
	default:
		return Topic{}, false
	}
}

// SourceNode is the running part of a source in one task.
type SourceNode interface {
	// NewHead returns a place for the decoded first record of one partition's queue.
	NewHead() Head
}

// Head holds one decoded record.
type Head interface {
	// Decode reads key, value and timestamp of a record. partitionTime is the highest timestamp so far on
	// the partition, -1 if there is none. A negative timestamp ([Skipped]) without an error means that the
	// record is to be dropped and counted as processor.DropInvalidTimestamp. A [DecodeError] goes to the
	// deserialization policy, a [TimestampError] ends the task.
	Decode(r *record.Raw, partitionTime int64) (timestamp int64, err error)
	// Process sends the decoded record through the nodes below the source.
	Process()
}

// Initializer is implemented by running parts that must be called before the first record.
type Initializer interface{ Init() error }

// Closer is implemented by running parts that must be called after the last commit.
type Closer interface{ Close() error }
