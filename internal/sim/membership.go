package sim

import "slices"

// hear lets the instance's membership learn what the group has for it (app/group.go). While it waits for tasks
// to be released it hears nothing.
func (in *instance) hear() {
	g := &in.run.broker.group
	m := g.member(in.member)
	switch {
	case in.then != nil:
	case m == nil: // it was taken for dead
		in.run.trace("%s hears that it is out", in.name)
		in.member, in.generation = "", -1
		in.release(in.ids(), true, func() { in.join() })
	case m.news != nil:
		news := m.news
		m.news = nil
		in.generation, in.live = news.generation, news.live
		m.releasing = true
		in.run.trace("%s hears: generation %d, add %v, revoke %v", in.name, news.generation, news.add, news.revoke)
		in.release(news.revoke, false, func() {
			m.releasing = false
			for _, id := range news.revoke {
				if g.owner[id] == m {
					delete(g.owner, id)
					g.unbalanced = true
				}
			}
			for _, id := range news.add {
				if in.entry(id) == nil {
					e := in.newEntry(id, in.promote(id))
					e.worker = slices.MinFunc(in.workers, func(a, b *worker) int { return a.load - b.load })
					e.worker.load++
					in.tasks = append(in.tasks, e)
					in.restoring = append(in.restoring, e)
				}
			}
			in.follow(news.standby)
		})
	}
}

func (in *instance) entry(id taskID) *entry {
	for _, e := range in.tasks {
		if e.id == id {
			return e
		}
	}
	return nil
}

func (in *instance) ids() (ids []taskID) {
	for _, e := range in.tasks {
		ids = append(ids, e.id)
	}
	return ids
}

// release gives tasks up; then is called when none of their workers has them any more.
func (in *instance) release(ids []taskID, lost bool, then func()) {
	in.then = then
	running := make(map[*worker][]*entry)
	for _, id := range ids {
		e := in.entry(id)
		if e == nil {
			continue
		}
		e.gone = true
		e.lost = e.lost || lost
		in.releasing = append(in.releasing, e)
		if !in.cancel(e) {
			running[e.worker] = append(running[e.worker], e)
		}
	}
	var done []*entry
	for _, e := range in.releasing {
		if !slices.Contains(running[e.worker], e) {
			done = append(done, e)
		}
	}
	for _, w := range in.workers {
		if es := running[w]; len(es) > 0 {
			w.commands = append(w.commands, command{release: es})
		}
	}
	in.released(done)
}

// released notes tasks that are with nobody any more.
func (in *instance) released(es []*entry) {
	for _, e := range es {
		in.releasing = slices.DeleteFunc(in.releasing, func(x *entry) bool { return x == e })
		in.tasks = slices.DeleteFunc(in.tasks, func(x *entry) bool { return x == e })
		e.worker.load--
		in.left[e.id] = e.memory
	}
	if then := in.then; then != nil && len(in.releasing) == 0 {
		in.then = nil
		then()
	}
}
