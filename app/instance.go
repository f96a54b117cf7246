package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/leatstream/leat/assign"
	"github.com/leatstream/leat/internal/kafka"
)

// instance is a running App: its connections, goroutines and tasks.
type instance struct {
	app    *App
	cfg    *Config
	log    *slog.Logger
	admin  *kafka.Admin
	layout *layout
	ids    map[string][16]byte // of internal topics
	state  *stateDir
	member *kafka.Member
	group  *group

	workers  []*worker
	restore  *restorer
	standbys *standbys
	probe    *prober
	globals  *globals
	purge    purge
	eventMu  sync.Mutex // OnRestore is called once at a time

	// failed is closed by the first failure, which err then holds.
	failed   chan struct{}
	failOnce sync.Once
	err      error

	caches cacheMemory

	mu    sync.Mutex
	tasks map[assign.Task]*entry
	// joined tells that the group has assigned something, if nothing, to this instance.
	joined bool
	// restoring counts tasks that are not with their workers yet.
	restoring int
}

// open connects, prepares topics and takes the state directory.
func open(ctx context.Context, a *App) (_ *instance, err error) {
	in := &instance{
		app: a, cfg: &a.cfg, log: a.cfg.Logger.With("app", a.cfg.Application),
		failed: make(chan struct{}), tasks: make(map[assign.Task]*entry),
	}
	in.caches.total = cacheShare(a.cfg.Memory)
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
		}
	}()
	if in.admin, err = kafka.Connect(ctx, a.cfg.kafka()); err != nil {
		return nil, err
	}
	if err = in.checkTransactions(ctx); err != nil {
		return nil, err
	}
	if in.layout, in.ids, err = prepareTopics(ctx, in.cfg, in.admin); err != nil {
		return nil, err
	}
	if in.state, err = openStateDir(in); err != nil {
		return nil, err
	}
	if err = in.fenceOwn(ctx); err != nil {
		return nil, err
	}
	if in.globals, err = newGlobals(in); err != nil {
		return nil, err
	}
	if in.restore, err = newRestorer(in); err != nil {
		return nil, err
	}
	in.standbys, in.probe = newStandbys(in), newProber(in)
	for i := range a.cfg.Workers {
		w, err := newWorker(in, i)
		if err != nil {
			return nil, err
		}
		in.workers = append(in.workers, w)
	}
	return in, nil
}

// run joins the group and returns when ctx has ended or something has failed, and everything has stopped.
func (in *instance) run(ctx context.Context) error {
	in.app.setState(Rebalancing)
	in.group = &group{in: in}
	// The goroutines outlive ctx: first the tasks are committed and given up.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	for _, w := range in.workers {
		wg.Go(func() { w.run(work) })
	}
	wg.Go(func() { in.restore.run(work) })
	wg.Go(func() { in.upkeep(work) })
	wg.Go(func() { in.keepFlushed(work) })
	wg.Go(func() { in.probe.run(work) })
	wg.Go(func() { in.globals.run(work) })

	if !in.globals.wait(ctx) { // the tasks may read any of it
		stop()
		wg.Wait()
		select {
		case <-in.failed:
			in.app.setState(Error)
			return in.err
		default:
			return nil
		}
	}
	var err error
	in.member, err = kafka.Join(in.cfg.kafka(), kafka.MemberConfig{
		Group: in.cfg.Application, Topics: in.layout.subscribed(), InstanceID: in.cfg.Instance,
		SessionTimeout: in.cfg.SessionTimeout, Assignor: in.group, Handler: in.group,
	})
	if err == nil {
		in.group.joinedAs(in.member)
		select {
		case <-ctx.Done():
			in.app.setState(Closing)
		case <-in.failed:
			if err = in.err; damaged(err) || grown(err) {
				in.app.setState(Rebalancing) // the next instance goes on
			} else {
				in.app.setState(Error)
			}
		}
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.cfg.StopTimeout)
		leave := !in.cfg.StayOnClose && in.cfg.Instance == ""
		if cerr := in.member.Close(closing, leave); cerr != nil {
			err = errors.Join(err, fmt.Errorf("leave the group: %w", cerr))
		}
		cancel()
		if err == nil { // the last commit may have failed
			select {
			case <-in.failed:
				err = in.err
			default:
			}
		}
	}
	stop()
	wg.Wait()
	return err
}

func (in *instance) close() error {
	for _, w := range in.workers {
		w.close()
	}
	if in.restore != nil {
		in.restore.close()
	}
	if in.globals != nil {
		if err := in.globals.close(); err != nil {
			in.log.Warn("closing the global stores", "err", err)
		}
	}
	if in.admin != nil {
		in.admin.Close()
	}
	if in.state != nil {
		return in.state.close()
	}
	return nil
}

// fail stops the instance with an error. Only the first one counts.
func (in *instance) fail(err error) {
	in.failOnce.Do(func() {
		in.err = err
		close(in.failed)
	})
}

// settle sets the state that follows from the tasks.
func (in *instance) settle() {
	in.mu.Lock()
	running := in.joined && in.restoring == 0
	in.mu.Unlock()
	if running {
		in.app.setState(Running)
	} else {
		in.app.setState(Rebalancing)
	}
}

// now is the wall clock in milliseconds, for everything below app.
func now() int64 { return time.Now().UnixMilli() }
