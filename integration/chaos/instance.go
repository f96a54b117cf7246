package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/leatstream/leat/app"
)

// instanceEnv makes a process of this program an instance of the application under test. It holds an
// instanceConfig in JSON.
const instanceEnv = "LEAT_CHAOS_INSTANCE"

// instanceConfig is what an instance's process is told.
type instanceConfig struct {
	// Proxies are the addresses to dial in place of the brokers' own.
	Proxies   map[string]string
	StateDir  string
	Guarantee string
	Standbys  int
}

// report is a line of an instance's standard output.
type report struct {
	// State is the name of a state that the instance has entered.
	State string `json:",omitempty"`
	// Restore is a store's progress.
	Restore *app.RestoreEvent `json:",omitempty"`
}

// instance runs an instance until SIGTERM, and returns the exit code. It ends, too, when its standard input does:
// then the process that started it is gone.
func instance(text string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGINT) // a terminal sends it to all; the one that started this process decides
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
	guarantee, err := guaranteeOf(cfg.Guarantee)
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
	var brokers []string
	for b := range cfg.Proxies {
		brokers = append(brokers, b)
	}
	a, err := app.New(app.Config{
		Application: application, Topology: topo, Brokers: brokers, Guarantee: guarantee, Workers: 2,
		StateDir: cfg.StateDir, Memory: 32 << 20, StateCleanupDelay: -1, Standbys: cfg.Standbys,
		SessionTimeout: sessionTimeout, TransactionTimeout: transactionTimeout,
		ConnectTimeout: connectTimeout, // an instance may be started while brokers are
		// Small segments, so that the changelogs are compacted while the application runs.
		TopicConfig: map[string]string{"segment.bytes": "16777216", "min.cleanable.dirty.ratio": "0.1"},
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
		OnState:     func(_, to app.State) { tell(report{State: to.String()}) },
		OnRestore:   func(e app.RestoreEvent) { tell(report{Restore: &e}) },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			proxy, ok := cfg.Proxies[address]
			if !ok {
				return nil, fmt.Errorf("dial %s: there is no proxy for it", address)
			}
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, proxy)
		},
	})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
