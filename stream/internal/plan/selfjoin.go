package plan

// SelfJoin is what a join of two streams becomes if the two turn out to be one.
type SelfJoin struct {
	// Left and Right keep the records of each side.
	Left, Right *Node
	// Write adds the join in its other form, below Left alone.
	Write func(w *Writer, parents []string)
}

// joinItself lets a join whose sides have one parent do without the right side's store.
func (n *Node) joinItself() {
	if n.SelfJoin == nil || len(n.parents) != 1 {
		return
	}
	n.parents[0].removeChild(n.SelfJoin.Right)
	n.Write = n.SelfJoin.Write
}
