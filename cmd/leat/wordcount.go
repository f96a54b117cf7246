package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/topology"
)

// partitions is the number of partitions of topics that the demonstration creates.
const partitions = 4

const wordcountUsage = `Usage: leat demo wordcount [FLAGS] [FILE...]

Writes every line of the files (without one: a text that leat brings along) to the topic APP-ID-lines and runs an
application that counts their words, lower-cased runs of letters and digits, into the topic APP-ID-counts. Without
--brokers a broker runs inside this process. Run again with the same --app-id and --brokers, the counts go on
from where they were; with /dev/null as file it only finishes what is there.

Flags, before or after the files:
`

// wordcountOptions are wordcount's command line.
type wordcountOptions struct {
	options
	files []string
}

// parseWordcount reads a command line. flag.ErrHelp is returned for one that asks for help, with the text on out.
func parseWordcount(args []string, out io.Writer) (*wordcountOptions, error) {
	o := &wordcountOptions{}
	var err error
	if o.files, err = o.parse(o.flags("wordcount"), args, wordcountUsage, out); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, usageError{fmt.Errorf("demo wordcount: %w", err)}
	}
	return o, nil
}

// runWordcount is "leat demo wordcount".
func runWordcount(ctx context.Context, args []string, c console) error {
	o, err := parseWordcount(args, c.out)
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
	if o.describe != "" {
		o.describe.print(c.out, t)
		return nil
	}
	texts, err := openTexts(o.files)
	if err != nil {
		return err
	}
	defer closeTexts(texts)
	p, err := o.open()
	if err != nil {
		return err
	}
	defer p.close()
	r, err := (&wordcount{options: &o.options, console: c, topology: t, place: p}).count(ctx, texts)
	if err != nil {
		return o.interrupted(ctx, err)
	}
	return r.write(c.out, o.output)
}

// wordcount is one run of the demonstration against brokers.
type wordcount struct {
	*options
	console
	topology *topology.Topology
	place    place
}

// count writes the lines of texts, runs the application until everything is processed, and reads its table.
func (w *wordcount) count(ctx context.Context, texts []text) (*result, error) {
	log := w.logger(w.console)
	apps, err := newInstances(w.options, w.place, w.topology, app.AtLeastOnce, log)
	if err != nil {
		return nil, err
	}
	cfg := kafka.Config{Brokers: w.place.brokers, ClientID: w.appID}
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
	backlog := newBacklog(admin, w.appID, w.topology, linesTopic(w.appID))
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
	r := &result{Lines: after.inputEnd, Written: written, Records: after.done() - before.done(), Seconds: took.Seconds()}
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
