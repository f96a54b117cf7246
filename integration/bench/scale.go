package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scaling is one of the tables of bench scale.
type scaling struct {
	name, caption string
	// rows are the values of the first column, and of --row.
	rows  []string
	first string
	// records of a row unless --records says otherwise.
	records int64
	columns []column
	// ratio is the column whose figures are given as multiples of the first row's, too; "" for none.
	ratio string
	// prepare, where there is one, is called before the process that measures a row; it returns more flags for it.
	prepare func(ctx context.Context, g *ground, row string) (flags []string, err error)
	// measure measures a row, in a process of its own.
	measure func(ctx context.Context, s *settings, a *args, row string) (*result, error)
}

const (
	idleSettle, idleWatch = 10 * time.Second, 10 * time.Second
	// scaleRows is how many rows there are in all of the stores together.
	scaleRows = 1_000_000
)

var (
	cpuPerRecord = column{"CPU µs/record", "cpu_us_per_record", 2, false}
	costColumns  = []column{{"records/s", "records_per_s", 0, true}, cpuPerRecord, {"peak RSS MiB", "peak_rss_mb", 0, false}}
)

var scalings = []scaling{
	{
		name: "keys",
		caption: "Keys: counts by key in one task without a broker, its stores in Pebble with an instance's default memory " +
			"(256 MiB). All keys are there before, and each is as likely as any other, so that caches help least. Each update " +
			"is a change record; a commit every 50,000 updates.",
		rows: []string{"10000", "100000", "1000000", "10000000"}, first: "keys", records: 1_000_000,
		columns: costColumns,
		ratio:   "cpu_us_per_record",
		measure: func(_ context.Context, s *settings, _ *args, row string) (*result, error) {
			keys, err := rowNumber(row)
			if err != nil {
				return nil, err
			}
			return measureCore(s, 1, keys, s.records)
		},
	},
	{
		name: "application",
		caption: "Keys of an application: W2 (counts by key, each to the changelog and to a topic) with a broker, from the first " +
			"record to the commit of the last. Each key is as likely as any other and new when it first comes; 4 partitions, one " +
			"worker unless --threads says otherwise.",
		rows: []string{"10000", "100000", "1000000"}, first: "keys", records: 3_000_000,
		columns: costColumns,
		ratio:   "cpu_us_per_record",
		prepare: func(ctx context.Context, g *ground, row string) ([]string, error) {
			keys, err := rowNumber(row)
			if err != nil {
				return nil, err
			}
			return g.fed(ctx, "application-"+row, partitions, g.records, keys)
		},
		measure: measureCounts,
	},
	{
		name: "partitions",
		caption: "Partitions: W2 (counts by key, each to the changelog and to a topic) with a broker, from the first record to " +
			"the commit of the last, so the start of the later tasks is within. 100,000 keys, each as likely as any other; one " +
			"task a partition, one worker unless --threads says otherwise.",
		rows: []string{"1", "10", "100"}, first: "partitions", records: 3_000_000,
		columns: costColumns,
		ratio:   "cpu_us_per_record",
		prepare: func(ctx context.Context, g *ground, row string) ([]string, error) {
			n, err := rowNumber(row)
			if err != nil {
				return nil, err
			}
			return g.fed(ctx, "partitions-"+row, int32(n), g.records, 100_000)
		},
		measure: measureCounts,
	},
	{
		name: "stores",
		caption: "Stores: as for keys, but each record updates every store. The rows of all stores together are the same " +
			"1,000,000 everywhere, and so is the number of updates: only what they are spread over differs. A record is read " +
			"once, whatever the number of stores.",
		rows: []string{"1", "4", "16", "64"}, first: "stores", records: 1_000_000,
		columns: []column{
			cpuPerRecord,
			{"CPU µs/update", "cpu_us_per_update", 2, false},
			{"peak RSS MiB", "peak_rss_mb", 0, false},
		},
		ratio: "cpu_us_per_update",
		measure: func(_ context.Context, s *settings, _ *args, row string) (*result, error) {
			stores, err := rowNumber(row)
			if err != nil {
				return nil, err
			}
			return measureStores(s, int(stores), scaleRows, s.records)
		},
	},
	{
		name: "idle",
		caption: "Idle: an instance with a broker, one worker unless --threads says otherwise and W2's store in each task, 10 s after it has processed 100 " +
			"records a task; CPU over the 10 s after that, of one core.",
		rows: []string{"1", "100"}, first: "tasks",
		columns: []column{
			{"RSS MiB", "rss_mb", 0, false},
			{"Go heap MiB", "heap_mb", 0, false},
			{"goroutines", "goroutines", 0, false},
			{"CPU %", "cpu_percent", 2, false},
		},
		prepare: func(ctx context.Context, g *ground, row string) ([]string, error) {
			n, err := rowNumber(row)
			if err != nil {
				return nil, err
			}
			return g.fed(ctx, "idle-"+row, int32(n), 100*n, 100_000)
		},
		measure: func(ctx context.Context, s *settings, a *args, _ string) (*result, error) {
			return withJob(s, a, "W2", func(j *job) (*result, error) { return j.idle(ctx, idleSettle, idleWatch) })
		},
	},
	{
		name: "startup",
		caption: fmt.Sprintf("Start-up: from app.New to RUNNING with complete state, with a broker: a store of keys of %d and values of "+
			"%d bytes in %d tasks, 1 GB unless --bytes says otherwise. Empty: a new application without input. Local: after an "+
			"orderly stop. Changelog: the same with the state directory deleted.", keptKey, keptValue, partitions),
		rows: []string{"empty", "local", "changelog"}, first: "state",
		columns: []column{
			{"RUNNING after s", "running_s", 2, false},
			{"records restored", "restored", 0, false},
			{"records/s", "records_per_s", 0, true},
			{"CPU s", "cpu_s", 2, false},
			{"peak RSS MiB", "peak_rss_mb", 0, false},
		},
		prepare: func(ctx context.Context, g *ground, row string) ([]string, error) { return g.stated(ctx, row) },
		measure: func(ctx context.Context, s *settings, a *args, row string) (*result, error) {
			return withJob(s, a, "keep", func(j *job) (*result, error) {
				switch row {
				case "build": // what the rows after it begin with
					return j.process(ctx)
				case "changelog":
					return j.startup(ctx, s.records)
				default:
					return j.startup(ctx, 0)
				}
			})
		},
	},
}

func rowNumber(row string) (int64, error) {
	n, err := strconv.ParseInt(row, 10, 32)
	if err != nil || n < 1 {
		return 0, usagef("--row %s: not a number of 1 or more", row)
	}
	return n, nil
}

// scale measures the tables that --only names. With --row it is the process that measures one row, and prints its
// result.
func scale(ctx context.Context, a *args) error {
	s, err := a.settings(1000, 100)
	if err != nil {
		return err
	}
	var chosen []scaling
	for _, name := range a.list("only", "keys,application,partitions,stores,idle,startup") {
		i := slices.IndexFunc(scalings, func(t scaling) bool { return t.name == name })
		if i < 0 {
			return usagef("--only %s: there are keys, application, partitions, stores, idle and startup", name)
		}
		chosen = append(chosen, scalings[i])
	}
	if a.has("row") {
		s.records = cmp.Or(s.records, chosen[0].records)
		r, err := chosen[0].measure(ctx, &s, a, a.flags["row"])
		if err != nil {
			return err
		}
		return r.finish(os.Stdout)
	}
	for _, t := range chosen {
		if err := t.run(ctx, s, a); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// run measures a table and prints it.
func (t *scaling) run(ctx context.Context, s settings, a *args) (err error) {
	s.records = cmp.Or(s.records, t.records)
	g := &ground{settings: s, id: fmt.Sprintf("scale-%d", time.Now().UnixMilli())}
	if g.bytes, err = a.num("bytes", 1_000_000_000); err != nil {
		return err
	}
	if t.prepare != nil {
		if g.cluster, err = connect(s.bootstrap); err != nil {
			return err
		}
		defer g.cluster.close()
		if g.dir, err = os.MkdirTemp("", g.id+"-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, g.clear(context.WithoutCancel(ctx))) }()
	}
	var results []*result
	for _, row := range t.rows {
		var flags []string
		if t.prepare != nil {
			if flags, err = t.prepare(ctx, g, row); err != nil {
				return err
			}
		}
		r, err := g.measure(ctx, t.name, row, flags)
		if err != nil {
			return fmt.Errorf("row %s: %w", row, err)
		}
		results = append(results, r)
	}
	t.write(os.Stdout, results)
	return nil
}

// write prints a table: a line for each of the rows.
func (t *scaling) write(w io.Writer, results []*result) {
	fmt.Fprintf(w, "%s\n\n| %s |", t.caption, t.first)
	width := 1 + len(t.columns)
	for _, c := range t.columns {
		fmt.Fprintf(w, " %s |", c.title)
	}
	if t.ratio != "" {
		width++
		fmt.Fprint(w, " ratio |")
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat(" --- |", width))
	for i, r := range results {
		fmt.Fprintf(w, "| %s |", t.rows[i])
		for _, c := range t.columns {
			fmt.Fprintf(w, " %s |", figure(r.number(c.field), c.digits))
		}
		if t.ratio != "" {
			fmt.Fprintf(w, " %s |", figure(r.number(t.ratio)/results[0].number(t.ratio), 2))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// ground is what the rows of a table are measured on.
type ground struct {
	settings
	cluster *cluster
	id, dir string
	bytes   int64
	apps    []string
	built   int64 // the records of startup's state
}

// measure runs the process that measures a row: each has memory and processor time of its own.
func (g *ground) measure(ctx context.Context, table, row string, flags []string) (*result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := []string{
		"scale", "--only", table, "--row", row, "--bootstrap", strings.Join(g.bootstrap, ","), "--guarantee", g.guarantee(),
		"--threads", strconv.Itoa(g.threads), "--commit", strconv.FormatInt(g.commit.Milliseconds(), 10),
		"--timeout", strconv.FormatFloat(g.timeout.Seconds(), 'f', 0, 64), "--verbose", strconv.FormatBool(g.verbose),
	}
	if !slices.Contains(flags, "--records") {
		argv = append(argv, "--records", strconv.FormatInt(g.records, 10))
	}
	var out bytes.Buffer
	c := exec.CommandContext(ctx, self, append(argv, flags...)...)
	c.Stdout, c.Stderr = &out, os.Stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out.String())
	}
	r, err := parseResult(strings.TrimSpace(out.String()))
	if err == nil && g.verbose {
		fmt.Fprintln(os.Stderr, r.line())
	}
	return r, err
}

// flags name an application's parts to the process that runs it.
func (g *ground) flags(id string, records int64) []string {
	if !slices.Contains(g.apps, id) {
		g.apps = append(g.apps, id)
	}
	return []string{"--app-id", id, "--state-dir", filepath.Join(g.dir, id), "--records", strconv.FormatInt(records, 10)}
}

// fed makes the input of an application of so many partitions, with keys that are drawn from so many.
func (g *ground) fed(ctx context.Context, name string, partitions int32, records, keys int64) ([]string, error) {
	flags := g.flags(g.id+"-"+name, records)
	return flags, errors.Join(g.cluster.feed(ctx, flags[1]+"-in", partitions, records, keys), g.cluster.create(ctx, flags[1]+"-out"))
}

// measureCounts measures W2 on what fed has made.
func measureCounts(ctx context.Context, s *settings, a *args, _ string) (*result, error) {
	return withJob(s, a, "W2", func(j *job) (*result, error) {
		r, err := j.process(ctx)
		if err != nil {
			return nil, err
		}
		r.text("verify", "ok")
		if r.number("processed") != float64(s.records) {
			r.text("verify", fmt.Sprintf("processed %s of %d", r.string("processed"), s.records))
		}
		return r, nil
	})
}

// stated brings the state of startup's applications about: of one that has nothing, and of one that has processed
// its input and then been stopped, with and without its directory.
func (g *ground) stated(ctx context.Context, row string) ([]string, error) {
	if row == "empty" {
		flags := g.flags(g.id+"-empty", 0)
		return flags, g.cluster.create(ctx, flags[1]+"-in")
	}
	flags := g.flags(g.id+"-kept", g.built)
	if row == "changelog" {
		return flags, os.RemoveAll(flags[3])
	}
	var err error
	if g.built, err = g.cluster.keep(ctx, flags[1]+"-in", g.bytes); err != nil {
		return nil, err
	}
	flags = g.flags(flags[1], g.built)
	_, err = g.measure(ctx, "startup", "build", flags)
	return flags, err
}

// clear removes all that the rows have left.
func (g *ground) clear(ctx context.Context) error {
	errs := []error{os.RemoveAll(g.dir)}
	for _, id := range g.apps {
		errs = append(errs, g.cluster.remove(ctx, id, id+"-out"))
	}
	return errors.Join(errs...)
}

// withJob runs a row's application, whose input is there.
func withJob(s *settings, a *args, workload string, f func(*job) (*result, error)) (*result, error) {
	id, err := a.need("app-id")
	if err != nil {
		return nil, err
	}
	dir, err := a.need("state-dir")
	if err != nil {
		return nil, err
	}
	c, err := connect(s.bootstrap)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return f(&job{settings: *s, cluster: c, workload: workload, id: id, in: []input{{id + "-in", s.records}}, out: id + "-out", dir: dir})
}
