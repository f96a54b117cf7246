package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// errWrong is returned for a result that did not verify; its line has been printed.
var errWrong = errors.New("the output is wrong")

// result is one line of JSON, its fields in the order in which they were put.
type result struct {
	names  []string
	values map[string]string // as JSON
}

func newResult(impl, workload string, s *settings) *result {
	r := &result{values: make(map[string]string)}
	r.text("impl", impl)
	r.text("workload", workload)
	r.text("guarantee", s.guarantee())
	r.int("threads", int64(s.threads))
	r.text("verify", "skipped")
	return r
}

func (r *result) put(name, value string) {
	if _, ok := r.values[name]; !ok {
		r.names = append(r.names, name)
	}
	r.values[name] = value
}

func (r *result) text(name, v string) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a string has a JSON form
	}
	r.put(name, string(b))
}

func (r *result) int(name string, v int64) { r.put(name, strconv.FormatInt(v, 10)) }

// float puts a number, with three digits after the point. What is not a number is left out.
func (r *result) float(name string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		r.put(name, strconv.FormatFloat(v, 'f', 3, 64))
	}
}

// string returns a field as text, quotes removed; "" if it is not there.
func (r *result) string(name string) string {
	var s string
	if json.Unmarshal([]byte(r.values[name]), &s) == nil {
		return s
	}
	return r.values[name]
}

// number returns a field as a number, NaN if it is not there.
func (r *result) number(name string) float64 {
	f, err := strconv.ParseFloat(r.values[name], 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

func (r *result) line() string {
	var b strings.Builder
	for i, n := range r.names {
		b.WriteByte(",{"[b2i(i == 0)])
		b.WriteString(strconv.Quote(n) + ":" + r.values[n])
	}
	return b.String() + "}"
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// finish prints the line; what did not verify is an error.
func (r *result) finish(w io.Writer) error {
	fmt.Fprintln(w, r.line())
	if v := r.string("verify"); v != "ok" && v != "skipped" {
		return errWrong
	}
	return nil
}

// parseResult reads a line that an implementation has printed.
func parseResult(line string) (*result, error) {
	d := json.NewDecoder(strings.NewReader(line))
	r := &result{values: make(map[string]string)}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("result line %q: not a JSON object", line)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("result line %q: %w", line, err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("result line %q: %w", line, err)
		}
		r.put(fmt.Sprint(name), string(v))
	}
	return r, nil
}
