// Command leat runs leat's demonstrations.
//
//	leat demo wordcount [FILE…]   count the words of files with a Kafka Streams application
//	leat demo shop                join orders, payments and customers, and show the totals as they come
//	leat demo                     list the demonstrations
//	leat version                  print the version
//
// Results go to standard output, everything else to standard error. The exit code is 0 for success, 2 for a
// command line or configuration that makes no sense, and 1 for everything else that goes wrong. SIGINT and
// SIGTERM stop it in good order, a second one at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

const usage = `leat is a Kafka-native stream processor for Go; this command shows it at work.

Usage:
  leat demo                       list the demonstrations
  leat demo wordcount [FILE...]   count words
  leat demo shop                  join orders, payments and customers
  leat version                    print the version
  leat help                       print this text

"leat demo NAME --help" explains a demonstration's flags.
`

// usageError is a mistake on the command line or in the configuration that it makes.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal kills, as usual
	os.Exit(run(ctx, os.Args[1:], console{os.Stdout, os.Stderr}))
}

// console is where a command writes: what was asked for to out, what happens meanwhile to progress.
type console struct{ out, progress io.Writer }

// shared makes writes to progress one at a time: instances log there too.
func (c console) shared() console {
	c.progress = &sharedWriter{to: c.progress}
	return c
}

type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (w *sharedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

func (c console) say(format string, args ...any) { fmt.Fprintf(c.progress, format+"\n", args...) }

// run runs the command and returns the exit code.
func run(ctx context.Context, args []string, c console) int {
	c = c.shared()
	err := dispatch(ctx, args, c)
	if err == nil {
		return 0
	}
	// Joined errors stand on a line each; a script that reads the last line should see all.
	c.say("leat: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

func dispatch(ctx context.Context, args []string, c console) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch name := args[0]; name {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(c.out, usage)
	case "version", "--version":
		fmt.Fprintln(c.out, "leat", version())
	case "demo":
		return runDemo(ctx, args[1:], c)
	default:
		return usageError{fmt.Errorf("unknown command %q; \"leat help\" lists them", name)}
	}
	return nil
}

// version is the module's, or that of the commit the command was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	return v + " " + info.GoVersion
}
