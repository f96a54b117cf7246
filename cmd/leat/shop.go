package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/topology"
)

// runShop is "leat demo shop".
func runShop(ctx context.Context, args []string, c console) error {
	o, err := parseShop(args, c.out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := shopTopology(o.appID)
	if err != nil {
		return err
	}
	if o.describe != "" {
		o.describe.print(c.out, t)
		return nil
	}
	s := &shop{shopOptions: o, console: c, topology: t, topics: newShopTopics(o.appID)}
	if o.output == "text" && isTerminal(c.out) {
		s.screen = &screen{to: c.out}
		if isTerminal(c.progress) {
			s.progress = s.screen
		}
	}
	p, err := o.open()
	if err != nil {
		return err
	}
	defer p.close()
	r, err := s.run(ctx, p)
	if err != nil {
		return o.interrupted(ctx, err)
	}
	return r.write(c.out, o.output, s.screen == nil)
}

// shop is one run of the demonstration.
type shop struct {
	*shopOptions
	console
	topology *topology.Topology
	topics   shopTopics
	// screen is nil if nobody looks.
	screen *screen

	admin   *kafka.Admin
	apps    *instances
	backlog *backlog
	reader  *reader
	feeder  *feeder
	// before are the totals that earlier runs have led to.
	before totals
	begin  time.Time
	said   time.Time
}

// run opens the shop, closes it when ctx ends or its time is over, and does the accounts.
func (s *shop) run(ctx context.Context, p place) (r *shopResult, err error) {
	log := s.logger(s.console)
	if s.apps, err = newInstances(&s.options, p, s.topology, app.ExactlyOnce, log); err != nil {
		return nil, err
	}
	cfg := kafka.Config{Brokers: p.brokers, ClientID: s.appID}
	if s.verbose {
		cfg.Logger = log
	}
	if s.admin, err = kafka.Connect(ctx, cfg); err != nil {
		return nil, err
	}
	defer s.admin.Close()
	if err := s.createTopics(ctx); err != nil {
		return nil, err
	}
	if s.feeder, err = newFeeder(cfg, s.topics); err != nil {
		return nil, err
	}
	defer s.feeder.close()
	// The customers stand there before the first order: the join sees the table as it is when an order comes.
	if err := s.feeder.customers(ctx, time.Now()); err != nil {
		return nil, err
	}
	if s.reader, err = newReader(ctx, cfg, s.admin, s.topics.totals); err != nil {
		return nil, err
	}
	s.backlog = newBacklog(s.admin, s.appID, s.topology, s.topics.orders.Name(), s.topics.payments.Name(), s.topics.customers.Name())

	// What runs beside this goroutine goes on when ctx ends, until the accounts are done.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	beside := group{stop: cancel}
	beside.start(func() error { return s.reader.run(background) })
	beside.start(func() error {
		err := s.apps.run(background)
		if err == nil && background.Err() == nil {
			err = errors.New("the application ended before everything was processed")
		}
		return err
	})
	r, err = s.trade(ctx, background)
	cancel()
	if failure := beside.wait(); failure != nil { // the cause of whatever trade saw
		err = failure
	}
	return r, err
}

// trade feeds the application until ctx ends or the time is over. background ends when something else has failed.
func (s *shop) trade(ctx, background context.Context) (*shopResult, error) {
	// What an earlier run has left is not this one's.
	early, stop := context.WithCancel(ctx)
	defer context.AfterFunc(background, stop)()
	if err := s.finish(early); err != nil {
		return nil, err
	}
	s.before = s.reader.totals()

	trading := early
	if s.duration > 0 {
		var over func()
		trading, over = context.WithTimeout(early, s.duration)
		defer over()
	}
	s.begin = time.Now()
	fed := make(chan error, 1)
	go func() { fed <- s.feeder.run(trading, newTraffic(uint64(s.begin.UnixNano()), s.begin, s.rate)) }()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for open := true; open; {
		select {
		case <-look.C:
			s.show(false)
		case err := <-fed:
			if err != nil {
				return nil, err
			}
			open = false
		}
	}
	took := time.Since(s.begin).Seconds()
	if err := s.finish(background); err != nil {
		return nil, err
	}
	s.show(true)
	written, all := s.feeder.figures(), s.reader.totals()
	if err := all.check(s.before.plus(written.due)); err != nil {
		return nil, err
	}
	return newShopResult(written, took, all), nil
}

// finish waits until all that has been written is processed, committed and read.
func (s *shop) finish(ctx context.Context) error {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
		s.show(false)
		d, err := s.backlog.look(ctx)
		if err != nil {
			return err
		}
		if !d.finished || s.apps.running() < len(s.apps.apps) {
			continue
		}
		if complete, err := s.reader.complete(ctx); complete || err != nil {
			return err
		}
	}
}

// show says how far it is: on the screen, or in a line a second.
func (s *shop) show(last bool) {
	if s.begin.IsZero() {
		if s.screen == nil && time.Since(s.said) >= sayInterval {
			s.said = time.Now()
			s.say("waiting for the group and for the state; a run that was killed keeps its place in the group for %v", sessionTimeout)
		}
		return
	}
	if s.screen == nil && !last && time.Since(s.said) < sayInterval {
		return
	}
	s.said = time.Now()
	written, all := s.feeder.figures(), s.reader.totals()
	m := &moment{
		passed: time.Since(s.begin), duration: s.duration, running: s.apps.running(), all: len(s.apps.apps),
		orders: written.orders, payments: written.payments, totals: all,
	}
	before, _ := s.before.sum()
	counted, _ := all.sum()
	m.due, _ = written.due.sum()
	m.counted = counted - before
	if s.screen != nil {
		s.screen.show(m.frame())
	} else {
		s.say("%s", m.line())
	}
}

// createTopics makes sure of the topics that are not the application's own.
func (s *shop) createTopics(ctx context.Context) error {
	compact := map[string]string{"cleanup.policy": "compact"}
	err := s.admin.CreateTopics(ctx,
		kafka.TopicSpec{Name: s.topics.orders.Name(), Partitions: partitions},
		kafka.TopicSpec{Name: s.topics.payments.Name(), Partitions: partitions},
		kafka.TopicSpec{Name: s.topics.customers.Name(), Partitions: partitions, Configs: compact},
		kafka.TopicSpec{Name: s.topics.totals.Name(), Partitions: partitions, Configs: compact})
	if err != nil {
		return fmt.Errorf("create the shop's topics: %w", err)
	}
	return nil
}
