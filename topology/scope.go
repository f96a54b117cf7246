package topology

import (
	"fmt"
	"reflect"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/statestore"
)

// Scope is what a node's factory sees when it makes the node's part of one task.
type Scope struct {
	// Task is the task that the node will run in.
	Task processor.Task
	// Node is the node to make.
	Node *Node

	children []child
}

type child struct {
	name     string
	receiver any
}

// NewScope returns the scope of one node; receivers are its children's running parts, in the order of
// Node.Children.
func NewScope(t processor.Task, n *Node, receivers []any) *Scope {
	s := &Scope{Task: t, Node: n}
	for i, r := range receivers {
		s.children = append(s.children, child{name: n.Children[i], receiver: r})
	}
	return s
}

// Outlet returns the way to the node's children, whose input types must be K and V.
func Outlet[K, V any](s *Scope) (*processor.Outlet[K, V], error) {
	out := new(processor.Outlet[K, V])
	for _, c := range s.children {
		r, ok := c.receiver.(processor.Receiver[K, V])
		if !ok {
			return nil, fmt.Errorf("node %q sends records of %s and %s, which its child %q, a %T, does not take", s.Node.Name, typeName[K](), typeName[V](), c.name, c.receiver)
		}
		out.Add(c.name, r)
	}
	return out, nil
}

// StoreOf returns a store of the node's task by the interface S that the node uses it with.
func StoreOf[S statestore.Store](s *Scope, name string) (S, error) {
	return StoreIn[S](nodeStores{s}, name)
}

type nodeStores struct{ s *Scope }

func (n nodeStores) Store(name string) (statestore.Store, error) {
	return n.s.Task.Store(n.s.Node.Name, name)
}

// typeName names a type, interfaces included, of which there is no value to print.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
