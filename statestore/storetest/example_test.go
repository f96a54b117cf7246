package storetest_test

import (
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

// The suite on a backend in memory, which holds nothing beyond its life.
func ExampleBackend() {
	_ = func(t *testing.T) {
		storetest.Backend(t, func(t *testing.T) storetest.Instance {
			return storetest.Instance{Task: func(string) statestore.Backend { return statestore.NewMemory() }}
		})
	}
}
