package stream

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream/internal/plan"
	"github.com/leatstream/leat/topology"
)

// probe reads a table from a node of another stream, as joins do: it records what it finds for each key.
type probe struct {
	table getter[string, string]
	found map[string]string
}

func (p *probe) Process(r record.Record[string, string]) {
	if v, _, ok := p.table.get(r.Key); ok {
		p.found[r.Key] = v
	}
}

// TestViewOfTablesThatAreNotKept reads through a filter and a map to the store that they make necessary.
func TestViewOfTablesThatAreNotKept(t *testing.T) {
	p := &probe{found: map[string]string{}}
	_, heads := bare(t, 0, func(b *Builder) { probed(t, b, p) })
	pipe := func(topic, key, value string) {
		feed(t, heads[topic], &record.Raw{Key: []byte(key), Value: []byte(value)})
	}
	pipe("rows", "a", "x")
	pipe("rows", "b", "long")
	for _, key := range []string{"a", "b", "c"} {
		pipe("asks", key, "")
	}
	if len(p.found) != 1 || p.found["a"] != "X" {
		t.Errorf("found %v, want only a, mapped", p.found)
	}
}

func probed(t *testing.T, b *Builder, p *probe) {
	rows := TableFrom(b, NewTopic("rows", serde.String, serde.String), nil)
	upper := MapTable(FilterTable(rows, func(_, v string) bool { return len(v) < 3 }, nil), strings.ToUpper, nil)
	asks := From(b, NewTopic("asks", serde.String, serde.String))

	v := upper.upkeep.view()
	if len(v.stores) != 1 || v.stores[0] != "rows-STATE-STORE-0000000000" {
		t.Fatalf("the view is of stores %q, want the source table's", v.stores)
	}
	b.plan.Add(&plan.Node{Name: "probe", Write: func(w *plan.Writer, parents []string) {
		w.AddProcessor(topology.Node{Name: "probe", New: func(sc *topology.Scope) (_ any, err error) {
			p.table, err = v.open(sc)
			return p, err
		}}, parents...)
		w.Connect(v.stores[0], "probe")
	}}, asks.node)
}

// TestOldValues: who asks for them, and what has to be kept then.
func TestOldValues(t *testing.T) {
	rows := NewTopic("rows", serde.String, serde.String)
	table := TableFrom(New(), rows, nil)
	if table.sendOldValues(false) {
		t.Error("a table that is not kept knows its old values")
	}
	if filtered := FilterTable(table, func(_, _ string) bool { return true }, nil); filtered.sendOldValues(false) {
		t.Error("a filter of a table that is not kept knows its old values")
	}
	if !table.sendOldValues(true) || !table.sendOldValues(false) {
		t.Error("a table that was made to keep its values does not know them")
	}
	kept := MapTable(TableFrom(New(), rows, nil), strings.ToUpper, NewStore("kept", serde.String, serde.String))
	if !kept.sendOldValues(false) {
		t.Error("a table with a store does not know its old values")
	}
}
