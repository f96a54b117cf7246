package parity

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Result is what a scenario's topology answers to its events: recorded from Kafka Streams, or ours.
type Result struct {
	// Outputs are the records of each output topic in order.
	Outputs map[string][]Entry `json:"outputs"`
	// Stores are the contents of each named store in its own order.
	Stores map[string][]Entry `json:"stores"`
	// InternalTopics are the records of each changelog and repartition topic in order.
	InternalTopics map[string][]Change `json:"internal_topics"`
	// Describe is the text of the topology.
	Describe string `json:"describe"`
}

// Entry is a record of an output topic, or an entry of a store. Those that an entry does not have are nil.
type Entry struct {
	Key     *string `json:"key"`
	Start   *int64  `json:"start"`
	End     *int64  `json:"end"`
	Value   *string `json:"value"`
	Ts      *int64  `json:"ts"`
	Headers Headers `json:"headers"`
}

// Change is a record of an internal topic as bytes in hexadecimal, nil for null. Ts is nil where Kafka Streams
// leaves it to the producer, whose clock it then is: no timestamp is wrong there.
type Change struct {
	Key   *string `json:"key_hex"`
	Value *string `json:"value_hex"`
	Ts    *int64  `json:"ts"`
}

// Level is one strictness of comparison.
type Level int

// The levels, in the order in which they are reported.
const (
	Outputs Level = iota
	Stores
	InternalTopics
	Describe
	levels
)

func (l Level) String() string {
	return [...]string{"outputs", "stores", "internal_topics", "describe"}[l]
}

// Difference is the first difference of each level; an empty one is equal.
type Difference [levels]string

// differs returns the difference of a scenario that could not be run: every level differs for one reason.
func differs(err error) Difference {
	var d Difference
	for l := range d {
		d[l] = err.Error()
	}
	return d
}

// compare returns where got differs from want. Stores are compared that want names; an absent topic is one
// without records.
func compare(got, want *Result) Difference {
	return Difference{
		Outputs:        compareAll(got.Outputs, want.Outputs, false),
		Stores:         compareAll(got.Stores, want.Stores, true),
		InternalTopics: compareAll(withoutClock(got.InternalTopics, want.InternalTopics), want.InternalTopics, false),
		Describe:       compareList("line", lines(got.Describe), lines(want.Describe)),
	}
}

// withoutClock leaves out the timestamps of got that want has none for.
func withoutClock(got, want map[string][]Change) map[string][]Change {
	out := make(map[string][]Change, len(got))
	for topic, changes := range got {
		changes = slices.Clone(changes)
		for i, w := range want[topic] {
			if i < len(changes) && w.Ts == nil {
				changes[i].Ts = nil
			}
		}
		out[topic] = changes
	}
	return out
}

func compareAll[E fmt.Stringer](got, want map[string][]E, wantedOnly bool) string {
	names := make(map[string]bool)
	for n := range want {
		names[n] = true
	}
	for n := range got {
		if !wantedOnly {
			names[n] = true
		}
	}
	sorted := make([]string, 0, len(names))
	for n := range names {
		sorted = append(sorted, n)
	}
	sort.Strings(sorted)
	for _, n := range sorted {
		if _, ok := got[n]; !ok && wantedOnly {
			return n + ": there is no such store"
		}
		if d := compareList(n, texts(got[n]), texts(want[n])); d != "" {
			return d
		}
	}
	return ""
}

func compareList(name string, got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("%s[%d]: got %s, want %s", name, i, g, w)
		}
	}
	return ""
}

func texts[E fmt.Stringer](entries []E) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.String()
	}
	return out
}

func lines(s string) []string {
	out := strings.Split(s, "\n")
	for i, l := range out {
		out[i] = fmt.Sprintf("%q", l)
	}
	return out
}

func (e Entry) String() string {
	var b strings.Builder
	b.WriteString(quoted(e.Key))
	for _, x := range []struct {
		sep string
		n   *int64
	}{{" from ", e.Start}, {" to ", e.End}} {
		if x.n != nil {
			fmt.Fprintf(&b, "%s%d", x.sep, *x.n)
		}
	}
	b.WriteString("=" + quoted(e.Value))
	if e.Ts != nil {
		fmt.Fprintf(&b, "@%d", *e.Ts)
	}
	for _, h := range e.Headers {
		fmt.Fprintf(&b, " %s:%q", h.Key, h.Value)
	}
	return b.String()
}

func (c Change) String() string {
	at := "the producer's time"
	if c.Ts != nil {
		at = fmt.Sprint(*c.Ts)
	}
	return fmt.Sprintf("%s=%s@%s", hexed(c.Key), hexed(c.Value), at)
}

func quoted(s *string) string {
	if s == nil {
		return "null"
	}
	b, err := json.Marshal(*s)
	if err != nil {
		return fmt.Sprintf("%q", *s)
	}
	return string(b)
}

func hexed(s *string) string {
	if s == nil {
		return "null"
	}
	return "0x" + *s
}
