// Command kafka starts a real Kafka cluster for as long as it runs, or for as long as a command runs:
//
//	go run ./kafka                          # prints the address and waits for an interrupt
//	go run ./kafka -nodes 3 -port 19092
//	go run ./kafka -- go test ./...         # the command finds the cluster in LEAT_BROKERS
//
// Where the cluster comes from is decided by package kafkatest. docker.sh beside it sets Docker up on a machine
// that has none and can pull no images; with -print it asks for what it needs: image, version or jars.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/leatstream/leat/integration/kafkatest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	var cfg kafkatest.Config
	flags := flag.NewFlagSet("kafka", flag.ContinueOnError)
	flags.IntVar(&cfg.Nodes, "nodes", 1, "number of brokers")
	flags.IntVar(&cfg.Partitions, "partitions", 4, "partitions of a topic created without a count")
	flags.IntVar(&cfg.Port, "port", 0, "port of the first broker, 0 for any")
	origin := flags.String("origin", "", "environment, container or jars (default: the first there is)")
	show := flags.String("print", "", "print the image, version or jars that would be used, and start nothing")
	if err := flags.Parse(args); err != nil {
		return 2, nil // The flag set has told the user.
	}
	if *show != "" {
		return 0, printFact(ctx, *show)
	}
	cfg.Origin = kafkatest.Origin(*origin)
	cluster, err := kafkatest.Start(ctx, cfg)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	brokers := strings.Join(cluster.Brokers(), ",")
	if flags.NArg() == 0 {
		fmt.Println(brokers)
		<-ctx.Done()
		return 0, nil
	}
	fmt.Fprintf(os.Stderr, "kafka %s (%s) at %s\n", kafkatest.CurrentVersion(), cluster.Origin(), brokers)
	cmd := exec.CommandContext(ctx, flags.Arg(0), flags.Args()[1:]...)
	cmd.Env = append(os.Environ(), "LEAT_BROKERS="+brokers)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// printFact prints one thing that a script needs to know.
func printFact(ctx context.Context, what string) error {
	switch what {
	case "image":
		fmt.Println(kafkatest.Image())
	case "version":
		fmt.Println(kafkatest.CurrentVersion())
	case "jars":
		dir, err := kafkatest.DownloadJars(ctx)
		if err != nil {
			return err
		}
		fmt.Println(dir)
	default:
		return fmt.Errorf("-print %q: want image, version or jars", what)
	}
	return nil
}
