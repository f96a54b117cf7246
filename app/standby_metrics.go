package app

import "maps"

// StandbyMetrics are the figures of a task whose state the instance keeps up without running it.
type StandbyMetrics struct {
	Task string
	// Warmup tells that the task is to move here once the state has caught up.
	Warmup bool
	Stores map[string]StandbyStore
}

// StandbyStore are the figures of one store of a standby.
type StandbyStore struct {
	// Lag is the number of offsets that the store is behind its changelog, as last looked up.
	Lag int64
	// Applied is the number of change records applied since the standby began, Rate how many a second.
	Applied int64
	Rate    float64
}

// standby notes that the instance keeps a task up.
func (m *metrics) standby(id string, warmup bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.standbys == nil {
		m.standbys = make(map[string]*StandbyMetrics)
	}
	s := m.standbys[id]
	if s == nil {
		s = &StandbyMetrics{Task: id, Stores: make(map[string]StandbyStore)}
		m.standbys[id] = s
	}
	s.Warmup = warmup
}

func (m *metrics) dropStandby(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.standbys, id)
}

// update notes how far a standby's store is.
func (m *metrics) update(e RestoreEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.standbys[e.Task]; s != nil {
		s.Stores[e.Store] = StandbyStore{Lag: max(0, e.End-e.Position), Applied: e.Records, Rate: e.Rate}
	}
}

// copyOf returns a copy that is the caller's.
func (s *StandbyMetrics) copyOf() StandbyMetrics {
	out := StandbyMetrics{Task: s.Task, Warmup: s.Warmup, Stores: make(map[string]StandbyStore, len(s.Stores))}
	maps.Copy(out.Stores, s.Stores)
	return out
}
