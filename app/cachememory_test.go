package app

import (
	"fmt"
	"testing"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

type cacheClock struct{}

func (cacheClock) Timestamp() int64 { return 0 }

// sharing is a store with a cache that shares memory, and how many keys it has been asked for.
func sharing(t *testing.T, m *cacheMemory) (s statestore.KeyValue[string, int64], caches *taskCaches, use func(keys int)) {
	t.Helper()
	b := statestore.NewMemory()
	e, err := b.Open("s")
	if err != nil {
		t.Fatal(err)
	}
	caches = m.task(1)
	s, err = statestore.NewKeyValue(statestore.Env{
		Name: "s", Engine: e, Context: cacheClock{}, Budget: caches, Fail: func(err error) { t.Error(err) },
	}, serde.String, serde.Int64)
	if err != nil {
		t.Fatal(err)
	}
	return s, caches, func(keys int) {
		for i := range keys {
			s.Put(fmt.Sprintf("key %9d", i), int64(i))
			if i%1000 == 999 {
				s.Flush()
				w := b.NewBatch()
				s.Write(w)
				if err := w.Commit(); err != nil {
					t.Error(err)
				}
				s.Written()
			}
		}
	}
}

// TestCachesShareMemory: one store may take all that is there until another wants its share, and a task that
// ends gives back what it had.
func TestCachesShareMemory(t *testing.T) {
	m := &cacheMemory{total: 8 << 20}
	_, first, useFirst := sharing(t, m)
	_, second, useSecond := sharing(t, m)
	useFirst(100_000)
	if first.held < m.total*3/4 || first.held > m.total {
		t.Errorf("the only store in use holds %d bytes of %d", first.held, m.total)
	}
	for range 3 {
		useSecond(50_000)
		useFirst(50_000)
	}
	for name, c := range map[string]*taskCaches{"first": first, "second": second} {
		if c.held < m.total/4 || c.held > m.total*3/4 {
			t.Errorf("the %s of two stores in use holds %d bytes of %d", name, c.held, m.total)
		}
	}
	if used := m.used.Load(); used != first.held+second.held || used > m.total*5/4 {
		t.Errorf("%d bytes are in use; the stores hold %d and %d of %d", used, first.held, second.held, m.total)
	}
	first.close()
	second.close()
	if used, stores := m.used.Load(), m.stores.Load(); used != 0 || stores != 0 {
		t.Errorf("%d bytes of %d stores are in use after the end, want none", used, stores)
	}
}
