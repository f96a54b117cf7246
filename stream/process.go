package stream

import (
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// Process runs a processor of the user's own. Grouping or joining what it returns goes through a repartition
// topic, since it may change keys; [ProcessValues] avoids that. Options: [Named], [Uses].
//
// Source: KIP-820.
func Process[K, V, K2, V2 any](s Stream[K, V], supplier processor.Supplier[K, V, K2, V2], opts ...Option) Stream[K2, V2] {
	c := s.b.begin("Process", opts, optName, optUses)
	out := process(c, s, supplier, "KSTREAM-PROCESSOR-")
	out.rekeyed = true
	return out
}

// ProcessValues runs a processor of the user's own that keeps the key of each record. Forwarding another key
// than that of the record in process is an error that ends the application. Options: [Named], [Uses].
func ProcessValues[K comparable, V, V2 any](s Stream[K, V], supplier processor.Supplier[K, V, K, V2], opts ...Option) Stream[K, V2] {
	c := s.b.begin("ProcessValues", opts, optName, optUses)
	return process(c, s, supplier, "KSTREAM-PROCESSVALUES-", fixKey[K, V, V2])
}

// process adds the node; what it makes goes through wrap, if given.
func process[K, V, K2, V2 any](c *call, s Stream[K, V], supplier processor.Supplier[K, V, K2, V2], prefix string, wrap ...func(processor.Supplier[K, V, K2, V2], *topology.Scope) (any, error)) Stream[K2, V2] {
	name := c.options.name
	if name == "" { // a given name uses up no number here
		name = c.b.plan.NewName(prefix)
	}
	if err := topology.CheckSupplier(supplier); err != nil {
		c.fail("node %q: %w", name, err)
	}
	newNode := topology.NewProcessor(supplier)
	if len(wrap) > 0 {
		newNode = func(sc *topology.Scope) (any, error) { return wrap[0](supplier, sc) }
	}
	n := &plan.Node{Name: name, Output: recordsOf[K2, V2](), Write: func(w *plan.Writer, parents []string) {
		w.AddProcessor(topology.Node{Name: name, Caller: c.at, New: newNode}, parents...)
	}}
	c.b.plan.Add(n, s.node)
	for _, st := range c.options.uses {
		if p := st.unmade(c, name); p != nil {
			c.b.plan.Use(name, p, c.at)
		}
	}
	return Stream[K2, V2]{&stream[K2, V2]{
		b: c.b, name: name, node: n, sources: s.sources, rekeyed: s.rekeyed,
		keys: inherit[K2](s.keys), values: inherit[V2](s.values),
	}}
}
