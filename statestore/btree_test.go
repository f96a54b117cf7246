package statestore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// twin is the slow, obvious map that a Tree is held against.
type twin struct{ keys, values [][]byte }

func (w *twin) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(w.keys, key, bytes.Compare)
}

func (w *twin) set(key, value []byte) bool {
	i, ok := w.find(key)
	if ok {
		w.values[i] = bytes.Clone(value)
		return false
	}
	w.keys = slices.Insert(w.keys, i, bytes.Clone(key))
	w.values = slices.Insert(w.values, i, bytes.Clone(value))
	return true
}

func (w *twin) deleteRange(from, to []byte) int {
	i, j := 0, len(w.keys)
	if from != nil {
		i, _ = w.find(from)
	}
	if to != nil {
		j, _ = w.find(to)
	}
	if j <= i {
		return 0
	}
	w.keys = slices.Delete(w.keys, i, j)
	w.values = slices.Delete(w.values, i, j)
	return j - i
}

func (w *twin) list(from, to []byte, reverse bool) []string {
	var out []string
	for i, k := range w.keys {
		if (from == nil || bytes.Compare(k, from) >= 0) && (to == nil || bytes.Compare(k, to) < 0) {
			out = append(out, fmt.Sprintf("%q=%x", k, w.values[i]))
		}
	}
	if reverse {
		slices.Reverse(out)
	}
	return out
}

func listTree(t *Tree, from, to []byte, reverse bool) []string {
	c := t.Iterate(from, to, reverse)
	defer c.Close()
	var out []string
	for c.Next() {
		out = append(out, fmt.Sprintf("%q=%x", c.Key(), c.Value()))
	}
	return out
}

// keyShapes are the ways in which keys resemble each other; each stresses another part of the node layout.
var keyShapes = map[string]func(r *rand.Rand, n int) []byte{
	"random":  func(r *rand.Rand, n int) []byte { return fmt.Appendf(nil, "%08x", r.IntN(n)*2654435761) },
	"ordered": func(r *rand.Rand, n int) []byte { return fmt.Appendf(nil, "%d", 1_000_000+r.IntN(n)) },
	"prefix": func(r *rand.Rand, n int) []byte {
		return fmt.Appendf(nil, "customer/europe/%d/order/%d", r.IntN(5), r.IntN(n/5+1))
	},
	"binary": func(r *rand.Rand, n int) []byte {
		k := make([]byte, r.IntN(5))
		for i := range k {
			k[i] = []byte{0, 0, 1, 0xfe, 0xff}[r.IntN(5)]
		}
		return k
	},
	"nested": func(r *rand.Rand, n int) []byte { return bytes.Repeat([]byte{'a'}, r.IntN(min(n, 400))) },
}

func TestTreeAgainstTwin(t *testing.T) {
	for shape, key := range keyShapes {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("%s/%d", shape, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 7))
				tree, model := NewTree(), &twin{}
				keys := []int{10, 300, 5000}[seed%3]
				randomValue := func() []byte {
					n := r.IntN(40)
					if r.IntN(200) == 0 {
						n = r.IntN(100_000)
					}
					return bytes.Repeat([]byte{byte(r.Uint32())}, n)
				}
				for op := range 6000 {
					k := key(r, keys)
					switch p := r.IntN(1000); {
					case p < 550:
						v := randomValue()
						if got, want := tree.Set(k, v), model.set(k, v); got != want {
							t.Fatalf("op %d: Set(%q) = %v, want %v", op, k, got, want)
						}
					case p < 800:
						_, want := model.find(k)
						if want {
							model.deleteRange(k, append(bytes.Clone(k), 0))
						}
						if got := tree.Delete(k); got != want {
							t.Fatalf("op %d: Delete(%q) = %v, want %v", op, k, got, want)
						}
					case p < 970:
						i, want := model.find(k)
						got, ok := tree.Get(k)
						if ok != want || ok && !bytes.Equal(got, model.values[i]) {
							t.Fatalf("op %d: Get(%q) = %x, %v, want %v", op, k, got, ok, want)
						}
					case p < 990:
						from, to := bound(r, k), bound(r, key(r, keys))
						reverse := r.IntN(2) == 0
						if got, want := listTree(tree, from, to, reverse), model.list(from, to, reverse); !slices.Equal(got, want) {
							t.Fatalf("op %d: Iterate(%q, %q, %v):\n got %.2000v\nwant %.2000v", op, from, to, reverse, got, want)
						}
					case p < 998:
						from, to := k, key(r, keys)
						if got, want := tree.DeleteRange(from, to), model.deleteRange(from, to); got != want {
							t.Fatalf("op %d: DeleteRange(%q, %q) = %d, want %d", op, from, to, got, want)
						}
					case p == 999:
						tree.Reset()
						*model = twin{}
					}
					if tree.Len() != len(model.keys) {
						t.Fatalf("op %d: Len %d, want %d", op, tree.Len(), len(model.keys))
					}
					if op%500 == 0 {
						if err := tree.check(); err != "" {
							t.Fatalf("op %d: %s", op, err)
						}
					}
				}
				if err := tree.check(); err != "" {
					t.Fatal(err)
				}
				if got, want := listTree(tree, nil, nil, false), model.list(nil, nil, false); !slices.Equal(got, want) {
					t.Fatal("contents differ at the end")
				}
			})
		}
	}
}

// bound makes every fourth key an open bound.
func bound(r *rand.Rand, key []byte) []byte {
	if r.IntN(4) == 0 {
		return nil
	}
	return key
}

func TestTreeFillAndEmpty(t *testing.T) {
	const n = 60_000
	orders := map[string]func() []int{
		"up":     func() []int { return sequence(n) },
		"down":   func() []int { s := sequence(n); slices.Reverse(s); return s },
		"random": func() []int { return rand.New(rand.NewPCG(1, 2)).Perm(n) },
	}
	for in, insert := range orders {
		for out, remove := range orders {
			t.Run(in+"/"+out, func(t *testing.T) {
				tree := NewTree()
				for _, i := range insert() {
					tree.Set(fmt.Appendf(nil, "key-%07d", i), []byte("value"))
				}
				if err := tree.check(); err != "" || tree.Len() != n {
					t.Fatal(tree.Len(), err)
				}
				for j, i := range remove() {
					if !tree.Delete(fmt.Appendf(nil, "key-%07d", i)) {
						t.Fatalf("key %d is gone", i)
					}
					if j%20_000 == 0 {
						if err := tree.check(); err != "" {
							t.Fatal(err)
						}
					}
				}
				if tree.Len() != 0 || tree.nodes.leaves.inUse() != 1 || tree.nodes.inners.inUse() != 0 || tree.height != 0 {
					t.Fatalf("%d keys, %d leaves, %d inner nodes, height %d are left",
						tree.Len(), tree.nodes.leaves.inUse(), tree.nodes.inners.inUse(), tree.height)
				}
				if left := tree.arena.used - tree.arena.dead; left != 0 {
					t.Fatalf("%d bytes of blocks live in an empty tree", left)
				}
			})
		}
	}
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// TestTreeReclaims holds the arena's garbage against what lives in it while values grow, shrink and go.
func TestTreeReclaims(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tree := NewTree()
	live := map[int]int{}
	size := 0
	for op := range 400_000 {
		i := r.IntN(2000)
		k := fmt.Appendf(nil, "key-%05d", i)
		if op%7 == 0 {
			tree.Delete(k)
			size -= live[i]
			delete(live, i)
			continue
		}
		n := r.IntN(600)
		tree.Set(k, make([]byte, n))
		size += n - live[i]
		live[i] = n
		if limit := int64(4*size + 4*maxSlab); tree.arena.used > limit {
			t.Fatalf("op %d: %d bytes in use for %d bytes of values", op, tree.arena.used, size)
		}
	}
	if held := tree.arena.held; held > int64(6*size+8*maxSlab) {
		t.Fatalf("%d bytes held for %d bytes of values", held, size)
	}
}

func TestTreeKeepsNoBurst(t *testing.T) {
	tree := NewTree()
	for i := range 200_000 {
		tree.Set(fmt.Appendf(nil, "key-%07d", i), make([]byte, 100))
	}
	for range 12 {
		tree.Reset()
		tree.Set([]byte("a"), []byte("b"))
	}
	if tree.arena.held > maxSlab || len(tree.nodes.leafChunks) > 4 {
		t.Fatalf("%d bytes of slabs and %d chunks of leaves are kept", tree.arena.held, len(tree.nodes.leafChunks))
	}
}

func TestTreeDoesNotAllocateInSteadyState(t *testing.T) {
	tree := NewTree()
	keys := make([][]byte, 20_000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key-%d", i*7919%len(keys))
	}
	value := make([]byte, 100)
	round := func() {
		for _, k := range keys {
			tree.Set(k, value)
			tree.Set(k, value[:90])
			tree.Get(k)
		}
		for _, k := range keys[:1000] {
			tree.Delete(k)
		}
		c := tree.Iterate(keys[1], nil, false)
		for c.Next() {
		}
		c.Close()
		tree.Reset()
	}
	round()
	round()
	if n := testing.AllocsPerRun(5, round); n != 0 {
		t.Fatalf("%v allocations a round of %d keys", n, len(keys))
	}
}

func TestTreeTakesItsOwnBytes(t *testing.T) {
	tree := NewTree()
	tree.Set([]byte("a"), []byte(strings.Repeat("x", 50)))
	for i := range 50_000 {
		v, _ := tree.Get([]byte("a"))
		tree.Set(fmt.Appendf(nil, "%d", i%100), v)
		tree.Set([]byte("a"), append([]byte(nil), v...))
		tree.Delete(fmt.Appendf(nil, "%d", (i+50)%100))
	}
	c := tree.Iterate(nil, nil, false)
	defer c.Close()
	for c.Next() {
		if string(c.Value()) != strings.Repeat("x", 50) {
			t.Fatalf("%q holds %q", c.Key(), c.Value())
		}
	}
}

// TestCursorOverChanges walks while entries come and go, as a punctuator does that deletes what it reads.
func TestCursorOverChanges(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprintf("reverse=%v", reverse), func(t *testing.T) {
			tree := NewTree()
			for i := range 5000 {
				tree.Set(fmt.Appendf(nil, "%05d", i*2), []byte("v"))
			}
			c := tree.Iterate(nil, nil, reverse)
			defer c.Close()
			r := rand.New(rand.NewPCG(9, 9))
			seen := map[string]bool{}
			last := ""
			for c.Next() {
				k := string(c.Key())
				if last != "" && (k > last) == reverse {
					t.Fatalf("%s after %s", k, last)
				}
				last, seen[k] = k, true
				tree.Delete([]byte(k))
				tree.Set(fmt.Appendf(nil, "%05d", r.IntN(5000)*2+1), []byte("new"))
			}
			for i := range 5000 {
				if k := fmt.Sprintf("%05d", i*2); !seen[k] {
					t.Fatalf("%s was not met", k)
				}
			}
		})
	}
}

// FuzzTree runs a program of operations over short keys against the twin.
func FuzzTree(f *testing.F) {
	f.Add([]byte("\x00a1\x00b2\x01a\x02\x00c3\x03ac"))
	f.Add(bytes.Repeat([]byte{0, 'k', 9, 0, 0xff, 3, 1, 'k'}, 60))
	f.Fuzz(func(t *testing.T, program []byte) {
		tree, model := NewTree(), &twin{}
		take := func() byte {
			if len(program) == 0 {
				return 0
			}
			b := program[0]
			program = program[1:]
			return b
		}
		key := func() []byte {
			n := int(take())
			k := bytes.Repeat([]byte{byte(n)}, n%4)
			return append(k, take())
		}
		for len(program) > 0 {
			switch take() % 6 {
			case 0, 1, 2:
				k, v := key(), bytes.Repeat([]byte{7}, int(take()))
				tree.Set(k, v)
				model.set(k, v)
			case 3:
				k := key()
				tree.Delete(k)
				model.deleteRange(k, append(bytes.Clone(k), 0))
			case 4:
				from, to := key(), key()
				tree.DeleteRange(from, to)
				model.deleteRange(from, to)
			case 5:
				from, to := key(), key()
				if got, want := listTree(tree, from, to, true), model.list(from, to, true); !slices.Equal(got, want) {
					t.Fatalf("[%q, %q): got %v, want %v", from, to, got, want)
				}
			}
		}
		if err := tree.check(); err != "" {
			t.Fatal(err)
		}
		if got, want := listTree(tree, nil, nil, false), model.list(nil, nil, false); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// check returns what is wrong with the tree's shape.
func (t *Tree) check() string {
	if t.size == 0 {
		return ""
	}
	leafID, pos := t.seek(nil)
	var last []byte
	seen := 0
	for ; leafID != none; leafID = t.nodes.leaf(leafID).next {
		lf := t.nodes.leaf(leafID)
		for i := pos; i < int(lf.n); i++ {
			key := t.arena.key(lf.blocks[i])
			if seen > 0 && bytes.Compare(last, key) >= 0 {
				return "keys out of order"
			}
			if lf.words[i] != word(key, int(lf.skip)) {
				return "a word does not belong to its key"
			}
			if t.find(key) != leafID {
				return "a key does not lie in its leaf's range"
			}
			last = key
			seen++
		}
		pos = 0
	}
	if seen != t.size {
		return "size does not count the keys"
	}
	return ""
}
