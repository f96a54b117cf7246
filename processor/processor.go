// Package processor is the Processor API: what users write when the operators of package stream do not say
// what they need, and what those operators are made of.
//
// A [Processor] lives in one task and is called by one goroutine at a time. It receives records with
// Process, keeps state in the stores that it is connected to, and passes records on with [Context.Forward],
// which runs everything downstream before it returns. Records keep their types from source to sink; nothing
// is boxed on the way.
//
// # Failure
//
// An error returned from Process, or a panic in it, goes to the application's processing error policy
// (fail, skip, retry). Everything else that can go wrong below a processor (a store that cannot be read, a
// serde that refuses a value, a failure further downstream) is kept by the task: forwarding and stores turn
// into no-ops, what the record did is thrown away, nothing after the last commit is committed, and Run
// returns the error. So Forward and the stores need no error results.
//
// Source: KIP-478, KIP-820.
package processor

import (
	"fmt"

	"github.com/leatstream/leat/record"
)

// Processor handles the records that reach one node of one task.
type Processor[KIn, VIn, KOut, VOut any] interface {
	// Init is called once before the first record. It keeps ctx, gets its stores from it ([Context.Store]
	// by way of the store's handle) and schedules punctuators.
	Init(ctx *Context[KOut, VOut]) error
	// Process handles one record. An error goes to the processing error policy.
	Process(r record.Record[KIn, VIn]) error
	// Close is called once when the task leaves this instance, after its last commit. Stores can no longer
	// be written.
	Close() error
}

// Supplier makes the processor of each task. It must return a new one at each call.
type Supplier[KIn, VIn, KOut, VOut any] func() Processor[KIn, VIn, KOut, VOut]

// Func is a processor without state: Process of one function.
func Func[KIn, VIn, KOut, VOut any](f func(ctx *Context[KOut, VOut], r record.Record[KIn, VIn]) error) Supplier[KIn, VIn, KOut, VOut] {
	return func() Processor[KIn, VIn, KOut, VOut] { return &funcProcessor[KIn, VIn, KOut, VOut]{f: f} }
}

type funcProcessor[KIn, VIn, KOut, VOut any] struct {
	ctx *Context[KOut, VOut]
	f   func(*Context[KOut, VOut], record.Record[KIn, VIn]) error
}

func (p *funcProcessor[KIn, VIn, KOut, VOut]) Init(ctx *Context[KOut, VOut]) error {
	p.ctx = ctx
	return nil
}

func (p *funcProcessor[KIn, VIn, KOut, VOut]) Process(r record.Record[KIn, VIn]) error {
	return p.f(p.ctx, r)
}

func (p *funcProcessor[KIn, VIn, KOut, VOut]) Close() error { return nil }

// Receiver takes the records of one edge of the topology. Nodes implement it; users do not need to.
type Receiver[K, V any] interface {
	Process(r record.Record[K, V])
}

// Outlet is where a node's records go: its children in the order in which they were connected.
type Outlet[K, V any] struct {
	to    []Receiver[K, V]
	names []string
}

// Add connects one more child.
func (o *Outlet[K, V]) Add(name string, r Receiver[K, V]) {
	o.to = append(o.to, r)
	o.names = append(o.names, name)
}

// Forward hands r to every child.
func (o *Outlet[K, V]) Forward(r record.Record[K, V]) {
	for _, c := range o.to {
		c.Process(r)
	}
}

// ForwardTo hands r to the child of this name.
func (o *Outlet[K, V]) ForwardTo(child string, r record.Record[K, V]) error {
	for i, n := range o.names {
		if n == child {
			o.to[i].Process(r)
			return nil
		}
	}
	return fmt.Errorf("forward to %q: no such child; children are %q", child, o.names)
}
