package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatstream/leat/statestore"
)

// naive is what one store of one task ought to hold.
type naive struct {
	entries  map[string][]byte
	position statestore.Position
	known    bool
}

func (n *naive) clone() *naive {
	return &naive{entries: maps.Clone(n.entries), position: n.position, known: n.known}
}

func (n *naive) deleteRange(from, to []byte) {
	for k := range n.entries {
		if (from == nil || k >= string(from)) && (to == nil || k < string(to)) {
			delete(n.entries, k)
		}
	}
}

func (n *naive) list(from, to []byte, reverse bool) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(n.entries)) {
		if (from == nil || k >= string(from)) && (to == nil || k < string(to)) {
			out = append(out, fmt.Sprintf("%q=%q", k, n.entries[k]))
		}
	}
	if reverse {
		slices.Reverse(out)
	}
	return out
}

// random runs seeded operations on several stores of several tasks and holds them against naive maps.
func random(t *testing.T, in Instance, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	tasks, stores := []string{"0_0", "0_1", "3_7"}, []string{"counts", "counts-2"}
	backends := map[string]statestore.Backend{}
	engines := map[string]statestore.Engine{}
	model := map[string]*naive{}
	openAll := func() {
		for _, task := range tasks {
			backends[task] = in.Task(task)
			for _, store := range stores {
				engines[task+store] = engine(t, backends[task], store)
			}
		}
	}
	openAll()
	for _, task := range tasks {
		for _, store := range stores {
			model[task+store] = &naive{entries: map[string][]byte{}}
		}
	}
	key := func() []byte {
		k := make([]byte, r.IntN(4))
		for i := range k {
			k[i] = []byte{0, 1, 'a', 'b', 0xff}[r.IntN(5)]
		}
		return k
	}
	bound := func() []byte {
		if r.IntN(4) == 0 {
			return nil
		}
		return key()
	}
	for round := range 150 {
		task := tasks[r.IntN(len(tasks))]
		b := backends[task]
		next := map[string]*naive{}
		for _, store := range stores {
			next[store] = model[task+store].clone()
		}
		w := b.NewBatch()
		for range r.IntN(60) {
			store := stores[r.IntN(len(stores))]
			e, m := engines[task+store], next[store]
			switch p := r.IntN(100); {
			case p < 60:
				k, v := key(), bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(200))
				w.Set(e, k, v)
				m.entries[string(k)] = v
			case p < 90:
				k := key()
				w.Delete(e, k)
				delete(m.entries, string(k))
			case p < 95:
				from, to := bound(), bound()
				w.DeleteRange(e, from, to)
				m.deleteRange(from, to)
			default:
				m.position, m.known = statestore.Position{Next: r.Int64(), Topic: [16]byte{byte(r.Uint32())}, Time: r.Int64()}, true
				w.SetPosition(store, m.position)
			}
		}
		if r.IntN(5) > 0 {
			if err := w.Commit(); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			for store, m := range next {
				model[task+store] = m
			}
		}
		switch r.IntN(25) {
		case 0:
			store := stores[r.IntN(len(stores))]
			if err := b.Drop(store); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			model[task+store] = &naive{entries: map[string][]byte{}}
		case 1, 2:
			if in.Reopen != nil {
				in.Reopen()
				openAll()
			}
		}
		for _, task := range tasks {
			for _, store := range stores {
				e, m := engines[task+store], model[task+store]
				from, to, reverse := bound(), bound(), r.IntN(2) == 0
				if got, want := list(t, e, from, to, reverse), m.list(from, to, reverse); !slices.Equal(got, want) {
					t.Fatalf("round %d: task %s, store %s, [%q, %q), reverse %v:\n got %v\nwant %v",
						round, task, store, from, to, reverse, got, want)
				}
				for range 5 {
					k := key()
					got, ok, err := e.Get(k)
					value, there := m.entries[string(k)]
					if err != nil || ok != there || !bytes.Equal(got, value) {
						t.Fatalf("round %d: task %s, store %s: get %q = %q, %v, %v, want %q, %v",
							round, task, store, k, got, ok, err, value, there)
					}
				}
				if p, ok, err := backends[task].Position(store); p != m.position || ok != m.known || err != nil {
					t.Fatalf("round %d: task %s, store %s: position %v, %v, %v, want %v, %v",
						round, task, store, p, ok, err, m.position, m.known)
				}
			}
		}
	}
}
