package plan

import (
	"container/heap"
	"fmt"
	"slices"

	"github.com/leatstream/leat/topology"
)

// Target is the part of topology.Builder that a graph is written to.
type Target interface {
	AddSource(n topology.Node)
	AddProcessor(n topology.Node, parents ...string)
	AddSink(n topology.Node, parents ...string)
	AddStore(s topology.Store, nodes ...string)
	Connect(store string, nodes ...string)
	AddGlobal(s topology.Store, source, update topology.Node)
	AddRepartition(r topology.Repartition)
	CopartitionFor(caller string, sources ...string)
	Fail(caller string, err error)
}

// Writer adds nodes to a target and keeps the stores apart that several nodes share.
type Writer struct {
	Target
	stores    map[string]*Store
	generated func(name string) bool
}

// AddStore connects the processors of these names to s, and adds it when it comes for the first time.
func (w *Writer) AddStore(s *Store, nodes ...string) {
	if w.stores[s.Name] == s {
		w.Connect(s.Name, nodes...)
		return
	}
	if w.stores[s.Name] == nil {
		w.stores[s.Name] = s
	}
	s.Generated = w.generated(s.Name)
	w.Target.AddStore(s.Store, nodes...)
}

// AddRepartition adds an internal topic.
func (w *Writer) AddRepartition(r topology.Repartition) {
	r.Generated = w.generated(r.Topic.Name)
	w.Target.AddRepartition(r)
}

// AddGlobal adds a global store.
func (w *Writer) AddGlobal(s topology.Store, source, update topology.Node) {
	s.Generated = w.generated(s.Name)
	w.Target.AddGlobal(s, source, update)
}

// Store returns the store of a name that has been added, nil if there is none.
func (w *Writer) Store(name string) *Store { return w.stores[name] }

// Write optimises the graph and adds it to the target, in the order in which the nodes were made as far as
// their parents allow, and with it all mistakes. The graph must not be used afterwards.
func (g *Graph) Write(t Target, o Optimization) {
	g.mergeSources()
	g.optimize(o)
	g.tellVersioned()
	w := &Writer{Target: t, stores: map[string]*Store{}, generated: g.isGenerated}
	queue := &byPriority{g.root}
	for queue.Len() > 0 {
		n := heap.Pop(queue).(*Node)
		if !n.written && !slices.ContainsFunc(n.parents, func(p *Node) bool { return !p.written }) {
			n.write(w)
			n.written = true
		}
		for _, c := range n.children {
			heap.Push(queue, c)
		}
	}
	for _, u := range g.uses {
		w.use(u)
	}
	for _, c := range g.copartitioned {
		t.CopartitionFor(c.caller, c.sources...)
	}
	for _, m := range g.mistakes {
		t.Fail(m.caller, m.err)
	}
}

func (n *Node) write(w *Writer) {
	switch {
	case n.Source != nil:
		w.AddSource(n.Source.node(n.Name))
	case n.TableSource != nil:
		n.TableSource.write(w, n.Name)
	case n.Repartition != nil:
		n.Repartition.write(w, n.parentNames())
	case n.Write != nil:
		n.Write(w, n.parentNames())
	}
}

func (s *Source) node(name string) topology.Node {
	n := topology.Node{Name: name, Reset: s.Reset, New: s.New, Caller: s.Caller}
	for _, t := range s.Topics {
		n.Topics = append(n.Topics, topology.Topic{Name: t})
	}
	return n
}

func (s *TableSource) write(w *Writer, name string) {
	w.AddSource(s.node(s.Name))
	w.AddProcessor(topology.Node{Name: name, New: s.NewTable, Caller: s.Caller}, s.Name)
	if st := s.Store(); st != nil {
		if s.reuse {
			st.Source = s.Topics[0]
			st.Logged = false
		}
		w.AddStore(st, name)
	}
}

func (r *Repartition) write(w *Writer, parents []string) {
	if r.Missing != nil {
		w.Fail(r.Caller, r.Missing)
	}
	topic := topology.Topic{Name: r.Topic, Internal: true}
	w.AddRepartition(topology.Repartition{Topic: topic, Partitions: r.Partitions, Caller: r.Caller})
	if r.Filter != "" {
		w.AddProcessor(topology.Node{Name: r.Filter, New: r.NewFilter(!r.keepNullKeys), Caller: r.Caller}, parents...)
		parents = []string{r.Filter}
	}
	w.AddSink(topology.Node{Name: r.Sink, Topics: []topology.Topic{topic}, New: r.NewSink, Caller: r.Caller}, parents...)
	w.AddSource(topology.Node{Name: r.Source, Topics: []topology.Topic{topic}, New: r.NewSource, Caller: r.Caller})
}

func (w *Writer) use(u use) {
	made, ok := w.stores[u.store.Name]
	if !ok {
		w.AddStore(u.store, u.node)
		return
	}
	if made.Keys != u.store.Keys || made.Values != u.store.Values {
		w.Fail(u.caller, fmt.Errorf("node %q uses store %q with keys %v and values %v, but it was made with keys %v and values %v; use one handle for both", u.node, made.Name, u.store.Keys, u.store.Values, made.Keys, made.Values))
		return
	}
	w.Connect(made.Name, u.node)
}

// byPriority is a heap of nodes in the order in which they were made.
type byPriority []*Node

func (q byPriority) Len() int           { return len(q) }
func (q byPriority) Less(i, j int) bool { return q[i].priority < q[j].priority }
func (q byPriority) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byPriority) Push(n any)        { *q = append(*q, n.(*Node)) }
func (q *byPriority) Pop() any {
	old := *q
	n := old[len(old)-1]
	*q = old[:len(old)-1]
	return n
}
