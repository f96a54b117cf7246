package assign_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/leatstream/leat/assign"
)

// TestTranscript replays testdata/assign. Its commands:
//
//	tasks            lines "0 partitions=4 stateful": the tasks, all members forgotten
//	join ID [capacity=N] [generation=N] [owns=(0_0,…)] [state=(0_0:10,…)]
//	leave ID…        members stop; they keep their state
//	return ID…       stopped members come back
//	plan             the plan alone
//	rebalance        plan after plan, each followed by the members, until it is settled
func TestTranscript(t *testing.T) {
	datadriven.Walk(t, "testdata/assign", func(t *testing.T, path string) {
		var g *group
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "tasks":
				g = &group{tasks: parseTasks(t, d), alive: map[string]*assign.Member{}, gone: map[string]*assign.Member{}}
			case "join":
				m := parseMember(t, d)
				g.alive[m.ID] = m
			case "leave":
				for _, id := range d.CmdArgs {
					g.gone[id.Key] = g.alive[id.Key]
					g.gone[id.Key].Owned = nil
					delete(g.alive, id.Key)
				}
			case "return":
				for _, id := range d.CmdArgs {
					g.alive[id.Key] = g.gone[id.Key]
					delete(g.gone, id.Key)
				}
			case "plan":
				p, err := assign.Tasks(g.request())
				if err != nil {
					return err.Error()
				}
				return describe(g.request(), p)
			case "rebalance":
				return rebalance(t, g)
			default:
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			return ""
		})
	})
}

func rebalance(t *testing.T, g *group) string {
	var out strings.Builder
	for {
		r := g.request()
		p, err := assign.Tasks(r)
		if err != nil {
			return err.Error()
		}
		if err := checkCooperative(r, p); err != nil {
			t.Error(err)
		}
		out.WriteString(describe(r, p))
		g.follow(p)
		if p.Settled() {
			return out.String()
		}
		out.WriteString("again:\n")
	}
}

// describe prints a line a member: what stays, what is new (+), what it must give up (-), what comes later.
func describe(r assign.Request, p assign.Plan) string {
	var lines []string
	for _, m := range r.Members {
		var line strings.Builder
		line.WriteString(m.ID + ":")
		for _, task := range p.Active[m.ID] {
			if !slices.Contains(m.Owned, task) {
				line.WriteString(" +" + task.String())
			} else {
				line.WriteString(" " + task.String())
			}
		}
		for _, task := range m.Owned {
			if !slices.Contains(p.Active[m.ID], task) {
				line.WriteString(" -" + task.String())
			}
		}
		for _, list := range []struct {
			name  string
			tasks []assign.Task
		}{{"later", p.Later[m.ID]}, {"standby", p.Standby[m.ID]}, {"warm-up", p.Warmup[m.ID]}, {"awaited", p.Awaited[m.ID]}} {
			if len(list.tasks) > 0 {
				fmt.Fprintf(&line, " %s %v", list.name, list.tasks)
			}
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	if p.Probe {
		lines = append(lines, "probe")
	}
	return strings.Join(lines, "\n") + "\n"
}

func parseTasks(t *testing.T, d *datadriven.TestData) []assign.TaskInfo {
	var out []assign.TaskInfo
	for line := range strings.Lines(d.Input) {
		var sub, partitions int
		if _, err := fmt.Sscanf(line, "%d partitions=%d", &sub, &partitions); err != nil {
			d.Fatalf(t, "%q: %v", line, err)
		}
		for p := range partitions {
			out = append(out, assign.TaskInfo{
				ID:       assign.Task{Subtopology: sub, Partition: int32(p)},
				Stateful: strings.Contains(line, "stateful"),
			})
		}
	}
	return out
}

func parseMember(t *testing.T, d *datadriven.TestData) *assign.Member {
	m := &assign.Member{ID: d.CmdArgs[0].Key, Capacity: 1, Positions: map[assign.Task]int64{}}
	for _, arg := range d.CmdArgs[1:] {
		if arg.Key == "tags" {
			m.Tags = parseTags(arg.Vals)
			continue
		}
		for _, v := range arg.Vals {
			name, position, _ := strings.Cut(v, ":")
			switch arg.Key {
			case "capacity":
				m.Capacity = atoi(t, v)
			case "generation":
				m.Generation = int32(atoi(t, v))
			case "owns":
				m.Owned = append(m.Owned, parseTask(t, v))
			case "state":
				m.Positions[parseTask(t, name)] = int64(atoi(t, position))
			default:
				d.Fatalf(t, "unknown argument %s", arg.Key)
			}
		}
	}
	return m
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parseTask(t *testing.T, s string) assign.Task {
	t.Helper()
	task, err := assign.ParseTask(s)
	if err != nil {
		t.Fatal(err)
	}
	return task
}
