package plan

import (
	"regexp"
	"strings"
)

// generated matches the names that get a repartition generated names of its nodes; all others, the user's
// among them, are prefixes of these names.
var generated = regexp.MustCompile(`^KSTREAM.*-[0-9]{10}$`)

// NewRepartition returns a repartition node whose names derive from name. It uses up three numbers, whether
// or not they end up in a name. The node is not in the graph yet.
func (g *Graph) NewRepartition(name string, r Repartition) *Node {
	topic := name
	if !strings.HasSuffix(topic, "-repartition") {
		topic += "-repartition"
	}
	sink := g.NewName("KSTREAM-SINK-")
	filter := g.NewName("KSTREAM-FILTER-")
	source := g.NewName("KSTREAM-SOURCE-")
	if !generated.MatchString(name) {
		sink, filter, source = topic+"-sink", topic+"-filter", topic+"-source"
	}
	r.Topic, r.Sink, r.Filter, r.Source = topic, sink, filter, source
	return &Node{Name: source, Repartition: &r}
}
