package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/topology"
)

// options are wordcount's command line.
type options struct {
	brokers   []string
	workers   int
	instances int
	stateDir  string
	appID     string
	output    string
	describe  bool
	verbose   bool
	files     []string
}

const wordcountUsage = `Usage: leat demo wordcount [FLAGS] [FILE...]

Writes every line of the files (without one: a text that leat brings along) to the topic APP-ID-lines and runs an
application that counts their words, lower-cased runs of letters and digits, into the topic APP-ID-counts. Without
--brokers a broker runs inside this process. Run again with the same --app-id and --brokers, the counts go on
from where they were; with /dev/null as file it only finishes what is there.

Flags, before or after the files:
`

// parseOptions reads a command line. flag.ErrHelp is returned for one that asks for help, with the text on out.
func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	var brokers string
	fs := flag.NewFlagSet("wordcount", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&brokers, "brokers", "", "`HOST:PORT,...` of a Kafka cluster to use")
	fs.IntVar(&o.workers, "workers", 0, "goroutines that run tasks, in each instance (default: the number of CPUs)")
	fs.IntVar(&o.instances, "instances", 1, "instances of the application, members of one group")
	fs.StringVar(&o.stateDir, "state-dir", "", "`directory` for the state of the instances (default: in the user's cache directory,\nor with the broker inside this process a temporary one)")
	fs.StringVar(&o.appID, "app-id", "leat-wordcount", "application id: consumer group and prefix of all topics")
	fs.StringVar(&o.output, "output", "text", "`format` of the result: text or json")
	fs.BoolVar(&o.describe, "describe", false, "print the topology and do nothing else")
	fs.BoolVar(&o.verbose, "verbose", false, "log what the application does")

	// The flag package stops at the first file; what follows "--" is files whatever it looks like.
	args, literal := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		args, literal = args[:i], args[i+1:]
	}
	for len(args) > 0 {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, wordcountUsage)
			fs.SetOutput(out)
			fs.PrintDefaults()
			return nil, flag.ErrHelp
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("demo wordcount: %w; see --help", err)}
		}
		if args = fs.Args(); len(args) > 0 {
			o.files = append(o.files, args[0])
			args = args[1:]
		}
	}
	o.files = append(o.files, literal...)
	given := false
	fs.Visit(func(f *flag.Flag) { given = given || f.Name == "brokers" })
	if given {
		for b := range strings.SplitSeq(brokers, ",") {
			o.brokers = append(o.brokers, strings.TrimSpace(b))
		}
	}
	if err := o.check(); err != nil {
		return nil, usageError{fmt.Errorf("demo wordcount: %w", err)}
	}
	return o, nil
}

// check reports every problem at once.
func (o *options) check() error {
	var errs []error
	if o.workers < 0 {
		errs = append(errs, fmt.Errorf("--workers %d is negative", o.workers))
	}
	if o.instances < 1 {
		errs = append(errs, fmt.Errorf("--instances %d: there must be at least one", o.instances))
	}
	if o.output != "text" && o.output != "json" {
		errs = append(errs, fmt.Errorf("--output %q is neither text nor json", o.output))
	}
	// Without --brokers the address is not known yet; the one here is as good as any.
	cfg := app.Config{Application: o.appID, Brokers: o.brokers, Topology: &topology.Topology{}}
	if len(cfg.Brokers) == 0 {
		cfg.Brokers = []string{"localhost:9092"}
	}
	return errors.Join(append(errs, cfg.Validate())...)
}
