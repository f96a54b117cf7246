package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

const (
	// instanceEnv makes a process of this program an instance. It holds an instanceConfig in JSON.
	instanceEnv = "LEAT_ROLLING_INSTANCE"

	application = "rolling"
	inTopic     = "rolling-in"
	outTopic    = "rolling-out"
	partitions  = 6
)

// instanceConfig is what an instance's process is told.
type instanceConfig struct {
	Brokers   []string
	StateDir  string
	Number    int
	Member    string
	Guarantee string
}

// report is a line of an instance's standard output.
type report struct {
	State   string            `json:",omitempty"`
	Restore *app.RestoreEvent `json:",omitempty"`
}

// keeper keeps the last value of each key, and forwards those of the clock's records with the time at which it
// saw them.
type keeper struct {
	ctx   *processor.Context[string, []byte]
	store statestore.KeyValue[string, []byte]
}

func (p *keeper) Init(ctx *processor.Context[string, []byte]) (err error) {
	p.ctx = ctx
	p.store, err = topology.StoreIn[statestore.KeyValue[string, []byte]](ctx, "state")
	return err
}

func (p *keeper) Process(r record.Record[string, []byte]) error {
	p.store.Put(r.Key, r.Value)
	if len(r.Value) == clockValue {
		p.ctx.Forward(record.WithValue(r, binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))))
	}
	return nil
}

func (p *keeper) Close() error { return nil }

func program() (*topology.Topology, error) {
	b := topology.NewBuilder()
	in := topology.From(b, "in", serde.String, serde.Bytes, inTopic)
	b.AddStore(topology.KeyValue("state", serde.String, serde.Bytes))
	kept := topology.Process(in, "keep", func() processor.Processor[string, []byte, string, []byte] { return &keeper{} }, "state")
	topology.To(kept, "out", outTopic, serde.String, serde.Bytes)
	return b.Build()
}

// instance runs an instance until SIGTERM or until its standard input ends, and returns the exit code.
func instance(text string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGINT)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	if err := runInstance(ctx, text); err != nil {
		fmt.Fprintln(os.Stderr, "instance:", err)
		return 1
	}
	return 0
}

func runInstance(ctx context.Context, text string) error {
	var cfg instanceConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	topo, err := program()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	tell := func(r report) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(r) // nobody is left to hear of an error
	}
	c := app.Config{
		Application: application, Topology: topo, Brokers: cfg.Brokers, Workers: 2, StateDir: cfg.StateDir, Memory: 64 << 20,
		StayOnClose: cfg.Member == "stay",
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
		OnState:     func(_, to app.State) { tell(report{State: to.String()}) },
		OnRestore:   func(e app.RestoreEvent) { tell(report{Restore: &e}) },
	}
	if cfg.Guarantee == "exactly" {
		c.Guarantee = app.ExactlyOnce
	}
	if cfg.Member == "static" {
		c.Instance = fmt.Sprint("instance-", cfg.Number)
	}
	a, err := app.New(c)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
