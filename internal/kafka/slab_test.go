package kafka

import (
	"bytes"
	"context"
	"testing"
	"time"
)

func testSlabs(t *testing.T, maxRecords, maxBytes int) *slabs {
	t.Helper()
	d := newDeadlines(time.Minute)
	t.Cleanup(d.close)
	return newSlabs(maxRecords, maxBytes, d)
}

// try takes a production without waiting for room.
func try(g *slabs, key, value []byte) *production {
	p, err := g.take(looked, key, value)
	if err != nil {
		return nil
	}
	return p
}

var looked = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func TestSlabsBoundTheRecordsInFlight(t *testing.T) {
	g := testSlabs(t, 64, 1<<20)
	var out []*production
	for p := try(g, nil, []byte("x")); p != nil; p = try(g, nil, []byte("x")) {
		out = append(out, p)
	}
	if len(out) != 64 {
		t.Fatalf("%d records in flight, want 64", len(out))
	}
	for _, p := range out { // in order, so that slabs come back one after the other
		g.leave(p)
	}
	seen := map[*slab]bool{}
	for range 10_000 {
		p := try(g, nil, []byte("x"))
		if p == nil {
			t.Fatal("no room although nothing is in flight")
		}
		seen[p.slab] = true
		g.leave(p)
	}
	if len(seen) > 2 {
		t.Errorf("one record at a time uses %d slabs", len(seen))
	}
}

// A slab of which every production has come back while it is still being filled must not be given out twice.
func TestAFullSlabStaysUntilItIsReplaced(t *testing.T) {
	g := testSlabs(t, 32, 1<<20) // two records in a slab
	first := try(g, nil, []byte("a"))
	second := try(g, nil, []byte("b"))
	g.leave(first)
	g.leave(second)
	seen := map[*production]bool{}
	for range 32 {
		p := try(g, nil, []byte("c"))
		if p == nil || seen[p] {
			t.Fatalf("production %p was given out before it came back", p)
		}
		seen[p] = true
	}
}

func TestSlabsBoundTheBytesInFlight(t *testing.T) {
	g := testSlabs(t, 1024, 100)
	large := try(g, nil, make([]byte, 1000))
	if large == nil {
		t.Fatal("a record larger than the bound is not let in although nothing is in flight")
	}
	if try(g, nil, []byte("x")) != nil {
		t.Error("a record was let in beyond the bound")
	}
	g.leave(large)
	a := try(g, make([]byte, 30), make([]byte, 30))
	if a == nil {
		t.Fatal("no room after the large record came back")
	}
	if try(g, make([]byte, 30), make([]byte, 30)) != nil {
		t.Error("120 bytes in flight, want at most 100")
	}
	// The bytes of a slab count until all of it has come back, so a half-full one must not keep the room.
	g.leave(a)
	if try(g, make([]byte, 30), make([]byte, 30)) == nil {
		t.Error("no room after everything has come back")
	}
}

func TestSlabsCopyBytesAndKeepNothingLarge(t *testing.T) {
	g := testSlabs(t, 1024, 1<<30)
	key, value := []byte("key"), bytes.Repeat([]byte("v"), 3000)
	var out []*production
	for range g.records { // more than the slab's own buffer takes
		out = append(out, try(g, key, value))
	}
	key[0], value[0] = '!', '!'
	for i, p := range out {
		if string(p.record.Key) != "key" || p.record.Value[0] != 'v' || len(p.record.Value) != 3000 {
			t.Fatalf("record %d changed with the caller's bytes: %q", i, p.record.Key)
		}
	}
	s := out[0].slab
	for _, p := range out {
		g.leave(p)
	}
	held := 0
	for i := range s.productions {
		if s.productions[i].record.Value != nil {
			held++
		}
	}
	if room := cap(s.kept) / 3003; held > room {
		t.Errorf("%d records are held after they came back, the slab's own buffer has room for %d", held, room)
	}
	null, empty := try(g, nil, nil), try(g, []byte{}, []byte{})
	if null.record.Key != nil || null.record.Value != nil || empty.record.Key == nil || empty.record.Value == nil {
		t.Errorf("null became %v, %v, empty %v, %v", null.record.Key, null.record.Value, empty.record.Key, empty.record.Value)
	}
}
