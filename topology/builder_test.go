package topology_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// TestBuilder runs testdata: graphs in the language of [script] with the texts of Describe and Mermaid, the layout of the
// subtopologies, the problems that Build finds, or what is wrong with the names.
func TestBuilder(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			b := topology.NewBuilder()
			script(t, b, d.Input)
			top, err := b.Build()
			switch d.Cmd {
			case "describe":
				if err != nil {
					return "error: " + err.Error()
				}
				return dots(top.Describe())
			case "mermaid":
				if err != nil {
					return "error: " + err.Error()
				}
				return top.Mermaid()
			case "layout":
				if err != nil {
					return "error: " + err.Error()
				}
				return layout(top)
			case "names":
				if err != nil {
					return "error: " + err.Error()
				}
				if err := top.CheckNames(); err != nil {
					return err.Error()
				}
				return "all are named"
			case "problems":
				if err == nil {
					t.Fatalf("%s: Build accepts it", d.Pos)
				}
				return here.ReplaceAllString(err.Error(), "HERE:")
			default:
				t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
				return ""
			}
		})
	})
}

// dots writes blank lines as dots, since a blank line ends a test's expected text.
func dots(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if l == "" {
			lines[i] = "."
		}
	}
	return strings.Join(lines, "\n")
}

// here is the place of a call of script itself, for methods that take no caller.
var here = regexp.MustCompile(`topology/builder_test\.go:\d+:`)

var words = regexp.MustCompile(`"[^"]*"|\S+`)

// script builds a graph. Each line is a call, with its line as the caller's:
//
//	source NAME TOPIC...         sink NAME TOPIC PARENT...         store NAME NODE...
//	processor NAME PARENT...     dynamic NAME EXTRACTOR PARENT...  global STORE SOURCE TOPIC PROCESSOR
//	connect STORE NODE...        repartition TOPIC PARTITIONS      copartition SOURCE...
//	table-store NAME TOPIC NODE... (a store that is restored from its source topic)
//	generated NAME NODE... (a store whose name is generated)   generated-topic TOPIC (the same, a repartition topic)
//
// A topic that begins with * is internal. An empty name is written "". A ! after the command leaves the factory out.
func script(t *testing.T, b *topology.Builder, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		f := words.FindAllString(line, -1)
		if len(f) == 0 {
			continue
		}
		for i := range f {
			f[i] = strings.Trim(f[i], `"`)
		}
		f = append(f, "", "", "")[:max(len(f), 2)]
		name, rest := f[1], f[2:]
		at := "app.go:" + strconv.Itoa(i+1)
		n := topology.Node{Name: name, Caller: at, New: func(*topology.Scope) (any, error) { return nil, nil }}
		s := topology.Store{Name: name, Caller: at, Logged: true, New: func(statestore.Env) (statestore.Store, error) { return nil, nil }}
		command, bare := strings.CutSuffix(f[0], "!")
		if bare {
			n.New, s.New = nil, nil
		}
		switch command {
		case "source":
			n.Topics = topics(rest)
			b.AddSource(n)
		case "processor":
			b.AddProcessor(n, rest...)
		case "sink":
			n.Topics = topics(rest[:1])
			b.AddSink(n, rest[1:]...)
		case "dynamic":
			n.Extractor = rest[0]
			b.AddSink(n, rest[1:]...)
		case "store":
			b.AddStore(s, rest...)
		case "table-store":
			s.Source = rest[0]
			b.AddStore(s, rest[1:]...)
		case "global":
			source, update := n, n
			source.Name, source.Topics, update.Name = rest[0], topics(rest[1:2]), rest[2]
			b.AddGlobal(s, source, update)
		case "generated":
			s.Generated = true
			b.AddStore(s, rest...)
		case "generated-topic":
			b.AddRepartition(topology.Repartition{Topic: topology.Topic{Name: name}, Generated: true, Caller: at})
		case "connect":
			b.Connect(name, rest...)
		case "repartition":
			partitions, err := strconv.Atoi(rest[0])
			if err != nil {
				t.Fatal(err)
			}
			b.AddRepartition(topology.Repartition{Topic: topology.Topic{Name: name}, Partitions: int32(partitions), Caller: at})
		case "copartition":
			b.Copartition(f[1:]...)
		case "fail":
			b.Fail(at, fmt.Errorf("%s", strings.Join(f[1:], " ")))
		default:
			t.Fatalf("line %d: unknown command %q", i+1, f[0])
		}
	}
}

func topics(names []string) []topology.Topic {
	out := make([]topology.Topic, len(names))
	for i, n := range names {
		out[i].Name, out[i].Internal = strings.CutPrefix(n, "*")
	}
	return out
}

// layout prints what Describe does not: the parts of each subtopology, in order.
func layout(t *topology.Topology) string {
	var w strings.Builder
	for _, s := range t.Subtopologies {
		fmt.Fprintf(&w, "%d", s.ID)
		if s.Global {
			w.WriteString(" global")
		}
		w.WriteByte('\n')
		for _, n := range s.Nodes {
			fmt.Fprintf(&w, "  %s %s", n.Kind, n.Name)
			for _, x := range []struct {
				what  string
				names []string
			}{{"parents", n.Parents}, {"children", n.Children}, {"stores", n.Stores}} {
				if len(x.names) > 0 {
					fmt.Fprintf(&w, " %s=%s", x.what, strings.Join(x.names, ","))
				}
			}
			w.WriteByte('\n')
		}
		for _, st := range s.Stores {
			changelog, _ := st.Changelog()
			fmt.Fprintf(&w, "  store %s nodes=%s changelog=%s\n", st.Name, strings.Join(st.Nodes, ","), changelog.For("app"))
		}
		for _, r := range s.Repartitions {
			fmt.Fprintf(&w, "  repartition %s partitions=%d\n", r.Topic.For("app"), r.Partitions)
		}
		for _, group := range s.Copartitioned {
			fmt.Fprintf(&w, "  co-partitioned")
			for _, t := range group {
				w.WriteString(" " + t.For("app"))
			}
			w.WriteByte('\n')
		}
	}
	for _, x := range t.Warnings {
		fmt.Fprintf(&w, "warning: %s\n", x)
	}
	return w.String()
}
