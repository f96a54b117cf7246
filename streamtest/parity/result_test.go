package parity

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `{"name":"a-b-7","config":{"optimize":true},
 "topology":[{"id":"s","op":"stream","topic":"in"}],
 "events":[{"topic":"in","key":null,"value":"","ts":5,"headers":{"z":"1","a":"2"}},{"advance_wall_ms":9}],
 "expect":{"outputs":{"out":[{"key":"k","value":null,"ts":5,"headers":{"h":"x"}},{"key":"k","value":"","ts":6}]},
  "stores":{"st":[{"key":"a","start":1,"end":2,"value":"v"}]},
  "internal_topics":{"app-st-changelog":[{"key_hex":"61","value_hex":null,"ts":5}]},"describe":"one\ntwo\n"}}`

func parsed(t *testing.T) *Scenario {
	t.Helper()
	s, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	s := parsed(t)
	if s.Family() != "a-b" || !s.Config.Optimize || s.Events[1].AdvanceWallMs != 9 {
		t.Errorf("parsed %+v", s)
	}
	e := s.Events[0]
	if e.Key != nil || e.Value == nil || *e.Value != "" {
		t.Errorf("null and empty are not told apart: %+v", e)
	}
	if len(e.Headers) != 2 || e.Headers[0].Key != "z" || string(e.Headers[1].Value) != "2" {
		t.Errorf("headers lost their order: %v", e.Headers)
	}
	if got := s.Expect.Stores["st"][0].String(); got != `"a" from 1 to 2="v"` {
		t.Errorf("store entry is shown as %s", got)
	}
	if _, err := Parse([]byte(`{"name":"x","topology":[{"op":"stream","fanciness":3}]}`)); err == nil {
		t.Error("a field that the language does not have is passed over")
	}
}

func TestCompare(t *testing.T) {
	same := parsed(t).Expect
	if d := compare(&same, &parsed(t).Expect); d != (Difference{}) {
		t.Errorf("a result differs from itself: %q", d)
	}
	for name, c := range map[string]struct {
		change func(r *Result)
		want   Difference
	}{
		"value": {
			func(r *Result) { v := "x"; r.Outputs["out"][0].Value = &v },
			Difference{Outputs: `out[0]: got "k"="x"@5 h:"x", want "k"=null@5 h:"x"`},
		},
		"headers": {
			func(r *Result) { r.Outputs["out"][0].Headers = nil },
			Difference{Outputs: `out[0]: got "k"=null@5, want "k"=null@5 h:"x"`},
		},
		"missing record": {
			func(r *Result) { r.Outputs["out"] = r.Outputs["out"][:1] },
			Difference{Outputs: `out[1]: got nothing, want "k"=""@6`},
		},
		"topic that is not wanted": {
			func(r *Result) { r.Outputs["more"] = r.Outputs["out"][1:] },
			Difference{Outputs: `more[0]: got "k"=""@6, want nothing`},
		},
		"no store": {
			func(r *Result) { delete(r.Stores, "st") },
			Difference{Stores: `st: there is no such store`},
		},
		"store that is not wanted": {
			func(r *Result) { r.Stores["other"] = nil },
			Difference{},
		},
		"changelog": {
			func(r *Result) { r.InternalTopics["app-st-changelog"][0].Ts = new(int64(6)) },
			Difference{InternalTopics: `app-st-changelog[0]: got 0x61=null@6, want 0x61=null@5`},
		},
		"text": {
			func(r *Result) { r.Describe = "one\nthree\n" },
			Difference{Describe: `line[1]: got "three", want "two"`},
		},
	} {
		got := parsed(t).Expect
		c.change(&got)
		if d := cmp.Diff(c.want, compare(&got, &parsed(t).Expect)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestReport(t *testing.T) {
	r := &Report{differences: map[string]Difference{}, families: map[string]string{}}
	r.add("table-0", "table", Difference{})
	r.add("table-1", "table", Difference{Stores: "st[0]: got a, want b"})
	r.add("join-0", "join", differs(notYet("operation", "join")))
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `outputs: 2 of 3 equal
stores: 1 of 3 equal
internal_topics: 2 of 3 equal
describe: 2 of 3 equal
outputs differs: join-0: not yet: operation "join"
stores differs: table-1: st[0]: got a, want b
stores differs: join-0: not yet: operation "join"
internal_topics differs: join-0: not yet: operation "join"
describe differs: join-0: not yet: operation "join"
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("report: %s", d)
	}
	if d := cmp.Diff([]string{"table-1: stores differs: st[0]: got a, want b"}, r.Broken([]string{"table"})); d != "" {
		t.Errorf("broken: %s", d)
	}
}
