package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

func printTable(_ context.Context, a *args) error {
	file, err := a.need("file")
	if err != nil {
		return err
	}
	return printFile(file)
}

func printFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var all []*result
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if !strings.HasPrefix(sc.Text(), "{") {
			continue
		}
		r, err := parseResult(sc.Text())
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	writeTables(os.Stdout, all)
	return nil
}

// row is what was run, and the results of it by implementation.
type row struct {
	name string
	of   map[string][]*result
}

const kafkaStreams = "kafka-streams"

// rows groups results by what was run, in the order of the first of each.
func rows(all []*result) []*row {
	var out []*row
	for _, r := range all {
		name := []string{r.string("workload"), r.string("guarantee"), r.string("threads")}
		if r.string("workload") == "latency" {
			linger := r.string("linger_ms")
			name = append(name, "linger "+linger)
		} else if c := r.string("cache"); c != "0" {
			name[0] += " cache " + c
		}
		if r.string("workload") == "pebble" {
			name[1] = ""
		}
		key := strings.Join(name, " | ")
		i := slices.IndexFunc(out, func(x *row) bool { return x.name == key })
		if i < 0 {
			i = len(out)
			out = append(out, &row{key, make(map[string][]*result)})
		}
		impl := r.string("impl")
		if strings.HasPrefix(impl, kafkaStreams) {
			impl = kafkaStreams
		}
		out[i].of[impl] = append(out[i].of[impl], r)
	}
	return out
}

// column is one figure of the table.
type column struct {
	title, field string
	digits       int
	// more tells that more is better; the ratio is then leat's to Kafka Streams', else the other way round.
	more bool
}

var (
	throughput = []column{
		{"records/s", "records_per_s", 0, true},
		{"CPU µs/record", "cpu_us_per_record", 2, false},
		{"peak RSS MiB", "peak_rss_mb", 0, false},
		{"broker CPU µs/record", "broker_us_per_record", 2, false},
		{"start-up s", "startup_s", 2, false},
	}
	delay = []column{
		{"p50 ms", "p50_ms", 1, false},
		{"p99 ms", "p99_ms", 1, false},
		{"p99.9 ms", "p999_ms", 1, false},
		{"CPU s", "cpu_s", 2, false},
		{"peak RSS MiB", "peak_rss_mb", 0, false},
	}
)

// writeTables prints the medians of all runs of a row: leat, Kafka Streams, and how many times better leat is.
func writeTables(w io.Writer, all []*result) {
	isLatency := func(r *result) bool { return r.string("workload") == "latency" }
	var a, b []*result
	for _, r := range all {
		if isLatency(r) {
			b = append(b, r)
		} else {
			a = append(a, r)
		}
	}
	writeTable(w, "| workload | guarantee | threads |", 3, throughput, rows(a))
	writeTable(w, "| workload | guarantee | threads | linger |", 4, delay, rows(b))
}

func writeTable(w io.Writer, head string, keys int, columns []column, rows []*row) {
	if len(rows) == 0 {
		return
	}
	var titles strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&titles, " %s: leat | Kafka Streams | ratio | bare |", c.title)
	}
	fmt.Fprintln(w, head+titles.String()+" runs | verified |")
	fmt.Fprintln(w, "|"+strings.Repeat(" --- |", keys+4*len(columns)+2))
	for _, r := range rows {
		var line strings.Builder
		line.WriteString("| " + r.name + " |")
		bare := append(r.of[bareLoop], r.of["pebble"]...)
		for _, c := range columns {
			leat, ks := median(r.of["leat"], c.field), median(r.of[kafkaStreams], c.field)
			ratio := leat / ks
			if !c.more {
				ratio = ks / leat
			}
			fmt.Fprintf(&line, " %s | %s | %s | %s |", figure(leat, c.digits), figure(ks, c.digits), figure(ratio, 2), figure(median(bare, c.field), c.digits))
		}
		runs, ok := 0, 0
		for _, results := range r.of {
			for _, x := range results {
				runs++
				if x.string("verify") == "ok" {
					ok++
				}
			}
		}
		fmt.Fprintf(w, "%s %d | %d |\n", line.String(), runs, ok)
	}
	fmt.Fprintln(w)
}

// median of a field over the results that have it, NaN if none does.
func median(results []*result, field string) float64 {
	var v []float64
	for _, r := range results {
		if x := r.number(field); !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func figure(v float64, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return fmt.Sprintf("%.*f", digits, v)
}
