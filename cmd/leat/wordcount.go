package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/topology"
)

// partitions is the number of partitions of topics that the demonstration creates.
const partitions = 4

// runWordcount is "leat demo wordcount".
func runWordcount(ctx context.Context, args []string, c console) error {
	o, err := parseOptions(args, c.out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := wordcountTopology(o.appID)
	if err != nil {
		return err
	}
	if o.describe {
		_, err := fmt.Fprint(c.out, t.Describe())
		return err
	}
	texts, err := openTexts(o.files)
	if err != nil {
		return err
	}
	defer closeTexts(texts)
	dir, remove, err := o.stateDirectory()
	if err != nil {
		return err
	}
	defer remove()
	brokers := o.brokers
	if len(brokers) == 0 {
		broker, err := embedded.Start(embedded.Config{})
		if err != nil {
			return err
		}
		defer broker.Close()
		brokers = []string{broker.Addr()}
	}
	r, err := (&wordcount{options: o, console: c, topology: t, brokers: brokers, dir: dir}).count(ctx, texts)
	if err != nil {
		return o.interrupted(ctx, err)
	}
	return r.write(c.out, o.output)
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

// stateDirectory returns where the instances keep their state, and what to do when they have ended. The broker
// inside this process takes the changelogs with it, so nothing of the state is of use afterwards.
func (o *options) stateDirectory() (dir string, remove func(), err error) {
	switch {
	case o.stateDir != "":
		return o.stateDir, func() {}, nil
	case len(o.brokers) == 0:
		dir, err := os.MkdirTemp("", "leat-wordcount-")
		return dir, func() { os.RemoveAll(dir) }, err
	default:
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", nil, fmt.Errorf("no default for --state-dir: %w", err)
		}
		return filepath.Join(dir, "leat", "demo"), func() {}, nil
	}
}

// wordcount is one run of the demonstration against brokers.
type wordcount struct {
	*options
	console
	topology *topology.Topology
	brokers  []string
	dir      string
}

// count writes the lines of texts, runs the application until everything is processed, and reads its table.
func (w *wordcount) count(ctx context.Context, texts []text) (*result, error) {
	level := slog.LevelWarn
	if w.verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(w.progress, &slog.HandlerOptions{Level: level}))
	apps, err := newInstances(w.options, w.brokers, w.dir, w.topology, log)
	if err != nil {
		return nil, err
	}
	cfg := kafka.Config{Brokers: w.brokers, ClientID: w.appID}
	if w.verbose {
		cfg.Logger = log
	}
	admin, err := kafka.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	into, err := createTopics(ctx, admin, w.appID)
	if err != nil {
		return nil, err
	}
	backlog := newBacklog(admin, w.appID, w.topology)
	before, err := backlog.look(ctx)
	if err != nil {
		return nil, err
	}
	if left := before.left(); left > 0 {
		w.say("an earlier run left %d records to process; they come first", left)
	}
	begin := time.Now()
	written, err := feed(ctx, cfg, linesTopic(w.appID), into, texts)
	if err != nil {
		return nil, err
	}
	w.say("wrote %d lines to %s in %.2f s", written, linesTopic(w.appID), time.Since(begin).Seconds())
	after, took, err := w.process(ctx, apps, backlog)
	if err != nil {
		return nil, err
	}
	r := &result{Lines: after.linesEnd, Written: written, Records: after.done() - before.done(), Seconds: took.Seconds()}
	r.RecordsPerSecond = perSecond(r.Records, took)
	if n, spent := apps.restored.figures(); n > 0 {
		r.Restored = &restoredResult{Records: n, Seconds: spent.Seconds(), RecordsPerSecond: perSecond(n, spent)}
	}
	if r.Words, err = readCounts(ctx, cfg, admin, countsTopic(w.appID)); err != nil {
		return nil, err
	}
	return r, nil
}

// createTopics makes sure of the input and output topics and returns the input's number of partitions.
func createTopics(ctx context.Context, admin *kafka.Admin, appID string) (int32, error) {
	in, out := linesTopic(appID), countsTopic(appID)
	err := admin.CreateTopics(ctx,
		kafka.TopicSpec{Name: in, Partitions: partitions},
		kafka.TopicSpec{Name: out, Partitions: partitions, Configs: map[string]string{"cleanup.policy": "compact"}})
	if err != nil {
		return 0, err
	}
	found, err := admin.Topics(ctx, in)
	return found[in].Partitions, err
}
