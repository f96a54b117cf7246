package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// heldTwin is what held is to do, in the plainest way: a list of updates by their last one.
type heldTwin struct {
	updates []twinUpdate
	bytes   int64
	sent    []string
}

type twinUpdate struct {
	key, old, new string // empty: null
	at            int64
	count         int
	bytes         int64
}

func (t *heldTwin) set(key, stored, value string, at, limit int64) {
	u := twinUpdate{key: key, old: stored}
	for i, x := range t.updates {
		if x.key == key {
			u = x
			t.updates = append(t.updates[:i], t.updates[i+1:]...)
			break
		}
	}
	t.bytes -= u.bytes
	u.new, u.at = value, at
	switch u.count++; u.count {
	case 1, 2, 4, 8, 16, 32, 64, 128:
		u.bytes = heldCost + int64(len(key)+len(value))
	}
	t.bytes += u.bytes
	if t.updates = append(t.updates, u); t.bytes > limit {
		t.flush()
	}
}

func (t *heldTwin) flush() {
	for _, u := range t.updates {
		if u.old != "" || u.new != "" {
			t.sent = append(t.sent, fmt.Sprintf("%s %s<%s@%d", u.key, u.new, u.old, u.at))
		}
	}
	t.updates, t.bytes = nil, 0
}

// sentChanges notes what comes in.
type sentChanges struct{ sent []string }

// Process implements processor.Receiver.
func (s *sentChanges) Process(r record.Record[string, change[string]]) {
	s.sent = append(s.sent, fmt.Sprintf("%s %s<%s@%d", r.Key, r.Value.new, r.Value.old, r.Timestamp))
}

// plainSizes counts the bytes of strings.
type plainSizes struct{ statestore.Store }

func (plainSizes) Size(key, value string, _ bool) int { return len(key) + len(value) }

func TestHeldAgainstTwin(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		limit := r.Int64N(6*heldCost) + 1
		cache := processor.NewCache(limit)
		got, twin := &sentChanges{}, &heldTwin{}
		out := new(processor.Outlet[string, change[string]])
		out.Add("out", got)
		h := &held[string, string]{
			task: &bareTask{}, cache: cache, out: out, old: true, size: plainSizes{},
			index: make(map[string]uint32), first: none, last: none,
		}
		stored := map[string]string{}
		for at := range int64(200) {
			if r.IntN(20) == 0 {
				h.Flush()
				twin.flush()
			}
			key, value := string(rune('a'+r.IntN(8))), ""
			if n := r.IntN(12); n > 3 {
				value = fmt.Sprintf("%0*d", n*4, at)
			}
			twin.set(key, stored[key], value, at, limit)
			i, fresh := h.take(key)
			if fresh {
				h.was(i, stored[key], 0, stored[key] != "")
			}
			if stored[key] = value; value == "" {
				delete(stored, key)
			}
			h.set(i, &change[string]{new: value, newNull: value == ""}, at, at, nil)
			if cache.Held() != twin.bytes || h.bytes != twin.bytes || len(h.index) != len(twin.updates) {
				t.Fatalf("seed %d, at %d: %d updates of %d bytes, the cache has %d; want %d of %d", seed, at, len(h.index), h.bytes, cache.Held(), len(twin.updates), twin.bytes)
			}
		}
		h.Flush()
		twin.flush()
		if diff := cmp.Diff(twin.sent, got.sent); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if cache.Held() != 0 {
			t.Fatalf("seed %d: %d bytes are left", seed, cache.Held())
		}
	}
}

// TestHeldIsDropped: a task that is given up takes nothing of the budget of others.
func TestHeldIsDropped(t *testing.T) {
	cache := processor.NewCache(1 << 20)
	cache.Add(100) // of another task's
	h := &held[string, string]{task: &bareTask{}, cache: cache, index: make(map[string]uint32), first: none, last: none}
	for _, key := range []string{"a", "b"} {
		i, _ := h.take(key)
		h.was(i, "", 0, false)
		h.set(i, &change[string]{new: "1"}, 0, 0, nil)
	}
	h.Drop()
	if n := cache.Held(); n != 100 {
		t.Errorf("%d bytes are held back, want 100", n)
	}
	h.Flush()
}
