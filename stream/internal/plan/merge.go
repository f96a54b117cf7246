package plan

import (
	"errors"
	"fmt"
	"slices"
)

var errReset = errors.New("one source has another offset reset than an earlier source of the same topics; give both the same")

// mergeSources makes one node of the sources that read the same topics: a topic can be read once.
func (g *Graph) mergeSources() {
	byTopic := map[string]*Node{}
	for _, n := range slices.Clone(g.root.children) {
		if n.Source == nil {
			continue
		}
		for _, topic := range n.Source.Topics {
			first, ok := byTopic[topic]
			if !ok {
				byTopic[topic] = n
				continue
			}
			if first == n {
				continue
			}
			if !sameTopics(first.Source.Topics, n.Source.Topics) {
				g.Fail(n.Source.Caller, fmt.Errorf("topic %q is read by two sources whose topics overlap without being the same (%q and %q); read each topic with one From and merge the streams", topic, first.Source.Topics, n.Source.Topics))
				break
			}
			g.mergeSource(first, n)
			break
		}
	}
}

func (g *Graph) mergeSource(first, n *Node) {
	if first.Source.Reset != n.Source.Reset {
		g.Fail(n.Source.Caller, fmt.Errorf("topics %q: %w", n.Source.Topics, errReset))
	}
	if first.Output != n.Output {
		g.Fail(n.Source.Caller, fmt.Errorf("topics %q are read as %v here and as %v at %s; a topic is read once, so use the same types", n.Source.Topics, n.Output, first.Output, first.Source.Caller))
	}
	for _, c := range slices.Clone(n.children) {
		n.removeChild(c)
		first.addChild(c)
	}
	g.root.removeChild(n)
	g.replaceCopartitioned(n.Name, first.Name)
}

func sameTopics(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

func (g *Graph) replaceCopartitioned(old, by string) {
	for i := range g.copartitioned {
		c := &g.copartitioned[i]
		at := slices.Index(c.sources, old)
		switch {
		case at < 0:
		case slices.Contains(c.sources, by):
			c.sources = slices.Delete(c.sources, at, at+1)
		default:
			c.sources[at] = by
		}
	}
}
