package plan

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/leatstream/leat/topology"
)

// transcript is a target that writes down what it is told.
type transcript struct{ lines []string }

func (t *transcript) add(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *transcript) AddSource(n topology.Node) { t.add("source %s %v", n.Name, n.Topics) }
func (t *transcript) AddProcessor(n topology.Node, parents ...string) {
	t.add("processor %s < %v", n.Name, parents)
}

func (t *transcript) AddSink(n topology.Node, parents ...string) {
	t.add("sink %s < %v", n.Name, parents)
}

func (t *transcript) AddStore(s topology.Store, nodes ...string) {
	t.add("store %s logged %v source %q for %v", s.Name, s.Logged, s.Source, nodes)
}
func (t *transcript) Connect(store string, nodes ...string) { t.add("connect %s %v", store, nodes) }
func (t *transcript) AddGlobal(s topology.Store, source, update topology.Node) {
	t.add("global store %s of %v: %s > %s", s.Name, source.Topics, source.Name, update.Name)
}

func (t *transcript) AddRepartition(r topology.Repartition) { t.add("repartition %s", r.Topic.Name) }

func (t *transcript) CopartitionFor(_ string, sources ...string) { t.add("copartition %v", sources) }

func (t *transcript) Fail(caller string, err error) { t.add("fail %s: %v", caller, err) }

func (t *transcript) String() string { return strings.Join(t.lines, "\n") }

func (t *transcript) wants(test *testing.T, lines ...string) {
	test.Helper()
	if want := strings.Join(lines, "\n"); t.String() != want {
		test.Errorf("got\n%s\nwant\n%s", t, want)
	}
}

var text = reflect.TypeFor[string]()

func source(g *Graph, name string, topics ...string) *Node {
	n := &Node{Name: name, Output: text, Source: &Source{Topics: topics, Caller: "here"}}
	g.Add(n)
	return n
}

func step(g *Graph, n Node, parents ...*Node) *Node {
	n.Output = text
	n.Write = func(w *Writer, parents []string) { w.AddProcessor(topology.Node{Name: n.Name}, parents...) }
	g.Add(&n, parents...)
	return &n
}

// repartitioned adds a repartition that notes whether it keeps null keys.
func repartitioned(g *Graph, name string, kept map[string]bool, parents ...*Node) *Node {
	n := g.NewRepartition(name, Repartition{Optimizable: true})
	n.Output = text
	n.Repartition.NewFilter = func(dropNullKeys bool) func(*topology.Scope) (any, error) {
		kept[n.Name] = !dropNullKeys
		return nil
	}
	g.Add(n, parents...)
	return n
}

func TestNames(t *testing.T) {
	g := New()
	for _, want := range []string{"A-0000000000", "A-0000000001"} {
		if got := g.NewName("A-"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := g.NewStoreName("A-"); got != "A-STATE-STORE-0000000002" {
		t.Errorf("got %s", got)
	}
	for name, want := range map[string]string{
		"KSTREAM-KEY-SELECT-0000000007": "KSTREAM-SINK-",
		"KTABLE-TOSTREAM-0000000007":    "KTABLE-TOSTREAM-0000000007-repartition-sink",
		"mine":                          "mine-repartition-sink",
		"mine-repartition":              "mine-repartition-sink",
	} {
		if r := g.NewRepartition(name, Repartition{}); !strings.HasPrefix(r.Repartition.Sink, want) {
			t.Errorf("the sink of %s is %s, want %s", name, r.Repartition.Sink, want)
		}
	}
}

func TestMergedSourcesKeepCopartitions(t *testing.T) {
	g, out := New(), &transcript{}
	source(g, "a", "t", "u")
	b := source(g, "b", "u", "t")
	step(g, Node{Name: "p"}, b)
	g.Copartition("", "b", "c")
	g.Write(out, 0)
	out.wants(t, "source a [{t false} {u false}]", "processor p < [a]", "copartition [a c]")
}

// TestWaitsForParents: a node that was made before its second parent was comes after it.
func TestWaitsForParents(t *testing.T) {
	g, out := New(), &transcript{}
	a := source(g, "a", "t")
	late := step(g, Node{Name: "late"}, a)
	b := source(g, "b", "u")
	between := step(g, Node{Name: "between"}, b)
	g.Add(late, between)
	g.Write(out, 0)
	out.wants(t, "source a [{t false}]", "source b [{u false}]", "processor between < [b]", "processor late < [a between]")
}

func TestNullKeysAreKeptForJoins(t *testing.T) {
	g, kept := New(), map[string]bool{}
	key := step(g, Node{Name: "key", KeyChanging: true}, source(g, "a", "t"))
	joined := repartitioned(g, "joined", kept, key)
	step(g, Node{Name: "join", RelaxedNullKeyJoin: true}, step(g, Node{Name: "between"}, joined))
	repartitioned(g, "counted", kept, key)
	g.Write(&transcript{}, 0)
	want := map[string]bool{"joined-repartition-source": true, "counted-repartition-source": false}
	if !reflect.DeepEqual(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
}

// TestMergeBelowSharedStep: two repartitions behind one filter. Kafka Streams throws here.
func TestMergeBelowSharedStep(t *testing.T) {
	g, out := New(), &transcript{}
	key := step(g, Node{Name: "key", KeyChanging: true}, source(g, "a", "t"))
	filter := step(g, Node{Name: "filter"}, key)
	step(g, Node{Name: "one"}, repartitioned(g, "r1", map[string]bool{}, filter))
	step(g, Node{Name: "two"}, repartitioned(g, "r2", map[string]bool{}, filter))
	for _, n := range g.changers[0].repartitions {
		n.Repartition.NewFilter = func(bool) func(*topology.Scope) (any, error) { return nil }
	}
	g.Copartition("", "r1-repartition-source", "r2-repartition-source")
	g.Write(out, MergeRepartitionTopics)
	out.wants(t,
		"source a [{t false}]", "processor key < [a]",
		"repartition r1-repartition", "processor r1-repartition-filter < [key]", "sink r1-repartition-sink < [r1-repartition-filter]",
		"source r1-repartition-source [{r1-repartition true}]",
		"processor filter < [r1-repartition-source]", "processor one < [filter]", "processor two < [filter]",
		"copartition [r1-repartition-source]")
}

// TestMergeNeedsOneType: a processor may change types behind the graph's back.
func TestMergeNeedsOneType(t *testing.T) {
	g, out := New(), &transcript{}
	key := step(g, Node{Name: "key", KeyChanging: true}, source(g, "a", "t"))
	r := repartitioned(g, "r", map[string]bool{}, step(g, Node{Name: "process"}, key))
	r.Output = reflect.TypeFor[int]()
	g.Write(out, MergeRepartitionTopics)
	if !strings.Contains(out.String(), "processor r-repartition-filter < [process]") {
		t.Errorf("got\n%s", out)
	}
}

func TestStores(t *testing.T) {
	g, out := New(), &transcript{}
	own := func(name string) *Store {
		return &Store{Store: topology.Store{Name: name, Logged: true}, Keys: text, Values: text}
	}
	shared, wrong := own("shared"), own("shared")
	wrong.Values = reflect.TypeFor[int]()
	g.Use("p", own("shared"), "here") // before the operator that makes it
	g.Use("p", own("p's"), "here")
	g.Use("q", own("p's"), "here")
	g.Use("p", wrong, "there")
	src := source(g, "a", "t")
	for _, name := range []string{"one", "two"} {
		g.Add(&Node{Name: name, Write: func(w *Writer, _ []string) { w.AddStore(shared, name) }}, src)
	}
	g.Add(&Node{Name: "table", TableSource: &TableSource{
		Source: Source{Topics: []string{"users"}}, Name: "users",
		Store: func() *Store { return own("kept") },
	}})
	g.Write(out, ReuseSourceTopics)
	out.wants(t,
		"source a [{t false}]", `store shared logged true source "" for [one]`, "connect shared [two]",
		"source users [{users false}]", "processor table < [users]", `store kept logged false source "users" for [table]`,
		"connect shared [p]", `store p's logged true source "" for [p]`, "connect p's [q]",
		`fail there: node "p" uses store "shared" with keys string and values int, but it was made with keys string and values string; use one handle for both`)
}
