package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/leatstream/leat/record"
)

// Text is a key or a value of a scenario: a string that may be null. Its zero value is null.
type Text = record.Optional[string]

// Scenario is one topology, the events that are piped into it, and what Kafka Streams answers to them.
type Scenario struct {
	Name     string  `json:"name"`
	Config   Config  `json:"config"`
	Topology []Op    `json:"topology"`
	Events   []Event `json:"events"`
	Expect   Result  `json:"expect"`

	// err is why the file could not be read as a scenario; such a scenario differs on every level.
	err error
}

// Config is the part of an application's configuration that a scenario sets.
type Config struct {
	// Optimize is topology.optimization=all.
	Optimize bool `json:"optimize"`
}

// Op is one operation of a scenario's topology. Which fields it uses depends on Op; absent ones are zero.
type Op struct {
	ID string `json:"id"`
	Op string `json:"op"`

	Topic string `json:"topic"`
	In    string `json:"in"`
	Other string `json:"other"`
	Name  string `json:"name"`
	Store *Store `json:"store"`

	// Fn, Key, Value, Remove, FK and Agg are functions in the scenario language.
	Fn     string `json:"fn"`
	Key    string `json:"key"`
	Value  string `json:"value"`
	Remove string `json:"remove"`
	FK     string `json:"fk"`
	Agg    string `json:"agg"`

	Branches []Branch `json:"branches"`
	Default  string   `json:"default"`
	Parts    []Part   `json:"parts"`

	Window      *Window `json:"window"`
	Emit        string  `json:"emit"`
	TimeLimitMs *int64  `json:"time_limit_ms"`
	MaxRecords  *int64  `json:"max_records"`
	Type        string  `json:"type"`
	BeforeMs    *int64  `json:"before_ms"`
	AfterMs     *int64  `json:"after_ms"`
	GraceMs     *int64  `json:"grace_ms"`
}

// Branch is one branch of a split stream: its stream's id and its predicate.
type Branch struct {
	ID string `json:"id"`
	Fn string `json:"fn"`
}

// Part is one input of a cogrouped aggregation: a grouped stream's id and its aggregate.
type Part struct {
	In  string `json:"in"`
	Agg string `json:"agg"`
}

// Window is the window of an aggregation; Type is "time", "sliding" or "session".
type Window struct {
	Type      string `json:"type"`
	SizeMs    int64  `json:"size_ms"`
	AdvanceMs int64  `json:"advance_ms"`
	GapMs     int64  `json:"gap_ms"`
	GraceMs   int64  `json:"grace_ms"`
}

// Store says how an operator keeps its state. A nil Caching or Logging is Kafka Streams' default, which is on.
type Store struct {
	Name        string `json:"name"`
	Persistent  bool   `json:"persistent"`
	Caching     *bool  `json:"caching"`
	Logging     *bool  `json:"logging"`
	HistoryMs   int64  `json:"history_ms"`
	RetentionMs int64  `json:"retention_ms"`
}

// Event is a record that is piped into the topology, or, if AdvanceWallMs is set, a step of the wall clock.
type Event struct {
	Topic         string  `json:"topic"`
	Key           *string `json:"key"`
	Value         *string `json:"value"`
	Ts            int64   `json:"ts"`
	Headers       Headers `json:"headers"`
	AdvanceWallMs int64   `json:"advance_wall_ms"`
}

// Headers are a record's headers in order; in JSON they are an object.
type Headers record.Headers

// UnmarshalJSON reads an object of strings and keeps the order of its members.
func (h *Headers) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			continue // the braces; null is no headers
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("header %q: %w", key, err)
		}
		*h = append(*h, record.Header{Key: key, Value: []byte(value)})
	}
}

// Family is the scenario's name up to its last dash.
func (s *Scenario) Family() string {
	if i := strings.LastIndexByte(s.Name, '-'); i >= 0 {
		return s.Name[:i]
	}
	return s.Name
}

// Parse reads one scenario. A field that the language does not have is an error, so that nothing a scenario
// asks for is passed over.
func Parse(b []byte) (*Scenario, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	s := new(Scenario)
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("parse scenario: %w", err)
	}
	return s, nil
}

// Load reads every *.json in dir, in the order of the file names. A file that is no scenario is not left out:
// it becomes one, named after the file, that differs on every level.
func Load(dir string) ([]*Scenario, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("load scenarios from %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("load scenarios from %s: it has no *.json; give -scenarios a directory that has some", dir)
	}
	sort.Strings(files)
	all := make([]*Scenario, 0, len(files))
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("load scenario %s: %w", name, err)
		}
		s, err := Parse(b)
		if err != nil {
			s = &Scenario{Name: name, err: err}
		}
		if s.Name == "" {
			s.Name = name
		}
		all = append(all, s)
	}
	return all, nil
}
