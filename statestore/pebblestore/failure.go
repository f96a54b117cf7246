package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// failure is the database's first failure, and stays. Pebble reports failures in four ways: as errors of calls;
// through its event listener, from its own goroutines; by calling Logger.Fatalf, which is expected not to
// return and by default ends the process; and by blocking writers for as long as it cannot flush. All of them
// end up here, so that a failing disk neither ends the process nor hangs a task unnoticed.
type failure struct {
	dir       string
	log       *slog.Logger
	onFailure func(error)
	stall     time.Duration
	fence     *fence

	mu  sync.Mutex
	err *Error
	// failed is closed when err is set.
	failed chan struct{}
	// timer runs while writers are stalled.
	timer *time.Timer

	// running counts the calls that run has made and that have not come back, whether anybody waits for them or not.
	running sync.WaitGroup
	// abandoned says that Pebble is in a state in which it cannot be closed.
	abandoned atomic.Bool
	// background counts the failures of flushes and compactions, stalls how often writers had to wait.
	background, stalls atomic.Int64
}

// report makes err the database's failure unless there is one, and returns the one there is.
func (f *failure) report(kind error, op string, cause error) error {
	f.mu.Lock()
	first := f.err == nil
	if first {
		f.err = &Error{Kind: kind, Op: op, Dir: f.dir, Cause: cause}
		close(f.failed)
	}
	err := f.err
	f.mu.Unlock()
	if first && f.onFailure != nil {
		f.onFailure(err)
	}
	return err
}

// get returns the failure, nil as long as all is well.
func (f *failure) get() error {
	select {
	case <-f.failed:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.err
	default:
		return nil
	}
}

// wrap gives an error of a call its kind. Damage fails the database for good; a read that the disk refuses
// may do better the next time.
func (f *failure) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	kind := kindOf(err)
	if errors.Is(kind, ErrCorrupt) {
		return f.report(kind, op, err)
	}
	if kind == nil {
		kind = ErrStorage
	}
	return &Error{Kind: kind, Op: op, Dir: f.dir, Cause: err}
}

// fatal is what Fatalf panics with in a goroutine of ours.
type fatal struct{ err error }

// recovered is deferred by every function of this package that calls Pebble where it may call Fatalf.
func (f *failure) recovered(err *error) {
	switch r := recover().(type) {
	case nil:
	case fatal:
		*err = r.err
	default:
		panic(r)
	}
}

// run calls Pebble where it may block, and gives up waiting when the database fails. The call then goes on in
// a goroutine of its own for as long as Pebble keeps it: nothing that it uses may be touched any more, and Pebble not
// be closed.
func (f *failure) run(op string, call func() error) error {
	if err := f.get(); err != nil {
		return err
	}
	done := make(chan error, 1)
	f.running.Go(func() {
		var err error
		defer func() { done <- err }()
		defer f.recovered(&err)
		err = call()
	})
	select {
	case err := <-done:
		return f.wrap(op, err)
	case <-f.failed:
	}
	select {
	case err := <-done:
		return f.wrap(op, err)
	default:
		return f.get()
	}
}

// Infof is for Pebble's chatter.
func (f *failure) Infof(format string, args ...any) {
	if f.log.Enabled(context.Background(), slog.LevelDebug) {
		f.log.Debug("pebble: " + fmt.Sprintf(format, args...))
	}
}

// Errorf logs what Pebble complains about and goes on with.
func (f *failure) Errorf(format string, args ...any) {
	f.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is called where Pebble cannot go on, and must not return. In a call of ours it panics, up to the
// function that recovers. A goroutine of Pebble's own has nobody to recover: it stays here for good, with the
// locks that it holds, and the database is abandoned.
func (f *failure) Fatalf(format string, args ...any) {
	kind := ErrStorage
	for _, a := range args {
		if err, ok := a.(error); ok && pebble.IsCorruptionError(err) {
			kind = ErrCorrupt
		}
	}
	f.abandoned.Store(true)
	f.fence.close()
	err := f.report(kind, "run the database", fmt.Errorf(format, args...))
	if calledByUs() {
		panic(fatal{err})
	}
	select {}
}

// calledByUs reports whether a function of this package, other than those that Pebble calls back, is on the
// stack.
func calledByUs() bool {
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "/pebblestore.") &&
			!strings.Contains(frame.Function, ".(*failure).Fatalf") && !strings.HasSuffix(frame.Function, ".calledByUs") &&
			!strings.Contains(frame.Function, ".(*fence") {
			return true
		}
		if !more {
			return false
		}
	}
}

// listener returns the handlers of Pebble's events. They run on its goroutines, some with its locks held.
func (f *failure) listener() *pebble.EventListener {
	return &pebble.EventListener{
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			_ = f.report(ErrCorrupt, "read "+info.Path, info.Details)
		},
		// A full disk makes Pebble try again at once, some hundred times a second; only the first time counts.
		BackgroundError: func(err error) {
			f.background.Add(1)
			kind := kindOf(err)
			if kind == nil {
				kind = ErrStorage
			}
			_ = f.report(kind, "write in the background", err)
		},
		// Writers that wait for a flush are nothing unusual, unless it takes forever.
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			f.stalls.Add(1)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.stopTimer()
			f.timer = time.AfterFunc(f.stall, func() {
				_ = f.report(ErrStorage, "write", fmt.Errorf("writes wait for more than %v: %s", f.stall, info.Reason))
			})
		},
		WriteStallEnd: func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.stopTimer()
		},
		DiskSlow: func(info pebble.DiskSlowInfo) { f.log.Warn("slow disk", "dir", f.dir, "detail", info.String()) },
	}
}

func (f *failure) stopTimer() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}
