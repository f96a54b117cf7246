package sim

import "slices"

// follow begins and ends standbys as the last assignment says (app/standby.go). What is on disk passes between
// standby and active task by lying there; what is in memory is handed over.
func (in *instance) follow(wanted []taskID) {
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(id taskID) bool {
		return in.entry(id) != nil || len(in.run.topology.Subtopologies[id.subtopology].Stores) == 0
	})
	for _, e := range slices.Clone(in.standbys) {
		if in.run.cfg.Bug != StandbyGoesOn && !slices.Contains(wanted, e.id) {
			in.standbys = slices.DeleteFunc(in.standbys, func(x *entry) bool { return x == e })
		}
	}
	for _, id := range wanted {
		if !slices.ContainsFunc(in.standbys, func(e *entry) bool { return e.id == id }) {
			in.standbys = append(in.standbys, in.newEntry(id, in.left[id]))
			in.run.stats.Standbys++
		}
	}
	clear(in.left)
}

// promote ends a standby and returns what it has in memory, nil if there is none.
func (in *instance) promote(id taskID) *disk {
	for i, e := range in.standbys {
		if e.id == id {
			if in.run.cfg.Bug != StandbyGoesOn {
				in.standbys = slices.Delete(in.standbys, i, i+1)
			}
			in.run.stats.Promoted++
			return e.memory
		}
	}
	return nil
}

// update takes one step with a standby: it plans, or reads on, without an end. Of a source topic it reads what
// has been processed.
func (in *instance) update(e *entry) {
	r := in.run
	if !e.planned {
		in.plan(e)
		return
	}
	s := pick(&r.choices, e.stores)
	s.end = r.broker.log(s.changelog).end()
	if s.spec.Source != "" && r.cfg.Bug != StandbyAhead {
		o, _, err := r.broker.committedOffset(s.changelog, true)
		if err != nil {
			return
		}
		s.end = min(s.end, o.next)
	}
	if s.at < s.end {
		in.read(e, s)
		r.checkStores(in, e)
	}
}
