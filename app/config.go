package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/task"
	"github.com/leatstream/leat/topology"
)

// Config says what an application is and where it runs. Application, Brokers and Topology are required;
// every other field's zero value means its default. A Config is copied by [New] and may be reused.
type Config struct {
	// Application is the application id: the consumer group's name and the prefix of internal topics. All
	// instances of an application have the same one. Letters, digits, '.', '_' and '-'.
	Application string
	// Topology is what the application runs.
	Topology *topology.Topology
	// Brokers are addresses of brokers, "host:port".
	Brokers []string
	// TLS and SASL secure the connections.
	TLS  *tls.Config
	SASL *SASL
	// AllowPlaintextSASL permits SASL without TLS, which shows the credentials to the network.
	AllowPlaintextSASL bool
	// Dial opens connections to brokers in place of the net package, for tunnels and proxies. address is one of
	// Brokers, or what a broker advertises as its own. With TLS set too, the connection must speak TLS already.
	// It is called from several goroutines at once.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Instance, if set, makes the instance a static member of the group by this name, so that a restart
	// within the session timeout moves no task. It does not leave the group when Run ends. Source: KIP-345.
	Instance string
	// StayOnClose leaves the instance in the group when Run ends: its tasks stand still until the session timeout
	// has passed, also if the instance is back before, and go where their state is, so back to it if it is.
	// Otherwise they move at once. For restarts set Instance, which lets the tasks go on as soon as it is back.
	StayOnClose bool
	// Workers is the number of goroutines that run tasks. Default: the number of CPUs that Go may use.
	Workers int
	// StateDir is the directory under which the state lives, in a sub-directory named by the application id.
	// One instance uses it at a time. Default: "leat" in the user's cache directory.
	StateDir string
	// Memory is the budget in bytes for state: half for the typed caches of the tasks' stores, which share it,
	// the other half for the database's blocks and write buffers. Default 256 MiB.
	Memory int64
	// CacheEntries bounds the entries that the typed cache of each task's store holds, whatever their size; 0
	// bounds all caches together by Memory. The tasks that fill global stores have 16384 each beside it.
	CacheEntries int
	// RecordCache is the budget in bytes of the record cache, statestore.cache.max.bytes in Kafka Streams; each
	// worker has its share. With it, the updates of tables and aggregates are held back until the commit, or until
	// the share is full, and only the last one of each key is sent on. A worker that holds updates back commits
	// when CommitInterval has passed, not before for having nothing else to do; so that is how often a key goes on
	// at most. Who reads a store, as joins with streams do, finds the latest values in any case. Stores that are made
	// Uncached, versioned ones and windows that are emitted on close take no part. Default 0: every update is sent on at once.
	// Source: KIP-63, KIP-770.
	RecordCache int64
	// MaxUncommitted is how many bytes of state writes a worker collects before it commits early. Default
	// 64 MiB.
	MaxUncommitted int64

	// Standbys is how many copies of each task's state are kept up on other instances, as far as there are
	// any. A task whose instance is lost goes where a copy is, and restores only the tail. Default 0.
	// Standbys to RackTags count where the group's leader runs: give all instances the same.
	Standbys int
	// AcceptableLag is by how many change records an instance's state of a task may be behind for the task to
	// move there. One that is further behind gets a warm-up first: a copy that catches up while the task goes
	// on where it is. Default 10000. Source: KIP-441.
	AcceptableLag int64
	// MaxWarmups bounds the warm-ups in the whole application. Default 2; negative: tasks move without.
	MaxWarmups int
	// ProbingInterval is how long the group waits, at most, before it looks again whether tasks can move that
	// wait for a copy to catch up. An instance that has caught up tells by itself. Default 10 min.
	ProbingInterval time.Duration
	// Tags say where the instance is, as in {"zone": "a"}; at most five, with names up to 20 and values up to 30
	// characters. RackTags are the names of tags by which the copies of a task's state are spread, the most
	// important one first. Source: KIP-708.
	Tags     map[string]string
	RackTags []string

	// Guarantee is what holds after a failure. Default: AtLeastOnce.
	Guarantee Guarantee
	// CommitInterval is the longest time between two commits. Default 1 s, or 100 ms exactly once.
	CommitInterval time.Duration
	// CommitFloor is the shortest time between two commits. A worker that has processed all that its brokers have
	// commits without waiting for the interval, unless its record cache holds something back, but not sooner than
	// this, nor than twice the time that the shortest of the last four took. At least once, where outputs are seen
	// without it, it commits when no records have come for that long. Default 10 ms.
	CommitFloor time.Duration
	// TransactionTimeout is how long the broker lets a worker's transaction stay open. Default 10 s.
	TransactionTimeout time.Duration
	// SessionTimeout is how long the group waits for a sign of life of this instance before its tasks move
	// to others. Default 45 s.
	SessionTimeout time.Duration
	// ConnectTimeout is how long Run waits at its beginning for a broker to answer, before it returns an error
	// that names the addresses. Default 10 s. Later, TaskTimeout counts.
	ConnectTimeout time.Duration
	// StopTimeout bounds how long Run takes to commit and leave the group once it is to stop. Default 30 s.
	StopTimeout time.Duration
	// TaskTimeout is how long operations on the broker are retried before the application stops. Default 5 min.
	TaskTimeout time.Duration
	// MaxTaskIdle is how long a task that reads several topics waits for one that has no more records. 0
	// waits only for records that are on the broker already; negative never waits. Source: KIP-695.
	MaxTaskIdle time.Duration
	// RequireNames makes [New] refuse a topology with stores or internal topics whose names are generated, see
	// topology.Topology.CheckNames. Otherwise Run warns of them once. Source: KIP-1111.
	RequireNames bool
	// LogEveryUpdate writes each update of a store to its changelog, as Kafka Streams does without a record
	// cache. Otherwise, and for stores in the record cache, only the last update of a key before a commit is
	// written.
	LogEveryUpdate bool
	// Reset says where sources without a setting of their own begin when nothing has been committed for a
	// partition. Default: the earliest record.
	Reset topology.OffsetReset
	// Replication is the replication factor of internal topics. Default: the broker's default.
	Replication int16
	// TopicConfig are settings of all internal topics.
	TopicConfig map[string]string
	// RepartitionPurgeInterval is how often processed records are deleted from repartition topics. Default
	// 30 s; negative never.
	RepartitionPurgeInterval time.Duration
	// StateCleanupDelay is how long the local state of a task is kept after the task has moved away. Default
	// 10 min; negative for ever.
	StateCleanupDelay time.Duration
	// Linger is how long the producer waits for a batch to fill. Default 5 ms.
	Linger time.Duration

	// Deserialization is applied to records that cannot be read, Processing to errors and panics of user
	// code, Production to outputs that the broker does not take: larger than their topic allows, refused for
	// their contents or time, to a topic that is missing or may not be written to. For those the work since the
	// last commit is given up and done again, without them: exactly once it costs the other records nothing but
	// a moment, at least once they may count again, as after any failure. The default of all is to stop. What a change record of a store or a dead letter meets with, and,
	// of errors that are about single records, what a punctuator sent, stops the application in any case.
	Deserialization task.ErrorPolicy
	Processing      task.ErrorPolicy
	Production      task.ErrorPolicy

	// Logger receives one Info line for each change of state and warnings. Default: slog.Default().
	Logger *slog.Logger
	// OnState is called when the application's state changes, one call at a time.
	OnState func(from, to State)
	// OnRestore is called as stores are restored, one call at a time.
	OnRestore func(RestoreEvent)

	// flushInterval is the constant of that name unless a test sets it.
	flushInterval time.Duration
}

// Guarantee says what holds for the effects of each input record after a failure.
type Guarantee uint8

const (
	// AtLeastOnce: no input record is passed over; after a failure some are processed again.
	AtLeastOnce Guarantee = iota
	// ExactlyOnce: what a record leads to in output topics, changelogs, local state and committed offsets
	// happens once, as a whole, for readers of committed data. Brokers from 2.5 on. Side effects of user code
	// are not covered. Source: KIP-129, KIP-447.
	ExactlyOnce
)

// SASL says how to authenticate with the brokers.
type SASL = kafka.SASL

const (
	defaultMemory         = 256 << 20
	defaultMaxUncommitted = 64 << 20
	defaultCommit         = time.Second
	defaultCommitExactly  = 100 * time.Millisecond
	defaultCommitFloor    = 10 * time.Millisecond
	defaultTransaction    = 10 * time.Second
	defaultSession        = 45 * time.Second
	defaultStop           = 30 * time.Second
	defaultTask           = 5 * time.Minute
	defaultPurge          = 30 * time.Second
	defaultCleanup        = 10 * time.Minute
	defaultLinger         = 5 * time.Millisecond
	defaultLag            = 10_000
	defaultWarmups        = 2
	defaultProbing        = 10 * time.Minute
	// maxTopicName is Kafka's limit for a topic's name.
	maxTopicName = 249
)

var applicationID = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Validate reports every problem of the configuration at once.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("config: "+format, args...)) }
	switch {
	case c.Application == "":
		bad("Application is empty; set the application id")
	case !applicationID.MatchString(c.Application) || c.Application == "." || c.Application == "..":
		bad("Application %q: an application id has letters, digits, '.', '_' and '-' only", c.Application)
	}
	if c.Topology == nil {
		bad("Topology is nil; build one with package stream or topology")
	} else if longest := longestTopic(c.Application, c.Topology); len(longest) > maxTopicName {
		bad("Application %q makes topic names too long: %q has %d characters, Kafka takes %d", c.Application, longest, len(longest), maxTopicName)
	}
	if c.Topology != nil && c.RequireNames {
		if err := c.Topology.CheckNames(); err != nil {
			errs = append(errs, fmt.Errorf("config: RequireNames: %w", err))
		}
	}
	k := c.kafka()
	if err := k.Validate(); err != nil {
		errs = append(errs, err)
	}
	for _, n := range []struct {
		name string
		v    int64
	}{
		{"Workers", int64(c.Workers)},
		{"Memory", c.Memory},
		{"CacheEntries", int64(c.CacheEntries)},
		{"RecordCache", c.RecordCache},
		{"MaxUncommitted", c.MaxUncommitted},
		{"CommitInterval", int64(c.CommitInterval)},
		{"CommitFloor", int64(c.CommitFloor)},
		{"TransactionTimeout", int64(c.TransactionTimeout)},
		{"SessionTimeout", int64(c.SessionTimeout)},
		{"ConnectTimeout", int64(c.ConnectTimeout)},
		{"StopTimeout", int64(c.StopTimeout)},
		{"TaskTimeout", int64(c.TaskTimeout)},
		{"Standbys", int64(c.Standbys)},
		{"AcceptableLag", c.AcceptableLag},
		{"ProbingInterval", int64(c.ProbingInterval)},
		{"Linger", int64(c.Linger)},
		{"Deserialization.Retries", int64(c.Deserialization.Retries)},
		{"Processing.Retries", int64(c.Processing.Retries)},
		{"Production.Retries", int64(c.Production.Retries)},
	} {
		if n.v < 0 {
			bad("%s is negative; 0 means the default", n.name)
		}
	}
	if c.Memory > 0 && c.Memory < 16<<20 {
		bad("Memory is %d bytes; the state store needs at least 16 MiB", c.Memory)
	}
	if c.Guarantee > ExactlyOnce {
		bad("Guarantee is %d, which is none of the guarantees", c.Guarantee)
	}
	timeout, interval := c.TransactionTimeout, c.CommitInterval
	orDefault(&timeout, defaultTransaction)
	orDefault(&interval, defaultCommitExactly)
	if c.Guarantee == ExactlyOnce && timeout >= 0 && timeout <= interval {
		bad("TransactionTimeout %v is not longer than CommitInterval %v, so transactions would time out", timeout, interval)
	}
	errs = append(errs, c.validateTags()...)
	if c.Replication < -1 {
		bad("Replication is %d; set a positive number, or 0 for the broker's default", c.Replication)
	}
	if c.Reset > topology.ResetNone {
		bad("Reset is %d, which is none of the offset resets", c.Reset)
	}
	for _, p := range []struct {
		name string
		p    task.ErrorPolicy
	}{{"Deserialization", c.Deserialization}, {"Processing", c.Processing}, {"Production", c.Production}} {
		if p.p.Then > task.DeadLetter {
			bad("%s.Then is %d, which is none of the actions", p.name, p.p.Then)
		}
		if p.p.Then == task.DeadLetter && p.p.DeadLetterTopic == "" {
			bad("%s.Then is DeadLetter, but DeadLetterTopic is empty; name an existing topic", p.name)
		}
		if p.p.Handler != nil && p.p.Then != task.Fail {
			bad("%s sets both Handler and Then; the handler decides alone", p.name)
		}
	}
	if c.Deserialization.Retries > 0 {
		bad("Deserialization.Retries: bytes that cannot be read do not change; only processing is retried")
	}
	return errors.Join(errs...)
}

func longestTopic(app string, t *topology.Topology) string {
	longest := ""
	for _, sub := range t.Subtopologies {
		for _, n := range sub.Nodes {
			for _, topic := range n.Topics {
				if name := topic.For(app); len(name) > len(longest) {
					longest = name
				}
			}
		}
		for _, s := range sub.Stores {
			if topic, ok := s.Changelog(); ok && len(topic.For(app)) > len(longest) {
				longest = topic.For(app)
			}
		}
	}
	return longest
}

func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

func (c Config) withDefaults() (Config, error) {
	orDefault(&c.Workers, runtime.GOMAXPROCS(0))
	orDefault(&c.Memory, defaultMemory)
	orDefault(&c.MaxUncommitted, defaultMaxUncommitted)
	if c.Guarantee == ExactlyOnce {
		orDefault(&c.CommitInterval, defaultCommitExactly)
	}
	orDefault(&c.CommitInterval, defaultCommit)
	orDefault(&c.CommitFloor, defaultCommitFloor)
	orDefault(&c.TransactionTimeout, defaultTransaction)
	orDefault(&c.SessionTimeout, defaultSession)
	orDefault(&c.StopTimeout, defaultStop)
	orDefault(&c.TaskTimeout, defaultTask)
	orDefault(&c.RepartitionPurgeInterval, defaultPurge)
	orDefault(&c.StateCleanupDelay, defaultCleanup)
	orDefault(&c.Linger, defaultLinger)
	orDefault(&c.AcceptableLag, defaultLag)
	orDefault(&c.MaxWarmups, defaultWarmups)
	orDefault(&c.ProbingInterval, defaultProbing)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Reset == topology.ResetDefault {
		c.Reset = topology.ResetEarliest
	}
	if c.StateDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return c, fmt.Errorf("config: StateDir is empty and there is no default for it: %w; set StateDir", err)
		}
		c.StateDir = filepath.Join(dir, "leat")
	}
	return c, nil
}

func (c *Config) kafka() kafka.Config {
	return kafka.Config{
		Brokers: c.Brokers, ClientID: c.Application, TLS: c.TLS, SASL: c.SASL, AllowPlaintextSASL: c.AllowPlaintextSASL,
		Dialer: c.Dial, ConnectTimeout: c.ConnectTimeout, Logger: c.Logger,
	}
}
