package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leatstream/leat/app"
)

// settings are what a run is to do.
type settings struct {
	// command runs the same again.
	command string
	// load is the machine's load average before the run, for the report.
	load      string
	seed      uint64
	records   int
	keys      int
	pairs     int
	duration  time.Duration
	instances int
	standbys  int
	guarantee string
	port      int
	dir       string
	keep      bool
	markdown  string
	counts    counts
}

// counts are how many faults of each kind are to happen.
type counts struct {
	kills, stops, zombies, brokerKills, brokerPauses, cuts, wipes, scales, calm int
}

func (c counts) total() int {
	return c.kills + c.stops + c.zombies + c.brokerKills + c.brokerPauses + c.cuts + c.wipes + c.scales + c.calm
}

// The times that the applications are configured with. They are short, so that many faults fit into a run; the
// proportions are those of the defaults.
const (
	sessionTimeout     = 6 * time.Second
	transactionTimeout = 10 * time.Second
	connectTimeout     = 2 * time.Minute
	partitions         = 6
	brokers            = 3
)

func parseSettings(args []string, out io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(out)
	f.Uint64Var(&s.seed, "seed", 1, "what the faults are drawn from: their order, times and victims")
	f.IntVar(&s.records, "records", 5_000_000, "input records to write at least, evenly over the duration")
	f.IntVar(&s.keys, "keys", 20_000, "keys that are counted")
	f.IntVar(&s.pairs, "pairs", 8, "write a pair of records to be joined with every so many records")
	f.DurationVar(&s.duration, "duration", 20*time.Minute, "time over which the faults are spread; the run takes longer if recovery does")
	f.IntVar(&s.instances, "instances", 3, "processes of the application to begin with")
	f.IntVar(&s.standbys, "standbys", 0, "standby replicas of each stateful task")
	f.StringVar(&s.guarantee, "guarantee", "exactly", "exactly or atleast (then repeats are counted, and allowed)")
	f.IntVar(&s.port, "port", 0, "first of nine ports for the brokers (default: the first nine free ones from 23092 on)")
	f.StringVar(&s.dir, "dir", "", "directory for state and logs (default: a temporary one)")
	f.StringVar(&s.markdown, "markdown", "", "file to write the command and the tables to, as they are in docs/reliability.md")
	f.BoolVar(&s.keep, "keep", false, "keep the directory after a run without violations as well")
	f.IntVar(&s.counts.kills, "kills", 30, "SIGKILL an application process, and start it again")
	f.IntVar(&s.counts.stops, "stops", 5, "stop an application process in order, and start it again")
	f.IntVar(&s.counts.zombies, "zombies", 10, "SIGSTOP an application process beyond the session and transaction timeouts")
	f.IntVar(&s.counts.brokerKills, "broker-kills", 10, "SIGKILL a broker, and start it again")
	f.IntVar(&s.counts.brokerPauses, "broker-pauses", 2, "SIGSTOP a broker for a while")
	f.IntVar(&s.counts.cuts, "cuts", 10, "cut, refuse or hold an application process's connections")
	f.IntVar(&s.counts.wipes, "wipes", 5, "SIGKILL an application process, delete its state, and start it again")
	f.IntVar(&s.counts.scales, "scales", 6, "add or remove an application process")
	f.IntVar(&s.counts.calm, "calm", 5, "measure without a fault, for comparison")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.command = strings.TrimSpace("go run ./chaos " + strings.Join(args, " "))
	return s, s.validate()
}

func (s *settings) validate() error {
	var errs []error
	for name, n := range map[string]int{
		"records": s.records, "keys": s.keys, "pairs": s.pairs, "instances": s.instances,
	} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("settings: %s is %d; it must be positive", name, n))
		}
	}
	if s.duration <= 0 {
		errs = append(errs, fmt.Errorf("settings: duration is %v; it must be positive", s.duration))
	}
	if s.instances < 2 && s.counts.zombies > 0 {
		errs = append(errs, errors.New("settings: zombies need a second instance that takes over"))
	}
	if _, err := guaranteeOf(s.guarantee); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func guaranteeOf(name string) (app.Guarantee, error) {
	switch name {
	case "exactly":
		return app.ExactlyOnce, nil
	case "atleast":
		return app.AtLeastOnce, nil
	}
	return 0, fmt.Errorf("settings: guarantee %q: want exactly or atleast", name)
}
