package main

import (
	"context"
	"errors"
	"time"
)

const (
	lookInterval = 100 * time.Millisecond
	sayInterval  = time.Second
)

// process runs the instances until everything is processed and returns how far they came and the time it took
// from when the first of them was ready.
func (w *wordcount) process(ctx context.Context, apps *instances, b *backlog) (distance, time.Duration, error) {
	run, stop := context.WithCancel(ctx)
	defer stop()
	var failure error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failure = apps.run(run)
	}()
	d, took, err := w.watch(ctx, apps, b, ended)
	stop()
	<-ended
	if failure != nil { // the cause of whatever watch saw
		err = failure
	}
	return d, took, err
}

// watch reports progress until everything is processed. It is an error if the instances end before.
func (w *wordcount) watch(ctx context.Context, apps *instances, b *backlog, ended <-chan struct{}) (d distance, took time.Duration, err error) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	said := time.Now()
	var restored int64
	for {
		select {
		case <-ctx.Done():
			return d, 0, ctx.Err()
		case <-ended:
			return d, 0, errors.Join(ctx.Err(), errors.New("the application ended before everything was processed"))
		case <-look.C:
		}
		if d, err = b.look(ctx); err != nil {
			return d, 0, err
		}
		finished := d.finished && apps.running() == len(apps.apps)
		if n, spent := apps.restored.figures(); n > restored && apps.running() == len(apps.apps) {
			restored = n
			w.say("restored %d records in %.2f s (%.0f records/s)", n, spent.Seconds(), perSecond(n, spent))
		}
		if finished || time.Since(said) >= sayInterval {
			said = time.Now()
			w.sayProgress(d, apps)
		}
		if finished {
			return d, apps.runningFor(), nil
		}
	}
}

func (w *wordcount) sayProgress(d distance, apps *instances) {
	running, all := apps.running(), len(apps.apps)
	if running == 0 && apps.runningFor() == 0 {
		w.say("waiting for the group and for the state; a run that was killed keeps its place in the group for %v", sessionTimeout)
		return
	}
	w.say("%d of %d lines, %d of %d words processed; %d of %d instances running", d.input, d.inputEnd, d.inner, d.innerEnd, running, all)
}
