package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/streamtest"
)

func TestWordCount(t *testing.T) {
	topo, err := wordCount()
	if err != nil {
		t.Fatal(err)
	}
	d := streamtest.New(t, topo, streamtest.Config{})
	in, out := streamtest.Input(d, lines), streamtest.Output(d, counts)
	in.Pipe("", "to be or not to be")
	want := map[string]int64{"to": 2, "be": 2, "or": 1, "not": 1}
	if diff := cmp.Diff(want, streamtest.Map(out)); diff != "" {
		t.Error(diff)
	}
	if n, _ := streamtest.Timestamped(d, totals).Get("be"); n.Value != 2 {
		t.Errorf("the store has %d for be, want 2", n.Value)
	}
}
