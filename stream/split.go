package stream

import (
	"strconv"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Splitter is a stream that is being split into branches.
//
//	split := stream.Split(orders)
//	large := split.Branch(func(_ string, o Order) bool { return o.Cents > 100_000 })
//	rest := split.Default()
//
// Branches are methods in place of functions: they change no type, and each is a variable of its own.
type Splitter[K, V any] struct {
	s        Stream[K, V]
	name     string
	node     *plan.Node
	branches []branch[K, V]
	closed   bool
}

// branch is a way out of a splitter. A default branch has no predicate.
type branch[K, V any] struct {
	name  string
	holds func(K, V) bool
}

// Split begins to split a stream. A record goes to the first of the branches made of the result whose
// predicate holds, or else to the default branch if there is one; records that go nowhere end here. A name
// ([Named]) is what the branches' names begin with.
func Split[K, V any](s Stream[K, V], opts ...Option) *Splitter[K, V] {
	c := s.b.begin("Split", opts, optName)
	sp := &Splitter[K, V]{s: s, name: c.name("KSTREAM-BRANCH-")}
	sp.node = &plan.Node{Name: sp.name, Output: recordsOf[K, V](), Write: processorNode(c, sp.name, sp.make)}
	c.b.plan.Add(sp.node, s.node)
	return sp
}

// Branch makes a branch of the records that no earlier branch took and that keep holds for. A name ([Named])
// is put behind that of the split; without it that is the number of the branch.
func (sp *Splitter[K, V]) Branch(keep func(key K, value V) bool, opts ...Option) Stream[K, V] {
	c := sp.s.b.begin("Branch", opts, optName)
	c.needFunc(sp.name, "predicate for branch "+strconv.Itoa(len(sp.branches)+1), keep == nil)
	if sp.closed {
		c.fail("node %q has a branch after its default branch; make the default branch last", sp.name)
	}
	return sp.add(c, keep, len(sp.branches)+1)
}

// Default makes the branch of the records that no other branch took. It is the last one.
func (sp *Splitter[K, V]) Default(opts ...Option) Stream[K, V] {
	c := sp.s.b.begin("Default", opts, optName)
	if sp.closed {
		c.fail("node %q has two default branches", sp.name)
	}
	sp.closed = true
	return sp.add(c, nil, 0)
}

func (sp *Splitter[K, V]) add(c *call, keep func(K, V) bool, number int) Stream[K, V] {
	name := sp.name + strconv.Itoa(number)
	if c.options.name != "" {
		name = sp.name + c.options.name
	}
	c.b.plan.NewName("") // uses up a number, though no name has it
	sp.branches = append(sp.branches, branch[K, V]{name, keep})
	n := &plan.Node{Name: name, Output: recordsOf[K, V](), Write: passThrough[K, V](c, name)}
	c.b.plan.Add(n, sp.node)
	out := *sp.s.stream
	out.name, out.node, out.joined = name, n, nil // its joins need a repartition of the branch, not of the whole
	return Stream[K, V]{&out}
}

func (sp *Splitter[K, V]) make(sc *topology.Scope, out *processor.Outlet[K, V]) (any, error) {
	n := &splitter[K, V]{out: out}
	for _, b := range sp.branches {
		n.branches = append(n.branches, splitBranch[K, V]{b.name, function[K, V, bool]{newNode(sc), plain(b.holds)}})
	}
	return n, nil
}

type splitter[K, V any] struct {
	out      *processor.Outlet[K, V]
	branches []splitBranch[K, V]
}

type splitBranch[K, V any] struct {
	name  string
	holds function[K, V, bool]
}

// Process implements processor.Receiver.
func (s *splitter[K, V]) Process(r record.Record[K, V]) {
	for i := range s.branches {
		b := &s.branches[i]
		take := b.holds.f == nil
		if !take {
			var ok bool
			if take, ok = b.holds.call(r.Key, r.Value); !ok {
				return
			}
		}
		if take {
			if err := s.out.ForwardTo(b.name, r); err != nil {
				b.holds.task.Fail(b.holds.name, err)
			}
			return
		}
	}
}
