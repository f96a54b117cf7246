package task

import (
	"fmt"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// Global is a global store as the tasks of an instance see it: written elsewhere, from all partitions of its
// topic, and read by every node.
type Global struct {
	Spec *topology.Store
	// Engine is the store's engine. Each task has one of its own if they are run by several goroutines.
	Engine statestore.Engine
	// Version returns another number after each change of what Engine reads.
	Version func() uint64
}

// global returns the task's view of a global store, nil if there is none of that name.
func (t *Task) global(name string) (statestore.Store, error) {
	if st, ok := t.views[name]; ok {
		return st, nil
	}
	for _, g := range t.cfg.Globals {
		if g.Spec.Name != name {
			continue
		}
		st, err := g.Spec.New(statestore.Env{
			Name: name, Engine: g.Engine, Version: g.Version, Context: t, CacheEntries: t.cfg.CacheEntries,
			Budget: t.cfg.Caches,
			Fail:   func(err error) { t.fail("", err) },
		})
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", t.id, err)
		}
		if t.views == nil {
			t.views = make(map[string]statestore.Store)
		}
		t.views[name] = st
		return st, nil
	}
	return nil, nil
}
