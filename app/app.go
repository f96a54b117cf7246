package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// App is one instance of an application.
type App struct {
	cfg     Config
	ran     atomic.Bool
	mu      sync.Mutex // guards state; held while OnState is called, so that calls come in order
	state   State
	metrics metrics
}

// New checks the configuration and returns an instance that does not run yet. The error reports every
// problem at once.
func New(cfg Config) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &App{cfg: cfg}, nil
}

// State returns the instance's state. It may be called at any time.
func (a *App) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

func (a *App) setState(to State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.state
	if !to.follows(from) {
		return
	}
	a.state = to
	a.cfg.Logger.Info("state changed", "app", a.cfg.Application, "from", from.String(), "to", to.String())
	if a.cfg.OnState != nil {
		a.cfg.OnState(from, to)
	}
}

// warn logs what the topology could do better, in one line.
func (a *App) warn() {
	warnings := slices.Clone(a.cfg.Topology.Warnings)
	if err := a.cfg.Topology.CheckNames(); err != nil {
		warnings = append(warnings, strings.Split(err.Error(), "\n")...)
	}
	if len(warnings) > 0 {
		a.cfg.Logger.Warn("the topology has warnings", "app", a.cfg.Application, "warnings", strings.Join(warnings, "; "))
	}
}

// Run runs the instance until ctx ends, and returns nil once it has committed and left the group. If
// something goes wrong that it cannot recover from it returns the error, having committed what was processed
// without one. It can be called once.
func (a *App) Run(ctx context.Context) error {
	if !a.ran.CompareAndSwap(false, true) {
		return errors.New("run: this instance has run already; make a new one")
	}
	a.warn()
	err := a.run(ctx)
	if err != nil {
		a.setState(Error)
		return fmt.Errorf("application %q: %w", a.cfg.Application, err)
	}
	a.setState(Closing)
	a.setState(Closed)
	return nil
}
