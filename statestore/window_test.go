package statestore_test

import (
	"testing"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/storetest"
)

func TestWindowsInMemory(t *testing.T) {
	storetest.Window(t, 1000, func(*testing.T) storetest.Instance {
		return storetest.Instance{Task: func(string) statestore.Backend { return statestore.NewMemory() }}
	})
}
