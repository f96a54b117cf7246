// Command rolling restarts the instances of an application one after the other, with a gigabyte of state, and
// reports what it cost: for how long each task stood still, and what was restored.
//
//	go run ./rolling                            # three instances, 1 GB, static members
//	go run ./rolling -member stay               # dynamic members that stay in the group while they restart
//	go run ./rolling -member leave -bytes 50e6  # members that leave: their tasks move, and are restored elsewhere
//
// Every task is fed at a steady rate while the instances are stopped (SIGTERM) and started again. A task's pause
// is the longest time between two of its records as it processed them, from the stop until all is quiet again.
//
// The processes are this program, started again. Without LEAT_BROKERS it starts a broker of its own; with it, the
// cluster must not have the topics of an earlier run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	instances int
	member    string
	guarantee string
	bytes     float64
	value     int
	rate      int
	settle    time.Duration
}

func main() {
	if text := os.Getenv(instanceEnv); text != "" {
		os.Exit(instance(text))
	}
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rolling:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	begin := time.Now()
	table, err := run(ctx, s, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	})
	stop()
	fmt.Print(table)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rolling:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	s := settings{}
	f := flag.NewFlagSet("rolling", flag.ContinueOnError)
	f.IntVar(&s.instances, "instances", 3, "how many instances there are")
	f.StringVar(&s.member, "member", "static", "static, stay or leave: what a stopped instance is to the group")
	f.StringVar(&s.guarantee, "guarantee", "exactly", "exactly or atleast")
	f.Float64Var(&s.bytes, "bytes", 1e9, "state of all instances together: keys and values")
	f.IntVar(&s.value, "value", 400, "bytes of a value")
	f.IntVar(&s.rate, "rate", 20, "records a second and task while instances restart")
	f.DurationVar(&s.settle, "settle", 5*time.Second, "how long everything must be quiet after a restart")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	var errs []error
	if f.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", f.Arg(0)))
	}
	if s.instances < 1 || s.value < 1 || s.rate < 1 || s.bytes < 1 || s.settle <= 0 {
		errs = append(errs, errors.New("instances, bytes, value, rate and settle must be positive"))
	}
	if s.member != "static" && s.member != "stay" && s.member != "leave" {
		errs = append(errs, fmt.Errorf("member %q: use static, stay or leave", s.member))
	}
	if s.guarantee != "exactly" && s.guarantee != "atleast" {
		errs = append(errs, fmt.Errorf("guarantee %q: use exactly or atleast", s.guarantee))
	}
	return s, errors.Join(errs...)
}
