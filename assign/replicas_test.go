package assign_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/leatstream/leat/assign"
)

// TestReplicasTranscript replays testdata/replicas: standbys and warm-ups. Its commands:
//
//	tasks                 lines "0 partitions=4 stateful": the tasks, with changelogs of 100000 records each
//	config [standbys=N] [warmups=N] [lag=N] [racks=(zone,…)]
//	join ID [capacity=N] [tags=(zone:a,…)] [state=(0_0:10,…)]
//	leave ID…             members stop; they keep their state
//	return ID…            stopped members come back
//	round                 one plan, which the members follow; a replica reads 40000 records
//	settle                rounds until nothing changes, of which the last is shown
func TestReplicasTranscript(t *testing.T) {
	datadriven.Walk(t, "testdata/replicas", func(t *testing.T, path string) {
		f := &fleet{alive: map[string]*assign.Member{}, gone: map[string]*assign.Member{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "tasks":
				f.request.Tasks = parseTasks(t, d)
				for i := range f.request.Tasks {
					f.request.Tasks[i].End = 100_000
				}
			case "config":
				f.configure(t, d)
			case "join":
				m := parseMember(t, d)
				f.alive[m.ID] = m
			case "leave":
				for _, id := range d.CmdArgs {
					f.leave(id.Key)
				}
			case "return":
				for _, id := range d.CmdArgs {
					f.alive[id.Key] = f.gone[id.Key]
					delete(f.gone, id.Key)
				}
			case "round", "settle":
				for {
					r := f.now()
					p, err := assign.Tasks(r)
					if err != nil {
						return err.Error()
					}
					done := d.Cmd == "round" || f.follows(p) && p.Settled() && !p.Probe
					out := describe(r, p)
					f.follow(p)
					if done {
						return out
					}
				}
			default:
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			return ""
		})
	})
}

func (f *fleet) configure(t *testing.T, d *datadriven.TestData) {
	t.Helper()
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "standbys":
			f.request.Standbys = atoi(t, arg.Vals[0])
		case "warmups":
			f.request.MaxWarmups = atoi(t, arg.Vals[0])
		case "lag":
			f.request.AcceptableLag = int64(atoi(t, arg.Vals[0]))
		case "racks":
			f.request.RackTags = arg.Vals
		default:
			d.Fatalf(t, "unknown argument %s", arg.Key)
		}
	}
}

func parseTags(vals []string) map[string]string {
	out := map[string]string{}
	for _, v := range vals {
		name, value, _ := strings.Cut(v, ":")
		out[name] = value
	}
	return out
}
