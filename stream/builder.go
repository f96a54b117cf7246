package stream

import (
	"errors"
	"fmt"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Builder collects the program that the functions of this package describe. It is used by one goroutine, at
// start-up. The order of the calls decides the generated names.
type Builder struct {
	plan  *plan.Graph
	built bool
}

// New returns an empty builder.
func New() *Builder { return &Builder{plan: plan.New()} }

// Optimization is a change to a program that saves topics or stores without changing its results. Each
// changes names of internal topics, so an application that has run with one keeps to it. Values are combined
// with |.
//
// Source: KAFKA-6761.
type Optimization uint8

const (
	// ReuseSourceTopics lets the topic that a table is read from serve as the changelog of its store. The
	// topic must be compacted.
	ReuseSourceTopics = Optimization(plan.ReuseSourceTopics)
	// MergeRepartitionTopics sends records that several operators need by the same new key through one
	// repartition topic. Those of [Repartition] and of grouped tables are left alone.
	MergeRepartitionTopics = Optimization(plan.MergeRepartitionTopics)
	// SingleStoreSelfJoin lets a join of a stream with itself keep its records once. Source: KIP-862.
	SingleStoreSelfJoin = Optimization(plan.SingleStoreSelfJoin)
	// OptimizeAll is every optimization, those of later versions included.
	OptimizeAll = ^Optimization(0)
)

// Build checks the program and returns it as a topology. All mistakes come together, each with the file and
// line of the call that made it. A builder builds once.
func (b *Builder) Build(optimize ...Optimization) (*topology.Topology, error) {
	if b.built {
		return nil, errors.New("build topology: the builder has been built; make a new one")
	}
	b.built = true
	var all Optimization
	for _, o := range optimize {
		all |= o
	}
	t := topology.NewBuilder()
	b.plan.Write(t, plan.Optimization(all))
	return t.Build()
}

// call is one call of a function of this package: where it was made, and what its options say.
type call struct {
	b       *Builder
	at      string
	options options
}

func (b *Builder) begin(operator string, opts []Option, allowed ...optionKind) *call {
	c := &call{b: b, at: topology.Caller()}
	for _, o := range opts {
		c.take(operator, o, allowed)
	}
	return c
}

func (c *call) fail(format string, args ...any) { c.b.plan.Fail(c.at, fmt.Errorf(format, args...)) }

// failEach reports each of the errors that a Validate has joined, if any, on a line of its own.
func (c *call) failEach(what string, err error) {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range all.Unwrap() {
			c.failEach(what, e)
		}
		return
	}
	if err != nil {
		c.fail("%s: %w", what, err)
	}
}

// name returns the node's name: the user's or a generated one, for which it uses up a number either way.
func (c *call) name(prefix string) string { return c.suffixed("", prefix) }

func (c *call) suffixed(suffix, prefix string) string {
	generated := c.b.plan.NewName(prefix)
	if c.options.name != "" {
		return c.options.name + suffix
	}
	return generated
}

// needKey reports a key type that stores cannot tell apart by content.
func needKey[K comparable](c *call, node string) {
	if err := statestore.ComparableByContent(typeOf[K]()); err != nil {
		c.fail("node %q keeps state by its key: %w", node, err)
	}
}

// needFunc reports a function that is nil; calling it would fail on the first record.
func (c *call) needFunc(node, what string, isNil bool) {
	if isNil {
		c.fail("node %q has no %s; pass a function that is not nil", node, what)
	}
}

// sameBuilder reports streams and tables of two programs that are brought together.
func (c *call) sameBuilder(node string, other *Builder) {
	if other != c.b {
		c.fail("node %q brings together streams of two builders; make both from one", node)
	}
}
