package topology

import (
	"fmt"

	"github.com/leatstream/leat/processor"
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
			return nil, fmt.Errorf("node %q sends %T, which its child %q does not take (it is a %T)", s.Node.Name, *new(processor.Receiver[K, V]), c.name, c.receiver)
		}
		out.Add(c.name, r)
	}
	return out, nil
}

// StoreOf returns a store of the node's task by the interface S that the node uses it with.
func StoreOf[S any](s *Scope, name string) (S, error) {
	var zero S
	st, err := s.Task.Store(s.Node.Name, name)
	if err != nil {
		return zero, err
	}
	typed, ok := st.(S)
	if !ok {
		return zero, fmt.Errorf("node %q uses store %q as a different type than it was made with (it is a %T)", s.Node.Name, name, st)
	}
	return typed, nil
}
