package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/leatstream/leat/statestore"
)

func sideBySide(t *testing.T, in Instance) {
	tasks := []string{"0_0", "0_1", "0_10", "1_0", "10_0"}
	stores := []string{"a", "ab", "a-b", "", "ünïcode"}
	engines := map[string]statestore.Engine{}
	for _, task := range tasks {
		b := in.Task(task)
		w := b.NewBatch()
		for _, store := range stores {
			e := engine(t, b, store)
			engines[task+"/"+store] = e
			w.Set(e, []byte("k"), []byte(task+"/"+store))
			w.Set(e, []byte("\xff\xff"), []byte("last"))
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if again := engine(t, b, "a"); again == nil {
			t.Fatal("a store opens only once")
		} else {
			want(t, again, "k", []byte(task+"/a"))
		}
	}
	for name, e := range engines {
		wantAll(t, e, fmt.Sprintf("%q=%q", "k", name), `"\xff\xff"="last"`)
	}
}

func drop(t *testing.T, in Instance) {
	b := in.Task("0_0")
	e, other := engine(t, b, "s"), engine(t, b, "other")
	fill := func(w statestore.Batch) {
		for _, e := range []statestore.Engine{e, other} {
			for _, k := range edges {
				w.Set(e, []byte(k), []byte("v"))
			}
		}
		w.SetPosition("s", statestore.Position{Next: 5})
		w.SetPosition("other", statestore.Position{Next: 6})
	}
	write(t, b, fill)
	if err := b.Drop("s"); err != nil {
		t.Fatal(err)
	}
	wantAll(t, e)
	want(t, e, "a", nil)
	want(t, other, "a", []byte("v"))
	if _, ok, err := b.Position("s"); ok || err != nil {
		t.Fatalf("a dropped store has a position (%v)", err)
	}
	if p, ok, err := b.Position("other"); !ok || p.Next != 6 || err != nil {
		t.Fatalf("position of the other store: %v, %v, %v", p, ok, err)
	}
	if err := b.Drop("was never there"); err != nil {
		t.Fatal(err)
	}
	write(t, b, func(w statestore.Batch) { w.Set(e, []byte("new"), []byte("life")) })
	wantAll(t, e, `"new"="life"`)
	if in.Reopen != nil {
		in.Reopen()
		b := in.Task("0_0")
		wantAll(t, engine(t, b, "s"), `"new"="life"`)
		want(t, engine(t, b, "other"), "a", []byte("v"))
	}
}

// byteSlices checks who owns what: arguments are copied, results are good for as long as the contract says.
func byteSlices(t *testing.T, in Instance) {
	b := in.Task("0_0")
	e := engine(t, b, "s")
	key, value := []byte("key"), []byte("value")
	w := b.NewBatch()
	w.Set(e, key, value)
	copy(key, "xxx")
	copy(value, "xxxxx")
	w.Set(e, []byte("other"), []byte("O"))
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	want(t, e, "key", []byte("value"))

	// Setting a value that was just read, to another key and to its own.
	got, _, err := e.Get([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	w.Set(e, []byte("copy"), got)
	w.Set(e, []byte("key"), got[:3])
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	want(t, e, "copy", []byte("value"))
	want(t, e, "key", []byte("val"))

	// Bounds are copied; a key and a value stay until Next; appending to one harms nothing.
	from := []byte("key")
	it := e.Iterate(from, nil, false)
	copy(from, "zzz")
	for i, wantKey := range []string{"key", "other"} {
		if !it.Next() || string(it.Key()) != wantKey {
			t.Fatalf("entry %d is %q, want %q (%v)", i, it.Key(), wantKey, it.Err())
		}
		k, v := it.Key(), bytes.Clone(it.Value())
		_ = append(k[:len(k):len(k)], "garbage"...)
		if string(k) != wantKey || !bytes.Equal(it.Value(), v) {
			t.Fatal("key or value changed before Next")
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}

	// Several iterators at a time, and one left before its end.
	outer := e.Iterate(nil, nil, false)
	n := 0
	for outer.Next() {
		inner := e.Iterate(nil, nil, true)
		if !inner.Next() || string(inner.Key()) != "other" {
			t.Fatalf("inner iterator begins with %q", inner.Key())
		}
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := outer.Close(); err != nil || n != 3 {
		t.Fatalf("%d entries, %v", n, err)
	}
}

func misuse(t *testing.T, in Instance) {
	b, foreign := in.Task("0_0"), in.Task("0_1")
	e, f := engine(t, b, "s"), engine(t, foreign, "s")
	w := b.NewBatch()
	w.Set(e, []byte("a"), []byte("1"))
	w.Set(f, []byte("a"), []byte("1"))
	w.SetPosition("s", statestore.Position{Next: 1})
	if err := w.Commit(); err == nil {
		t.Fatal("a batch takes writes to another task's store")
	}
	wantAll(t, e)
	wantAll(t, f)
	if _, ok, _ := b.Position("s"); ok {
		t.Fatal("a batch that failed left a position")
	}
	w.Set(e, []byte("b"), []byte("2"))
	if err := w.Commit(); err != nil {
		t.Fatalf("a batch is of no use after it failed: %v", err)
	}
	wantAll(t, e, `"b"="2"`)

	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open("s"); err == nil {
		t.Error("a closed backend opens a store")
	}
	if _, _, err := b.Position("s"); err == nil {
		t.Error("a closed backend has positions")
	}
	if err := b.Drop("s"); err == nil {
		t.Error("a closed backend drops a store")
	}
	if _, _, err := e.Get([]byte("b")); err == nil {
		t.Error("an engine of a closed backend reads")
	}
	it := e.Iterate(nil, nil, false)
	if it.Next() || it.Err() == nil {
		t.Error("an engine of a closed backend iterates")
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	w.Set(e, []byte("c"), nil)
	if err := w.Commit(); err == nil {
		t.Error("a batch of a closed backend commits")
	}
	if err := b.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	wantAll(t, f)
}

func reopen(t *testing.T, in Instance) {
	if in.Reopen == nil {
		return
	}
	p := statestore.Position{Next: 42, Topic: [16]byte{9}}
	for round := range 3 {
		for _, task := range []string{"0_0", "1_2"} {
			b := in.Task(task)
			e, other := engine(t, b, "s"), engine(t, b, "other")
			if round > 0 {
				want(t, e, "k", []byte(task))
				want(t, other, "k", nil)
				want(t, e, fmt.Sprint(round-1), []byte("round"))
				if got, ok, err := b.Position("s"); got != p || !ok || err != nil {
					t.Fatalf("task %s: position %v, %v, %v, want %v", task, got, ok, err, p)
				}
			}
			write(t, b, func(w statestore.Batch) {
				w.Set(e, []byte("k"), []byte(task))
				w.Set(e, fmt.Append(nil, round), []byte("round"))
				w.SetPosition("s", p)
			})
			lost := b.NewBatch()
			lost.Delete(e, []byte("k"))
		}
		in.Reopen()
	}
}
