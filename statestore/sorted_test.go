package statestore_test

import (
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

// sorting is a backend whose batches are sorted.
type sorting struct{ statestore.Backend }

func (s sorting) NewBatch() statestore.Batch { return statestore.NewSorted(s.Backend.NewBatch()) }

// TestSorted: a sorted batch does what another one does.
func TestSorted(t *testing.T) {
	storetest.Backend(t, func(*testing.T) storetest.Instance {
		tasks := make(map[string]statestore.Backend)
		return storetest.Instance{Task: func(name string) statestore.Backend {
			if tasks[name] == nil {
				tasks[name] = sorting{statestore.NewMemory()}
			}
			return tasks[name]
		}}
	})
}
