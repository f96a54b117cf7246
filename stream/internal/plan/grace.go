package plan

import "fmt"

// WindowGrace returns how long the windows of the table that the node makes stay open for late records, in
// milliseconds: the longest grace period of the windowed aggregations above, to which every way up must lead.
func (n *Node) WindowGrace() (int64, error) {
	if n.Grace != nil {
		return *n.Grace, nil
	}
	longest := int64(0)
	for _, p := range n.parents {
		if len(p.parents) == 0 { // the root
			return 0, fmt.Errorf("the table comes from %q, which is not a windowed aggregation, so that it is not known when windows close; suppress the result of one", n.Name)
		}
		g, err := p.WindowGrace()
		if err != nil {
			return 0, err
		}
		longest = max(longest, g)
	}
	return longest, nil
}
