package task

import (
	"slices"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/topology"
)

// heldTable is what the task holds back of the table in a store.
type heldTable struct {
	store   string
	updates processor.Held
	// rank is the place in the subtopology of the last node that makes updates of the table. Nodes come after
	// their parents.
	rank int
}

// Hold implements processor.Holder.
func (t *Task) Hold(node, store string, make func(*processor.Cache) processor.Held) processor.Held {
	if !t.Holds(store) {
		return nil
	}
	rank := 0
	for i, n := range t.sub.Nodes {
		if n.Name == node {
			rank = i
		}
	}
	at := slices.IndexFunc(t.held, func(h heldTable) bool { return h.store == store })
	if at < 0 {
		at = len(t.held)
		t.held = append(t.held, heldTable{store: store, updates: make(t.cfg.Cache)})
	}
	t.held[at].rank = max(t.held[at].rank, rank)
	updates := t.held[at].updates
	slices.SortStableFunc(t.held, func(a, b heldTable) int { return a.rank - b.rank })
	return updates
}

// HeldOf implements processor.Holder.
func (t *Task) HeldOf(store string) processor.Held {
	for _, h := range t.held {
		if h.store == store {
			return h.updates
		}
	}
	return nil
}

// Holds implements processor.Holder.
func (t *Task) Holds(store string) bool {
	return t.cfg.Cache != nil && slices.ContainsFunc(t.sub.Stores, func(s *topology.Store) bool { return s.Name == store && s.Cached })
}

// flushHeld sends on what is held back, tables above before those below, which may hold back in turn what
// follows from it.
func (t *Task) flushHeld() {
	done := len(t.outputs)
	for _, h := range t.held {
		h.updates.Flush()
	}
	if t.err != nil {
		t.outputs = t.outputs[:done]
	}
}

// Absorbed counts the updates of tables that have not been sent on because a later one of the same key came
// before the commit.
func (t *Task) Absorbed() (n int64) {
	for _, h := range t.held {
		n += h.updates.Absorbed()
	}
	return n
}

var _ processor.Holder = (*Task)(nil)
