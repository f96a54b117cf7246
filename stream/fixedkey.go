package stream

import (
	"errors"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// fixKey makes the node of a processor that must not change keys: each child gets a guard that compares the
// key of what comes out with that of what went in. In punctuators there is nothing to compare with.
func fixKey[K comparable, V, V2 any](supplier processor.Supplier[K, V, K, V2], sc *topology.Scope) (any, error) {
	out, err := topology.Outlet[K, V2](sc)
	if err != nil {
		return nil, err
	}
	in := &keyInProcess[K]{node: newNode(sc)}
	var guards []any
	for _, child := range sc.Node.Children {
		guards = append(guards, &keyGuard[K, V2]{in, out, child})
	}
	return topology.NewProcessor(func() processor.Processor[K, V, K, V2] {
		p := supplier()
		if p == nil {
			return nil
		}
		return &fixedKey[K, V, V2]{p, in}
	})(topology.NewScope(sc.Task, sc.Node, guards))
}

type keyInProcess[K comparable] struct {
	node
	known bool
	key   K
	null  bool
}

type fixedKey[K comparable, V, V2 any] struct {
	processor.Processor[K, V, K, V2]
	in *keyInProcess[K]
}

// Process implements processor.Processor.
func (f *fixedKey[K, V, V2]) Process(r record.Record[K, V]) error {
	f.in.known, f.in.key, f.in.null = true, r.Key, r.Null.Key()
	err := f.Processor.Process(r)
	f.in.known = false
	return err
}

type keyGuard[K comparable, V any] struct {
	in    *keyInProcess[K]
	out   *processor.Outlet[K, V]
	child string
}

// Process implements processor.Receiver.
func (g *keyGuard[K, V]) Process(r record.Record[K, V]) {
	if g.in.known && (r.Key != g.in.key || r.Null.Key() != g.in.null) {
		g.in.task.Fail(g.in.name, errors.New("forward a record whose key is not that of the record in process; use Process in place of ProcessValues to change keys"))
		return
	}
	if err := g.out.ForwardTo(g.child, r); err != nil {
		g.in.task.Fail(g.in.name, err)
	}
}
