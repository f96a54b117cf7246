package app

import (
	"context"

	"github.com/leatstream/leat/record"
)

// A member that the group has dropped can learn of it as late as when it asks to join again: it is given another
// id, and the client goes on under that one with what it had. But the tasks were others' in between, and under the
// new id and generation a commit of them would be taken, over what the others have committed. So each entry knows
// the member that it was given to; under another id it counts as lost, and is taken up anew if it is this instance's
// again.

// given notes which member an entry belongs to.
func (g *group) given(e *entry) {
	if m := g.member.Load(); m != nil {
		if id, _ := m.Metadata(); id != "" {
			e.member.Store(&id)
		}
	}
}

// outdated tells that an entry was given to a member that this instance is no more.
func (g *group) outdated(e *entry) bool {
	m := g.member.Load()
	if m == nil {
		return false
	}
	id, _ := m.Metadata()
	return e.outdated(id)
}

// outdated is false while the instance is no member at all, when nothing can be committed.
func (e *entry) outdated(id string) bool {
	given := e.member.Load()
	return id != "" && given != nil && *given != id
}

// renew takes up the outdated tasks that the group has left with this instance, as if they came from another.
func (g *group) renew(ctx context.Context) {
	var tps []record.TopicPartition
	g.in.mu.Lock()
	for _, e := range g.in.tasks {
		if g.outdated(e) {
			tps = append(tps, e.inputs...)
		}
	}
	g.in.mu.Unlock()
	if len(tps) > 0 {
		g.release(tps, true)
		g.Assigned(ctx, tps)
	}
}
