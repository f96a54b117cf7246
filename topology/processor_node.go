package topology

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// NewProcessor returns the factory (see [Node.New]) of a node that runs a processor of the user's.
//
// An error or a panic in Process goes to the processing error policy. If that says to try again, Process is
// called again with the same record; what the failed try forwarded and stored stays, so a processor that is
// to be retried does both last.
func NewProcessor[KIn, VIn, KOut, VOut any](supplier processor.Supplier[KIn, VIn, KOut, VOut]) func(*Scope) (any, error) {
	return func(s *Scope) (any, error) {
		p, err := supply(supplier)
		if err != nil {
			return nil, fmt.Errorf("processor %q: %w", s.Node.Name, err)
		}
		out, err := markedOutlet[KOut, VOut](s)
		if err != nil {
			return nil, err
		}
		n := &processorNode[KIn, VIn, KOut, VOut]{
			name:      s.Node.Name,
			task:      s.Task,
			ctx:       processor.NewContext(s.Task, s.Node.Name, out),
			processor: p,
		}
		n.recaller, _ = s.Task.(processor.Recaller)
		return n, nil
	}
}

type processorNode[KIn, VIn, KOut, VOut any] struct {
	name      string
	task      processor.Task
	ctx       *processor.Context[KOut, VOut]
	processor processor.Processor[KIn, VIn, KOut, VOut]
	recaller  processor.Recaller // nil in tasks that do not say where records come from
}

// Init implements [Initializer].
func (n *processorNode[KIn, VIn, KOut, VOut]) Init() (err error) {
	defer n.wrap("init", &err)
	defer Recover(&err)
	if err := n.processor.Init(n.ctx); err != nil {
		return err
	}
	return n.ctx.TakeError()
}

// Process implements processor.Receiver.
func (n *processorNode[KIn, VIn, KOut, VOut]) Process(r record.Record[KIn, VIn]) {
	// What an operator before this one has held back, or given another time, is of that time: so are the change
	// records of the processor's stores.
	if n.recaller != nil && n.task.Timestamp() != r.Timestamp {
		source, known := n.task.Source()
		before := n.recaller.Recall(processor.Origin{Source: source, Known: known, Timestamp: r.Timestamp})
		defer n.recaller.Recall(before)
	}
	for tries := 1; !n.task.Failed(); tries++ {
		err := n.call(r)
		if err == nil || !n.task.Refuse(n.name, err, tries) {
			return
		}
	}
}

// call runs user code that forwards from inside itself, so this Recover does lie around Forward; it is kept
// harmless by every node below, which makes its own panics errors before they reach this one.
func (n *processorNode[KIn, VIn, KOut, VOut]) call(r record.Record[KIn, VIn]) (err error) {
	defer Recover(&err)
	err = n.processor.Process(r)
	if forward := n.ctx.TakeError(); err == nil {
		err = forward
	}
	return err
}

// Close implements [Closer].
func (n *processorNode[KIn, VIn, KOut, VOut]) Close() (err error) {
	defer n.wrap("close", &err)
	defer Recover(&err)
	return n.processor.Close()
}

func (n *processorNode[KIn, VIn, KOut, VOut]) wrap(operation string, err *error) {
	if *err != nil {
		*err = fmt.Errorf("%s processor %q: %w", operation, n.name, *err)
	}
}

func supply[KIn, VIn, KOut, VOut any](supplier processor.Supplier[KIn, VIn, KOut, VOut]) (p processor.Processor[KIn, VIn, KOut, VOut], err error) {
	if supplier == nil {
		return nil, errors.New("it has no supplier; pass a function that returns a new processor")
	}
	defer Recover(&err)
	if p = supplier(); isNil(p) {
		return nil, errors.New("its supplier returned nil; it must return a new processor at each call")
	}
	return p, nil
}

// CheckSupplier calls the supplier twice and reports whether it returns nil or the same processor again: a
// processor belongs to one task, and two tasks that share it would race on it.
func CheckSupplier[KIn, VIn, KOut, VOut any](supplier processor.Supplier[KIn, VIn, KOut, VOut]) error {
	a, err := supply(supplier)
	if err != nil {
		return err
	}
	b, err := supply(supplier)
	if err != nil {
		return err
	}
	// Only pointers have an identity to share state by; pointers to types of no size may be equal though
	// each is new.
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() == reflect.Pointer && x.Type() == y.Type() && x.Type().Elem().Size() > 0 && x.Pointer() == y.Pointer() {
		return fmt.Errorf("its supplier returned the same %T twice; it must return a new processor at each call", a)
	}
	return nil
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// markedOutlet is an [Outlet] that marks the nulls of records that user code made: it may forward a nil
// pointer without setting Record.Null, which the nodes below go by.
func markedOutlet[K, V any](s *Scope) (*processor.Outlet[K, V], error) {
	out, err := Outlet[K, V](s)
	key, value := record.NullnessOf[K](), record.NullnessOf[V]()
	if err != nil || !key.CanBeNull() && !value.CanBeNull() {
		return out, err
	}
	marked := new(processor.Outlet[K, V])
	for _, c := range s.children {
		marked.Add(c.name, &marker[K, V]{key: key, value: value, to: c.receiver.(processor.Receiver[K, V])})
	}
	return marked, nil
}

type marker[K, V any] struct {
	key   record.Nullness[K]
	value record.Nullness[V]
	to    processor.Receiver[K, V]
}

func (m *marker[K, V]) Process(r record.Record[K, V]) {
	if m.key.IsNull(&r.Key) {
		r.Null |= record.NullKey
	}
	if m.value.IsNull(&r.Value) {
		r.Null |= record.NullValue
	}
	m.to.Process(r)
}
