// Command chaos runs one application as several processes on three real brokers, and while records flow kills,
// pauses and cuts off both, by a script that is drawn from a seed:
//
//	go run ./chaos                                   # the long form: 30 kills, 10 brokers, 10 zombies, 5 M records
//	go run ./chaos -seed 7 -records 200000 -duration 3m -kills 8 -broker-kills 2 -zombies 2
//
// Afterwards it reads the output as committed. Every key's records must be there in order, once each, with the
// right count; the state, read from the changelog, must equal a recount of the input; no transaction may hang; and
// the group must have committed all input. Then it prints a table, and ends with code 1 if anything was not as it
// must be. The files of the run, with every process's log, then stay for the search. The seed gives the same script
// again; what the processes make of the time is theirs, so a violation may take several runs to come back.
//
// The processes are this program, started again. It needs Java 17 and Maven for the brokers, and a Unix system for
// the signals.
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

func main() {
	if text := os.Getenv(instanceEnv); text != "" {
		os.Exit(instance(text))
	}
	s, err := parseSettings(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	begin := time.Now()
	r, err := run(ctx, s, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: seed %d: %v\n", s.seed, err)
		os.Exit(1)
	}
	fmt.Print(r.section())
	if s.markdown != "" {
		if err := os.WriteFile(s.markdown, []byte(r.section()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
	}
	if len(r.violations) > 0 {
		os.Exit(1)
	}
}
