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

// options are the part of a command line that the demonstrations have in common.
type options struct {
	// demo is the demonstration's name.
	demo      string
	brokers   []string
	workers   int
	instances int
	stateDir  string
	appID     string
	output    string
	describe  graphForm
	verbose   bool
}

// flags returns the flags of the options.
func (o *options) flags(demo string) *flag.FlagSet {
	o.demo = demo
	fs := flag.NewFlagSet(demo, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Func("brokers", "`HOST:PORT,...` of a Kafka cluster to use", func(brokers string) error {
		o.brokers = nil
		for b := range strings.SplitSeq(brokers, ",") {
			o.brokers = append(o.brokers, strings.TrimSpace(b))
		}
		return nil
	})
	fs.IntVar(&o.workers, "workers", 0, "goroutines that run tasks, in each instance (default: the number of CPUs)")
	fs.IntVar(&o.instances, "instances", 1, "instances of the application, members of one group")
	fs.StringVar(&o.stateDir, "state-dir", "", "`directory` for the state of the instances (default: in the user's cache directory,\nor with the broker inside this process a temporary one)")
	fs.StringVar(&o.appID, "app-id", "leat-"+demo, "application id: consumer group and prefix of all topics")
	fs.StringVar(&o.output, "output", "text", "`format` of the result: text or json")
	fs.Var(&o.describe, "describe", "print the topology and do nothing else; --describe=mermaid as a Mermaid flowchart")
	fs.BoolVar(&o.verbose, "verbose", false, "log what the application does")
	return fs
}

// parse reads flags that stand before, between and behind other arguments, and returns those. flag.ErrHelp is
// returned for a command line that asks for help, with the text on out.
func (o *options) parse(fs *flag.FlagSet, args []string, usage string, out io.Writer) (rest []string, err error) {
	// The flag package stops at the first other argument; what follows "--" is none of its own whatever it looks like.
	var literal []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, literal = args[:i], args[i+1:]
	}
	for len(args) > 0 {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, usage)
			fs.SetOutput(out)
			fs.PrintDefaults()
			return nil, flag.ErrHelp
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("demo %s: %w; see --help", o.demo, err)}
		}
		if args = fs.Args(); len(args) > 0 {
			rest = append(rest, args[0])
			args = args[1:]
		}
	}
	return append(rest, literal...), nil
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

// graphForm is how to print a topology, "" for not at all. As a flag it may stand without a value.
type graphForm string

// String implements flag.Value.
func (f *graphForm) String() string { return string(*f) }

// IsBoolFlag tells the flag package that the value may be left out.
func (f *graphForm) IsBoolFlag() bool { return true }

// Set implements flag.Value.
func (f *graphForm) Set(value string) error {
	switch value {
	case "true", "text":
		*f = "text"
	case "mermaid":
		*f = "mermaid"
	case "false":
		*f = ""
	default:
		return errors.New("it is neither text nor mermaid")
	}
	return nil
}

// print prints a topology.
func (f *graphForm) print(w io.Writer, t *topology.Topology) {
	text := t.Describe()
	if *f == "mermaid" {
		text = t.Mermaid()
	}
	fmt.Fprint(w, text)
}
