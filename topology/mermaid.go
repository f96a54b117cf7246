package topology

import (
	"fmt"
	"strings"
)

// Mermaid returns the graph that [Topology.Describe] describes as a flowchart in Mermaid's language, which GitHub
// and most Markdown viewers draw: a subgraph for each subtopology, in it the sources as rounded boxes, the
// processors as boxes, the sinks as boxes with double sides and the stores as cylinders, joined to the processors
// that use them by a dotted line. Topics are hexagons outside of the subtopologies, each drawn once, so that an
// internal one shows as the way from one subtopology to another; they stand without the application id, and those
// that a sink chooses for each record are one hexagon that names who chooses. The text begins with "flowchart TD"
// and ends with a newline; equal topologies have equal texts.
//
// Source: https://mermaid.js.org/syntax/flowchart.html.
func (t *Topology) Mermaid() string {
	m := mermaid{ids: make(map[any]string), kinds: make(map[string]int)}
	m.WriteString("flowchart TD\n")
	for _, s := range t.Subtopologies {
		m.subtopology(s)
	}
	m.WriteString(m.topics.String())
	m.WriteString(m.flows.String())
	return m.String()
}

// mermaid collects the text of a flowchart. What lies outside of the subgraphs is held back: a node belongs to the
// first subgraph that names it.
type mermaid struct {
	strings.Builder
	topics, flows strings.Builder
	// ids are the names that a mermaidNode, mermaidStore or Topic has in the text, numbered by kind. Names of the
	// graph are only in labels: as ids they could be words of the language.
	ids   map[any]string
	kinds map[string]int
}

type (
	mermaidNode  string
	mermaidStore string
)

func (m *mermaid) subtopology(s *Subtopology) {
	label := fmt.Sprintf("Sub-topology: %d", s.ID)
	if s.Global {
		label += " for global store"
	}
	fmt.Fprintf(m, "  subgraph sub%d[%s]\n", s.ID, mermaidText(label))
	nodes := newDescription(s).nodes()
	for _, n := range nodes {
		m.node(n.node)
	}
	for _, st := range s.Stores {
		fmt.Fprintf(m, "    %s[(%s)]\n", m.id("store", mermaidStore(st.Name)), mermaidText(st.Name))
	}
	for _, n := range nodes {
		from := m.id("node", mermaidNode(n.node.Name))
		for _, to := range n.successors.items() {
			fmt.Fprintf(m, "    %s --> %s\n", from, m.id("node", mermaidNode(to.node.Name)))
		}
		for _, st := range storeOrder(n.node.Stores) {
			fmt.Fprintf(m, "    %s -.- %s\n", from, m.id("store", mermaidStore(st)))
		}
	}
	m.WriteString("  end\n")
}

func (m *mermaid) node(n *Node) {
	id, label := m.id("node", mermaidNode(n.Name)), mermaidText(n.Name)
	switch n.Kind {
	case Source:
		fmt.Fprintf(m, "    %s([%s])\n", id, label)
		for _, topic := range n.Topics {
			fmt.Fprintf(&m.flows, "  %s --> %s\n", m.topic(topic), id)
		}
	case Processor:
		fmt.Fprintf(m, "    %s[%s]\n", id, label)
	case Sink:
		fmt.Fprintf(m, "    %s[[%s]]\n", id, label)
		topic := Topic{Name: "chosen by " + n.Extractor}
		if len(n.Topics) > 0 {
			topic = n.Topics[0]
		}
		fmt.Fprintf(&m.flows, "  %s --> %s\n", id, m.topic(topic))
	}
}

func (m *mermaid) topic(t Topic) string {
	_, drawn := m.ids[t]
	id := m.id("topic", t)
	if !drawn {
		fmt.Fprintf(&m.topics, "  %s{{%s}}\n", id, mermaidText(t.Name))
	}
	return id
}

// id returns the short name of a thing in the text, which is new at its first use.
func (m *mermaid) id(kind string, thing any) string {
	id, ok := m.ids[thing]
	if !ok {
		id = fmt.Sprintf("%s%d", kind, m.kinds[kind])
		m.ids[thing] = id
		m.kinds[kind]++
	}
	return id
}

// mermaidEscapes are the characters that would end a label or be taken for Markdown, HTML or an escape in it.
var mermaidEscapes = strings.NewReplacer(
	`"`, "#quot;", "#", "#35;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;", "\\", "#92;", "\n", " ", "\r", " ",
)

func mermaidText(label string) string { return `"` + mermaidEscapes.Replace(label) + `"` }
