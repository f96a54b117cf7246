package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/leatstream/leat/embedded"
)

// place is where a demonstration runs: on which brokers, and with its state in which directory.
type place struct {
	brokers []string
	dir     string
	// close gives back what the place took for itself.
	close func()
}

// open returns the place that the options name. The broker inside this process takes the changelogs with it, so
// nothing of the state is of use afterwards.
func (o *options) open() (place, error) {
	p := place{brokers: o.brokers, dir: o.stateDir, close: func() {}}
	if p.dir == "" && len(o.brokers) > 0 {
		cache, err := os.UserCacheDir()
		if err != nil {
			return p, fmt.Errorf("no default for --state-dir: %w", err)
		}
		p.dir = filepath.Join(cache, "leat", "demo")
	}
	if len(o.brokers) > 0 {
		return p, nil
	}
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		return p, err
	}
	p.brokers = []string{broker.Addr()}
	p.close = broker.Close
	if p.dir != "" {
		return p, nil
	}
	dir, err := os.MkdirTemp("", "leat-"+o.demo+"-")
	if err != nil {
		broker.Close()
		return p, err
	}
	p.dir = dir
	p.close = func() {
		broker.Close()
		os.RemoveAll(dir)
	}
	return p, nil
}

// interrupted says what a run that was told to stop leaves behind; any other error it returns as it is.
func (o *options) interrupted(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		return err
	case len(o.brokers) == 0:
		return errors.New("interrupted")
	default:
		return errors.New("interrupted; the next run with the same --app-id and --brokers processes what was written")
	}
}

// logger is what the application and the clients log to.
func (o *options) logger(c console) *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(c.progress, &slog.HandlerOptions{Level: level}))
}
