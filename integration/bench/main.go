// Command bench runs leat on the workloads of WORKLOADS.md, in the way in which the project in kafka-streams/
// beside it runs Kafka Streams on them: the same topics, configuration, measurement and result lines.
//
//	bench run --workload W2 --guarantee eos --threads 1 --records 500000 --cache 0
//	bench latency --rate 20000 --seconds 20 --guarantee eos
//	bench limit --workload W1 --guarantee eos --records 500000
//	bench compare --records 500000
//	bench scale --only keys,stores
//
// The Java project loads the input and judges the output of every implementation. `bench help` lists all.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: bench COMMAND [--flag value]...        (data, topologies and measurement: WORKLOADS.md)
  run      --workload W1..W7 --guarantee alo|eos --records N [--threads T] [--cache BYTES] [--commit MS] [--linger MS]
           [--app-id ID] [--out TOPIC] [--state-dir DIR] [--keep] [--verify true|false] [--timeout S]
           [--cache-entries N]
           Several processes with the same --app-id, --out and --records are one application; each needs a
           --state-dir of its own. All end when the input is done. --keep leaves topics, group and state behind.
  latency  --rate R --seconds S --guarantee alo|eos [--warmup S] [--threads T] [--commit MS] [--linger MS]
           [--bare true]: a bare franz-go loop in leat's place
  serve    --in TOPIC --out TOPIC --guarantee alo|eos [--threads T] [--commit MS] [--linger MS] [--app-id ID]
           [--bare true]
           The processor of the latency application alone; it runs until its standard input closes.
  limit    --workload W1|W2|W6 --guarantee alo|eos --records N [--commit MS] [--keep] [--verify true|false]
           A bare franz-go loop that consumes and produces the same bytes.
  limit    --workload pebble --records N
           Bare Pebble: a get and a put for each record of W2.
  compare  --records N [--workloads W1,W2,...] [--guarantees alo,eos] [--threads 1,2] [--pairs P] [--caches 0,10485760]
           [--rate R] [--seconds S] [--limits true|false] [--broker-pid PID] [--file RESULTS.jsonl]
           leat and Kafka Streams in turn, each run verified, then one table.
  table    --file RESULTS.jsonl                        the table of earlier results
  scale    [--only keys,application,partitions,stores,idle,startup] [--records N] [--bytes B] [--guarantee alo|eos] [--threads T]
           What a record costs with more keys, partitions and stores, what an idle instance holds, and how long a start
           takes with a gigabyte of state: a table each. Loads its own input; keys and stores need no broker.
           --records: of each row (updates, for stores); --bytes: of startup's state.
every command: --bootstrap HOST:PORT (default: $BENCH_BOOTSTRAP, else $LEAT_BROKERS, else localhost:9092),
  --topic PREFIX of the input topics (default bench), --java FILE (the script kafka-streams/bench), --verbose,
  --cpuprofile FILE, --memprofile FILE
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal kills, as usual
	os.Exit(command(ctx, os.Args[1:]))
}

// command runs a command line and returns the exit code: 2 for a command line that makes no sense, 3 for a
// result that did not verify, 1 for everything else that went wrong.
func command(ctx context.Context, argv []string) int {
	if len(argv) == 0 || argv[0] == "help" || argv[0] == "--help" || argv[0] == "-h" {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	commands := map[string]func(context.Context, *args) error{
		"run": run, "latency": latency, "serve": serve, "limit": limit, "compare": compare, "table": printTable,
		"scale": scale,
	}
	f, ok := commands[argv[0]]
	if !ok {
		fmt.Fprintf(os.Stderr, "bench: no command %q\n%s", argv[0], usage)
		return 2
	}
	a, err := parseArgs(argv[1:])
	if err == nil {
		err = profiled(a, func() error { return f(ctx, a) })
	}
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	case errors.Is(err, errWrong):
		return 3
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: stopped before the end:", err)
		return 1
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
}
